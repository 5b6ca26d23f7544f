"""What every contract is made of: how its tests get the chats of a user, and an event loop to run in."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar
from uuid import UUID, uuid4

from chat_persistence.models import MessageRole
from chat_persistence.store import ChatStore
from chat_persistence.testing.contract.chats import Chats
from chat_persistence.values import MessageCreate, MessageRead


class Contract:
    """A class of tests for pytest, which takes an open store from the fixture `chat_store`."""

    async def make_chats(self, store: ChatStore, user_id: str) -> Chats:
        """Return what is tested, for one user; runs in the event loop of the test."""
        return store.for_user(user_id)


AnyContract = TypeVar("AnyContract", bound=Contract)
Promise = Coroutine[Any, Any, None]
Test = Callable[[AnyContract, ChatStore], None]


def for_ada(promise: Callable[[AnyContract, Chats], Promise]) -> Test[AnyContract]:
    """Make a test of a promise to one user."""
    return _as_test(promise, "ada")


def for_ada_and_eve(promise: Callable[[AnyContract, Chats, Chats], Promise]) -> Test[AnyContract]:
    """Make a test of a promise to two users."""
    return _as_test(promise, "ada", "eve")


def said(text: str) -> MessageCreate:
    """Return a message of the person."""
    return MessageCreate(role=MessageRole.USER, content=text)


def replied(text: str) -> MessageCreate:
    """Return a message of the model."""
    return MessageCreate(role=MessageRole.ASSISTANT, content=text)


async def log_of(chats: Chats, *texts: str) -> tuple[UUID, list[MessageRead]]:
    """Make a conversation in which the person said these, one after another; return its id and its messages."""
    conversation = await chats.conversations.create()
    return conversation.id, [(await chats.messages.append(conversation.id, said(text)))[0] for text in texts]


def contents(messages: Sequence[MessageRead]) -> list[str]:
    """Return what the messages say."""
    return [message.content for message in messages]


def positions(messages: Sequence[MessageRead]) -> list[int]:
    """Return where the messages are."""
    return [message.position for message in messages]


def somebodys_id() -> UUID:
    """Return an id that nothing has."""
    return uuid4()


def _as_test(promise: Callable[..., Promise], *user_ids: str) -> Test[AnyContract]:
    def test(self: AnyContract, chat_store: ChatStore) -> None:
        async def run() -> None:
            await promise(self, *[await self.make_chats(chat_store, user_id) for user_id in user_ids])

        asyncio.run(run())

    # Not by functools.wraps: pytest would look for fixtures in the signature of what is wrapped.
    test.__name__, test.__qualname__, test.__doc__ = promise.__name__, promise.__qualname__, promise.__doc__
    return test
