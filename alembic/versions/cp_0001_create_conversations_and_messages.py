"""Create conversations and messages.

The owner leads or closes every key, so that a message in somebody else's conversation is impossible and
both tables can be distributed by `user_id`. There is no trigger, sequence or enum: Citus has limits for each.
`op.f` keeps each name as it is written: Alembic would put a naming convention's prefix before it.

Revision: cp_0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "cp_0001"
down_revision = None
branch_labels = ("chat_persistence",)
depends_on = None

NOW = sa.text("now()")
TIMESTAMP = postgresql.TIMESTAMP(timezone=True)
USER_ID = sa.Text(collation="C")
USER_ID_LENGTH = "octet_length(user_id) BETWEEN 1 AND 255"


def upgrade() -> None:
    create_conversations()
    create_listing(op.f("ix_conversations_active"), "archived_at IS NULL")
    create_listing(op.f("ix_conversations_archived"), "archived_at IS NOT NULL")
    create_messages()


def downgrade() -> None:
    op.drop_table("messages")
    op.drop_table("conversations")


def create_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("user_id", USER_ID, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text()),
        sa.Column("last_position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("message_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("updated_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("archived_at", TIMESTAMP),
        sa.Column("metadata", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_conversations")),
        sa.CheckConstraint(USER_ID_LENGTH, name=op.f("ck_conversations_user_id_length")),
        sa.CheckConstraint("char_length(title) BETWEEN 1 AND 200", name=op.f("ck_conversations_title_length")),
        sa.CheckConstraint("last_position >= 0", name=op.f("ck_conversations_last_position")),
        sa.CheckConstraint("message_count >= 0", name=op.f("ck_conversations_message_count")),
    )
    # Room for the counters' updates on a conversation's own page.
    op.execute("ALTER TABLE conversations SET (fillfactor = 70)")


def create_listing(name: str, condition: str) -> None:
    newest_first = [sa.text("updated_at DESC"), sa.text("id DESC")]
    op.create_index(name, "conversations", ["user_id", *newest_first], postgresql_where=sa.text(condition))


def create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", USER_ID, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("tool_calls", postgresql.JSONB()),
        sa.Column("native", postgresql.JSON()),
        sa.Column("metadata", postgresql.JSONB()),
        sa.Column("token_count", sa.Integer()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "position", "user_id", name=op.f("pk_messages")),
        sa.UniqueConstraint("id", "user_id", name=op.f("uq_messages_id")),
        sa.ForeignKeyConstraint(
            ["user_id", "conversation_id"],
            ["conversations.user_id", "conversations.id"],
            name=op.f("fk_messages_conversations"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(USER_ID_LENGTH, name=op.f("ck_messages_user_id_length")),
        sa.CheckConstraint("position > 0", name=op.f("ck_messages_position")),
        sa.CheckConstraint("token_count >= 0", name=op.f("ck_messages_token_count")),
        sa.CheckConstraint(
            "content <> '' OR tool_calls IS NOT NULL OR native IS NOT NULL",
            name=op.f("ck_messages_content"),
        ),
        sa.CheckConstraint("role IN ('user', 'assistant')", name=op.f("ck_messages_role")),
    )
