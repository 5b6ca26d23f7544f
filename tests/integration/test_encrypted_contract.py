"""The contract for what wraps the repositories, kept by a store that encrypts, alone and in units of work."""

import pytest

from chat_persistence import ChatStore, Encryption, KeyRing
from chat_persistence.testing import Chats, UserChatsContract
from chat_persistence.testing.contract.contract import for_ada, log_of
from tests.integration.test_contract import UnitOfWorkPerCall

# They empty their database: the worker's other tests have another one.
pytestmark = pytest.mark.xdist_group("contract")


@pytest.fixture(scope="session")
def chat_encryption() -> Encryption:
    return Encryption(KeyRing({"2026": b"k" * 32}, "2026"), reads_plain=False)


class TestEncryptedChats(UserChatsContract):
    """What `for_user` returns; but no title is cut from what is encrypted."""

    @for_ada
    async def test_the_first_thing_the_person_says_gives_the_title(self, chats: Chats) -> None:
        id, _ = await log_of(chats, "A train to Rome")

        assert (await chats.conversations.get(id)).title is None


class TestEncryptedUnitsOfWork(TestEncryptedChats):
    async def make_chats(self, store: ChatStore, user_id: str) -> Chats:
        return UnitOfWorkPerCall(store, user_id)
