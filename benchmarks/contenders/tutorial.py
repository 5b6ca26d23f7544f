"""SQLAlchemy's ORM as tutorials and specifications write it: serial keys, a session a call, order by `created_at`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ForeignKey, Select, String, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks import dialogue, filling
from benchmarks.contender import Contender
from benchmarks.loops import LAST, LISTED
from benchmarks.names import LISTER, USER, owner_of
from benchmarks.peers.serving import sqlalchemy_url


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    """The tutorial's own declarative base."""


class Conversation(Base):
    """A chat."""

    __tablename__ = "conversations"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(String(255), index=True)
    created_at: Mapped[datetime] = mapped_column(default=_now)
    updated_at: Mapped[datetime] = mapped_column(default=_now)


class Message(Base):
    """What was said."""

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(String(255), index=True)
    role: Mapped[str] = mapped_column(String(20))
    content: Mapped[str] = mapped_column(Text)
    tool_calls: Mapped[Any | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(default=_now, index=True)


class Tutorial(Contender):
    """The engine has SQLAlchemy's defaults: 5 connections and 10 more, a wait of 30 s for one."""

    lists = True

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    async def open(self, url: str) -> None:
        """Create the tables, as `create_all` does."""
        self._url = url
        self._engine = create_async_engine(sqlalchemy_url(url))
        self._session = async_sessionmaker(self._engine, expire_on_commit=False)
        async with self._engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    async def close(self) -> None:
        await self._engine.dispose()

    async def begin(self, conversation: str) -> None:
        """Add a row, whose id the database chooses."""
        async with self._session() as session:
            row = Conversation(user_id=owner_of(conversation))
            session.add(row)
            await session.commit()
        self._ids[conversation] = row.id

    async def fill(self, conversation: str, messages: int) -> None:
        await self.begin(conversation)
        await filling.fill_tutorial(self._url, self._ids[conversation], owner_of(conversation), messages)

    async def append(self, conversation: str, number: int) -> None:
        """Check the owner, touch the conversation and add both messages, in one transaction."""
        async with self._session() as session:
            chat = await self._own(session, conversation)
            chat.updated_at = _now()
            session.add_all(_messages(chat.id, number))
            await session.commit()

    async def last(self, conversation: str) -> list[Message]:
        """Return the rows as objects of the ORM."""
        async with self._session() as session:
            newest = await session.scalars(newest_of(self._ids[conversation]))
            return list(newest)[::-1]

    def contents(self, messages: Sequence[Any]) -> list[str]:
        return [message.content for message in messages]

    async def list_conversations(self) -> Sequence[Conversation]:
        """Return the rows as objects of the ORM."""
        async with self._session() as session:
            mine = select(Conversation).where(Conversation.user_id == LISTER)
            listed = await session.scalars(mine.order_by(Conversation.updated_at.desc()).limit(LISTED))
            return listed.all()

    def sql_of_last(self, conversation: str) -> str:
        """Return what `last` sends, for EXPLAIN."""
        compiled = newest_of(self._ids[conversation]).compile(
            dialect=self._engine.dialect, compile_kwargs={"literal_binds": True}
        )
        return str(compiled)

    async def _own(self, session: AsyncSession, conversation: str) -> Conversation:
        place = (Conversation.id == self._ids[conversation], Conversation.user_id == USER)
        return (await session.scalars(select(Conversation).where(*place))).one()


def newest_of(conversation: int) -> Select[Any]:
    """Read the newest 50 of a conversation that is the user's."""
    mine = select(Message).where(Message.conversation_id == conversation, Message.user_id == USER)
    return mine.order_by(Message.created_at.desc()).limit(LAST)


def _messages(conversation: int, number: int) -> list[Message]:
    turn = dialogue.turn(number)
    place = {"conversation_id": conversation, "user_id": USER}
    return [
        Message(**place, role="user", content=turn.question),
        Message(**place, role="assistant", content=turn.answer, tool_calls=turn.calls() or None),
    ]
