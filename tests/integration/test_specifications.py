"""Every rule of the specifications, by its words."""

from uuid import uuid4

import asyncpg
import pytest
from pydantic import ValidationError

from chat_persistence import (
    ChatStore,
    Conversation,
    ConversationNotFound,
    ConversationRead,
    ConversationUpdate,
    InvalidInput,
    Message,
    MessageCreate,
    MessageRole,
    ToolCall,
    UserChats,
)

INSERT = (
    "INSERT INTO messages (conversation_id, user_id, position, id, role, content)"
    " VALUES ($1, $2, $3, gen_random_uuid(), $4, $5)"
)


class TestRole:
    """Role field restricted to 'user' or 'assistant' values."""

    def test_there_are_two_roles(self) -> None:
        assert [role.value for role in MessageRole] == ["user", "assistant"]

    @pytest.mark.parametrize("role", ["system", "tool", "", "USER", None, 1])
    def test_a_message_with_another_role_cannot_be_made(self, role: object) -> None:
        with pytest.raises(ValidationError):
            MessageCreate.model_validate({"role": role, "content": "x"})

    async def test_the_database_refuses_another_role(
        self, conversation: ConversationRead, connection: asyncpg.Connection
    ) -> None:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(INSERT, conversation.id, conversation.user_id, 1, "system", "x")


class TestContent:
    """Content must not be empty."""

    def test_a_message_that_says_nothing_cannot_be_made(self) -> None:
        with pytest.raises(ValidationError, match="content must not be empty"):
            MessageCreate(role=MessageRole.USER, content="")

    def test_tool_calls_or_native_say_something(self) -> None:
        assert MessageCreate(role="assistant", tool_calls=[ToolCall(id="c", name="x")]).content == ""
        assert MessageCreate(role="assistant", native=[]).content == ""

    async def test_the_database_refuses_a_message_that_says_nothing(
        self, conversation: ConversationRead, connection: asyncpg.Connection
    ) -> None:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(INSERT, conversation.id, conversation.user_id, 1, "user", "")


class TestTitle:
    """Title, if provided, must be 1-200 characters; auto-generated from the first message."""

    @pytest.mark.parametrize("title", ["", "x" * 201])
    async def test_another_title_is_refused(self, chat: UserChats, conversation: ConversationRead, title: str) -> None:
        with pytest.raises(InvalidInput):
            await chat.conversations.rename(conversation.id, title)
        with pytest.raises(ValidationError):
            ConversationUpdate(title=title)

    @pytest.mark.parametrize("title", ["", "x" * 201])
    async def test_the_database_refuses_another_title(
        self, conversation: ConversationRead, connection: asyncpg.Connection, title: str
    ) -> None:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE conversations SET title = $1 WHERE id = $2", title, conversation.id)

    async def test_the_first_user_message_gives_the_title(
        self, chat: UserChats, conversation: ConversationRead
    ) -> None:
        await chat.messages.append(conversation.id, MessageCreate(role="user", content="Buy milk"))

        assert (await chat.conversations.get(conversation.id)).title == "Buy milk"


class TestOwnership:
    """All messages must belong to an existing conversation; all queries must filter by the user."""

    async def test_a_message_needs_a_conversation(self, chat: UserChats) -> None:
        with pytest.raises(ConversationNotFound):
            await chat.messages.append(uuid4(), MessageCreate(role="user", content="x"))

    async def test_the_database_refuses_a_message_without_its_conversation(
        self, user_id: str, connection: asyncpg.Connection
    ) -> None:
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute(INSERT, uuid4(), user_id, 1, "user", "x")

    @pytest.mark.parametrize("user_id", ["", "x" * 256, "ä" * 128, "a\x00b", "\ud800"])
    def test_a_user_has_an_id_of_1_to_255_bytes(self, store: ChatStore, user_id: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            store.for_user(user_id)
        with pytest.raises(InvalidInput):
            store.unit_of_work(user_id)
        assert caught.value.field == "user_id"

    @pytest.mark.parametrize("user_id", ["", "x" * 256])
    async def test_the_database_refuses_another_id_of_a_user(
        self, user_id: str, connection: asyncpg.Connection
    ) -> None:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("INSERT INTO conversations (user_id, id) VALUES ($1, $2)", user_id, uuid4())

    @pytest.mark.parametrize("user_id", ["ünïcode", "x" * 255, "auth0|123", "a'; DROP TABLE messages; --"])
    async def test_any_other_id_is_a_user(self, store: ChatStore, user_id: str) -> None:
        chat = store.for_user(user_id)
        conversation = await chat.conversations.create()
        assert (await chat.conversations.page(1)).items == [conversation]
        await chat.erase()


class TestRecords:
    """created_at is set automatically; updated_at is updated on any change; deletes cascade; history is limited."""

    async def test_deleting_the_conversation_row_deletes_its_messages(
        self, chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
    ) -> None:
        await chat.messages.append(conversation.id, MessageCreate(role="user", content="x"))

        await connection.execute("DELETE FROM conversations WHERE id = $1", conversation.id)

        rows = await connection.fetchval("SELECT count(*) FROM messages WHERE conversation_id = $1", conversation.id)
        assert rows == 0

    async def test_times_are_set_by_the_database_and_have_a_zone(
        self, chat: UserChats, conversation: ConversationRead
    ) -> None:
        (message,) = await chat.messages.append(conversation.id, MessageCreate(role="user", content="x"))

        assert conversation.created_at.tzinfo is not None
        assert message.created_at.tzinfo is not None
        assert message.created_at >= conversation.created_at

    async def test_the_last_n_messages_are_in_chronological_order(
        self, chat: UserChats, conversation: ConversationRead
    ) -> None:
        for number in range(60):
            await chat.messages.append(conversation.id, MessageCreate(role="user", content=str(number)))

        history = await chat.messages.last(conversation.id)

        assert [message.content for message in history] == [str(number) for number in range(10, 60)]

    def test_the_models_are_declarative_and_related_one_to_many(self) -> None:
        assert Conversation.__mapper__.relationships["messages"].uselist
        assert Message.__mapper__.relationships["conversation"].direction.name == "MANYTOONE"
