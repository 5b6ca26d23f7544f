"""The repositories as both doors give them out: while somebody listens, ones that tell of each call.

The methods know nothing of it. While nobody listens, a call costs one question, and takes no other way than ever.
"""

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Protocol, TypeVar

from chat_persistence.conversations import ConversationRepository
from chat_persistence.drafts import DraftRepository
from chat_persistence.execution import Execution
from chat_persistence.messages import MessageRepository
from chat_persistence.observer import Observer
from chat_persistence.options import Options

Repository = TypeVar("Repository", bound=ConversationRepository | DraftRepository | MessageRepository)
Answer = TypeVar("Answer")

PUBLIC_NAMES = {"_read_on": "iterate", "_store_part": "write", "_store_message": "finish", "_remove": "discard"}
"""`iterate` itself lasts as long as its reader takes: each of its pages is told of. So is each part of a draft."""


class Observed(Protocol):
    """A repository that is observed, and the one that does its work: `rename` is told of, and not its `update`."""

    _observer: Observer
    _plain: ConversationRepository | DraftRepository | MessageRepository
    _user_id: str


def observed(subject: str, conversation_argument: str) -> Callable[[type[Repository]], type[Repository]]:
    """Have all public coroutine methods that a class inherits be told of, as `subject` and their name."""

    def observe(repository: type[Repository]) -> type[Repository]:
        for name, method in inspect.getmembers(repository, inspect.iscoroutinefunction):
            public_name = PUBLIC_NAMES.get(name, name)
            if not public_name.startswith("_"):
                setattr(repository, name, _told_of(method, f"{subject}.{public_name}", conversation_argument))
        return repository

    return observe


def _told_of(
    method: Callable[..., Awaitable[Answer]], name: str, conversation_argument: str
) -> Callable[..., Awaitable[Answer]]:
    leads = list(inspect.signature(method).parameters)[1:2] == [conversation_argument]

    @wraps(method)
    async def call(self: Observed, *given: object, **named: object) -> Answer:
        conversation_id = given[0] if leads and given else named.get(conversation_argument)
        with self._observer.begin(name, self._user_id, conversation_id) as operation:
            answer = await method(self._plain, *given, **named)
            operation.answered(answer)
        return answer

    return call


@observed("conversations", "id")
class ObservedConversations(ConversationRepository):
    """One user's conversations, and whoever listens."""

    def __init__(self, user_id: str, execution: Execution, options: Options, observer: Observer) -> None:
        super().__init__(user_id, execution, options)
        self._observer = observer
        self._plain = ConversationRepository(user_id, execution, options)


@observed("messages", "conversation_id")
class ObservedMessages(MessageRepository):
    """One user's messages, and whoever listens."""

    def __init__(self, user_id: str, execution: Execution, options: Options, observer: Observer) -> None:
        super().__init__(user_id, execution, options)
        self._observer = observer
        self._plain = MessageRepository(user_id, execution, options)


@observed("drafts", "conversation_id")
class ObservedDrafts(DraftRepository):
    """One user's replies in the making, and whoever listens."""

    def __init__(self, user_id: str, execution: Execution, options: Options, observer: Observer) -> None:
        super().__init__(user_id, execution, options)
        self._observer = observer
        self._plain = DraftRepository(user_id, execution, options)


class Repositories:
    """One user's conversations and messages, behind either door."""

    def __init__(self, user_id: str, execution: Execution, options: Options, observer: Observer) -> None:
        self._user_id = user_id
        self._execution = execution
        self._options = options
        self._observer = observer
        self._conversations = ConversationRepository(user_id, execution, options)
        self._messages = MessageRepository(user_id, execution, options)

    @property
    def conversations(self) -> ConversationRepository:
        """What one can do with one's conversations."""
        if self._observer.is_listening():
            return ObservedConversations(self._user_id, self._execution, self._options, self._observer)
        return self._conversations

    @property
    def messages(self) -> MessageRepository:
        """What one can do with one's messages."""
        if self._observer.is_listening():
            return ObservedMessages(self._user_id, self._execution, self._options, self._observer)
        return self._messages
