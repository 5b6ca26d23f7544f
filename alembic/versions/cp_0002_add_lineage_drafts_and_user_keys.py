"""Add what the later life of a conversation needs: its lineage, its followers, drafts of replies, and users' keys.

Nothing is rewritten: new columns are empty, and the checks on them are read in one pass over the conversations.

Revision: cp_0002
Revises: cp_0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "cp_0002"
down_revision = "cp_0001"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
TIMESTAMP = postgresql.TIMESTAMP(timezone=True)
USER_ID = sa.Text(collation="C")
USER_ID_LENGTH = "octet_length(user_id) BETWEEN 1 AND 255"


def upgrade() -> None:
    add_lineage()
    op.add_column("conversations", sa.Column("followed_until", TIMESTAMP))
    create_drafts()
    create_user_keys()


def downgrade() -> None:
    op.drop_table("user_keys")
    op.drop_table("drafts")
    for column in ("followed_until", "forked_position", "forked_from"):
        op.drop_column("conversations", column)


def add_lineage() -> None:
    op.add_column("conversations", sa.Column("forked_from", sa.Uuid()))
    op.add_column("conversations", sa.Column("forked_position", sa.Integer()))
    both_or_none = "(forked_from IS NULL) = (forked_position IS NULL)"
    op.create_check_constraint(op.f("ck_conversations_lineage"), "conversations", both_or_none)
    op.create_check_constraint(op.f("ck_conversations_forked_position"), "conversations", "forked_position >= 0")


def create_drafts() -> None:
    op.create_table(
        "drafts",
        sa.Column("user_id", USER_ID, nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("native", postgresql.JSON()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "conversation_id", "id", "part", name=op.f("pk_drafts")),
        sa.ForeignKeyConstraint(
            ["user_id", "conversation_id"],
            ["conversations.user_id", "conversations.id"],
            name=op.f("fk_drafts_conversations"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(USER_ID_LENGTH, name=op.f("ck_drafts_user_id_length")),
        sa.CheckConstraint("part > 0", name=op.f("ck_drafts_part")),
    )


def create_user_keys() -> None:
    op.create_table(
        "user_keys",
        sa.Column("user_id", USER_ID, nullable=False),
        sa.Column("master_key_id", sa.Text(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_keys")),
        sa.CheckConstraint(USER_ID_LENGTH, name=op.f("ck_user_keys_user_id_length")),
    )
