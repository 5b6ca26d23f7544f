"""The tables, as typed declarative models: they define the schema and serve a host's own queries and joins.

The owner is in every key, so that a message in somebody else's conversation is impossible and the tables
can be distributed by `user_id`. Rows of `messages` are never updated.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import (
    DDL,
    JSON,
    CheckConstraint,
    Enum,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    event,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.schema import ExecutableDDLElement

NAMING_CONVENTION = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
}

FILLFACTOR = 70
"""Room for the counters' updates on a conversation's own page."""


class MessageRole(StrEnum):
    """The side that speaks: the person, or everything on the runtime's side (model, tools, instructions)."""

    USER = "user"
    ASSISTANT = "assistant"


class Base(DeclarativeBase):
    """The declarative base of the tables; its `metadata` is what Alembic compares."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own annotation is not ClassVar)
        datetime: TIMESTAMP(timezone=True),
        UUID: Uuid(),
        int: Integer(),
    }


Owner = Annotated[str, mapped_column(Text(collation="C"))]
"""The host's own id of a user; the same type and collation in all tables, as a distributed key needs."""


def _values(roles: type[MessageRole]) -> list[str]:
    return [role.value for role in roles]


class Conversation(Base):
    """One chat of one user, with the counters from which its messages take their positions."""

    __tablename__ = "conversations"
    __table_args__ = (
        PrimaryKeyConstraint("user_id", "id"),
        CheckConstraint("octet_length(user_id) BETWEEN 1 AND 255", name="user_id_length"),
        CheckConstraint("char_length(title) BETWEEN 1 AND 200", name="title_length"),
        CheckConstraint("last_position >= 0", name="last_position"),
        CheckConstraint("message_count >= 0", name="message_count"),
        CheckConstraint("(forked_from IS NULL) = (forked_position IS NULL)", name="lineage"),
        CheckConstraint("forked_position >= 0", name="forked_position"),
        # Two partial indexes, not one: 10,000 archived chats would cost a sidebar 162 buffers, so they cost 2.
        Index(
            "ix_conversations_active",
            "user_id",
            text("updated_at DESC"),
            text("id DESC"),
            postgresql_where=text("archived_at IS NULL"),
        ),
        Index(
            "ix_conversations_archived",
            "user_id",
            text("updated_at DESC"),
            text("id DESC"),
            postgresql_where=text("archived_at IS NOT NULL"),
        ),
    )

    user_id: Mapped[Owner]
    id: Mapped[UUID]
    title: Mapped[str | None] = mapped_column(Text)
    last_position: Mapped[int] = mapped_column(server_default=text("0"))
    message_count: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    archived_at: Mapped[datetime | None]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, server_default=text("'{}'"))
    # No foreign key: a fork shares no fate with what it was forked from.
    forked_from: Mapped[UUID | None]
    forked_position: Mapped[int | None]
    followed_until: Mapped[datetime | None]

    messages: Mapped[list["Message"]] = relationship(
        back_populates="conversation",
        lazy="raise",
        passive_deletes="all",
    )


class Message(Base):
    """One thing that was said. `position` orders it; no timestamp does."""

    __tablename__ = "messages"
    __table_args__ = (
        # The conversation leads: 30 % more WAL than the smallest key, where the user leading costs 112 %.
        PrimaryKeyConstraint("conversation_id", "position", "user_id"),
        UniqueConstraint("id", "user_id"),
        ForeignKeyConstraint(
            ["user_id", "conversation_id"],
            ["conversations.user_id", "conversations.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint("octet_length(user_id) BETWEEN 1 AND 255", name="user_id_length"),
        CheckConstraint("position > 0", name="position"),
        CheckConstraint("token_count >= 0", name="token_count"),
        # Empty content says nothing to a person; then something else must have been said.
        CheckConstraint("content <> '' OR tool_calls IS NOT NULL OR native IS NOT NULL", name="content"),
    )

    conversation_id: Mapped[UUID]
    user_id: Mapped[Owner]
    position: Mapped[int] = mapped_column(autoincrement=False)
    id: Mapped[UUID]
    # Text with a CHECK, not a native enum: no `ALTER TYPE`, no driver introspection, the same on Citus.
    role: Mapped[MessageRole] = mapped_column(
        Enum(
            MessageRole,
            name="role",
            native_enum=False,
            create_constraint=True,
            length=20,
            values_callable=_values,
        )
    )
    content: Mapped[str] = mapped_column(Text)
    tool_calls: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    native: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSONB(none_as_null=True))
    token_count: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    conversation: Mapped[Conversation] = relationship(back_populates="messages", lazy="raise")


class DraftPart(Base):
    """A piece of a reply that is still being received. `id` is that of the message to be; `part` orders its pieces."""

    __tablename__ = "drafts"
    __table_args__ = (
        PrimaryKeyConstraint("user_id", "conversation_id", "id", "part"),
        ForeignKeyConstraint(
            ["user_id", "conversation_id"],
            ["conversations.user_id", "conversations.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint("octet_length(user_id) BETWEEN 1 AND 255", name="user_id_length"),
        CheckConstraint("part > 0", name="part"),
    )

    user_id: Mapped[Owner]
    conversation_id: Mapped[UUID]
    id: Mapped[UUID]
    part: Mapped[int] = mapped_column(autoincrement=False)
    content: Mapped[str] = mapped_column(Text)
    native: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class UserKey(Base):
    """The key of one user's encrypted messages, itself encrypted with a master key that the database never sees."""

    __tablename__ = "user_keys"
    __table_args__ = (
        PrimaryKeyConstraint("user_id"),
        CheckConstraint("octet_length(user_id) BETWEEN 1 AND 255", name="user_id_length"),
    )

    user_id: Mapped[Owner]
    master_key_id: Mapped[str] = mapped_column(Text)
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


_ddl: Callable[[str], ExecutableDDLElement] = DDL


def _listen_for_fillfactor(table: Table) -> None:
    # SQLAlchemy 2.0 has no table option for it (2.1 has `postgresql_with`).
    event.listen(table, "after_create", _ddl(f"ALTER TABLE %(fullname)s SET (fillfactor = {FILLFACTOR})"))


_listen_for_fillfactor(Base.metadata.tables["conversations"])
