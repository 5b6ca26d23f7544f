"""What is promised to one user about another: what is somebody else's is exactly as absent as what never was."""

import pytest

from chat_persistence.errors import ConversationNotFound, InvalidInput, MessageNotFound
from chat_persistence.testing.contract.chats import Chats
from chat_persistence.testing.contract.contract import Contract, contents, for_ada_and_eve, log_of, said
from chat_persistence.values import ConversationUpdate


class IsolationContract(Contract):
    """What keeps users apart, also behind a wrapper."""

    @for_ada_and_eve
    async def test_somebody_elses_conversation_is_absent(self, ada: Chats, eve: Chats) -> None:
        id, _ = await log_of(ada, "Hi")

        for call in (eve.conversations.get, eve.conversations.get_with_messages):
            with pytest.raises(ConversationNotFound):
                await call(id)
        assert (await eve.conversations.page()).items == []
        assert (await eve.conversations.page(archived=True)).items == []

    @for_ada_and_eve
    async def test_somebody_elses_messages_are_absent(self, ada: Chats, eve: Chats) -> None:
        id, (message,) = await log_of(ada, "Hi")

        assert await eve.messages.last(id) == []
        assert await eve.messages.last(id, whole_turns=True) == []
        assert await eve.messages.last_turns(id, 1) == []
        assert (await eve.messages.page(id)).items == []
        assert (await eve.messages.page(id, after=0)).items == []
        assert [message async for message in eve.messages.iterate(id)] == []
        with pytest.raises(MessageNotFound):
            await eve.messages.get(message.id)

    @for_ada_and_eve
    async def test_somebody_elses_conversation_cannot_be_changed(self, ada: Chats, eve: Chats) -> None:
        id, _ = await log_of(ada, "Hi")
        before = await ada.conversations.get(id)

        for call in (eve.conversations.archive, eve.conversations.unarchive):
            with pytest.raises(ConversationNotFound):
                await call(id)
        with pytest.raises(ConversationNotFound):
            await eve.conversations.rename(id, "mine")
        with pytest.raises(ConversationNotFound):
            await eve.conversations.update(id, ConversationUpdate(metadata={}))
        with pytest.raises(ConversationNotFound):
            await eve.messages.rewind(id, 0)

        assert await ada.conversations.get(id) == before

    @for_ada_and_eve
    async def test_nobody_else_deletes_a_conversation(self, ada: Chats, eve: Chats) -> None:
        id, messages = await log_of(ada, "Hi")

        with pytest.raises(ConversationNotFound):
            await eve.conversations.delete(id)

        assert await ada.messages.last(id) == messages

    @for_ada_and_eve
    async def test_nobody_else_appends_to_a_conversation(self, ada: Chats, eve: Chats) -> None:
        id, messages = await log_of(ada, "Hi")

        with pytest.raises(ConversationNotFound):
            await eve.messages.append(id, said("mine"))

        assert await ada.messages.last(id) == messages

    @for_ada_and_eve
    async def test_users_with_the_same_ids_have_each_their_own(self, ada: Chats, eve: Chats) -> None:
        id, _ = await log_of(ada)
        await eve.conversations.create(id=id)
        message = said("ada's")

        await ada.messages.append(id, message)
        await eve.messages.append(id, message.model_copy(update={"content": "eve's"}))

        assert contents(await ada.messages.last(id)) == ["ada's"]
        assert contents(await eve.messages.last(id)) == ["eve's"]

    @for_ada_and_eve
    async def test_somebody_elses_cursor_is_refused(self, ada: Chats, eve: Chats) -> None:
        for _ in range(2):
            await ada.conversations.create()
        cursor = (await ada.conversations.page(1)).next_cursor

        assert cursor is not None
        with pytest.raises(InvalidInput):
            await eve.conversations.page(1, after=cursor)
