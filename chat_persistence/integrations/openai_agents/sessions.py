"""What a runner is given: the session of one user, or one that finds each run's user in the run's context."""

from collections.abc import Callable
from typing import Any, Generic, cast

from agents import RunContextWrapper, SessionSettings, TContext, TResponseInputItem
from agents.memory.session_settings import coerce_session_settings, resolve_session_limit

from chat_persistence.derived_ids import conversation_id_of
from chat_persistence.errors import InvalidInput
from chat_persistence.integrations.openai_agents.compaction import CompactionSnapshot, read_snapshot
from chat_persistence.integrations.openai_agents.session_log import SessionLog
from chat_persistence.user_chats import UserChats

Items = list[TResponseInputItem]


class ChatSession:
    """A session of one user: `Session` of the SDK, over the conversation `conversation_id_of(session_id)`.

    Cheap to make, and safe to share between tasks; the store is opened and closed by who owns it. What is stored is
    kept exactly and comes back equal; what another program stored in the conversation comes as the Responses API has
    it. All errors are those of chat_persistence.
    """

    session_settings: SessionSettings | None

    def __init__(
        self,
        session_id: str,
        chat: UserChats,
        *,
        session_settings: SessionSettings | dict[str, Any] | None = None,
    ) -> None:
        self._log = SessionLog(chat, conversation_id_of(session_id))
        self.session_id = session_id
        self.session_settings = coerce_session_settings(session_settings or SessionSettings())

    async def get_items(self, limit: int | None = None) -> Items:
        """Return the newest `limit` items, oldest first; else as many as `session_settings` say, or all.

        A window holds no result of a tool whose call is before it, and no calls of a response that its start has split:
        those are left out, so there may be fewer than `limit` items. It has more where all that it would hold is of a
        response of which results are still to come. A negative limit is none, as in the SDK's `SQLiteSession`.
        """
        bound = resolve_session_limit(limit, self.session_settings)
        if bound is None or bound < 0:
            return cast(Items, await self._log.newest(None))
        return cast(Items, await self._log.window(bound))

    async def add_items(self, items: Items) -> None:
        """Append the items, all or none, whatever happens to the caller; the first of all create the conversation.

        Raise `InvalidInput`, before anything is stored, for what is no JSON that comes back equal: NaN, say, or a key
        that is a number.
        """
        await self._log.append(items)

    async def pop_item(self) -> TResponseInputItem | None:
        """Remove the newest item and return it; of callers at the same time, each is given another one.

        Raise `OutcomeUnknown` when the answer is lost and nobody can tell whether the item is gone.
        """
        return cast(TResponseInputItem | None, await self._log.pop())

    async def clear_session(self) -> None:
        """Delete the conversation; where there is none, the work is done."""
        await self._log.clear()

    # What `OpenAIResponsesCompactionSession` looks for, by these names. A host's own class may do more in a method than
    # this one: then its methods are to be called.

    async def _get_compaction_snapshot(self, limit: int, **_: object) -> CompactionSnapshot | None:
        return await read_snapshot(self._log, limit) if self._is_plain() else None

    async def _atomic_replace_items(self, items: Items) -> bool:
        if self._is_plain():
            await self._log.replace_all(items)
        return self._is_plain()

    def _is_plain(self) -> bool:
        names = ("get_items", "add_items", "clear_session")
        return all(getattr(type(self), name) is getattr(ChatSession, name) for name in names)


class ContextChatSession(Generic[TContext]):
    """A session for many users: each run's own, by what `chats` makes of the context that is given to the runner.

    `ContextChatSession("support", lambda context: store.for_user(context.user_id))`. Every user has a conversation of
    their own under the same `session_id`. The runner gives the context; whoever calls a method gives it as `wrapper`,
    and without one it is `InvalidInput`: there is no user by default. The SDK's compaction passes none on: it takes a
    `ChatSession`.
    """

    session_settings: SessionSettings | None

    def __init__(
        self,
        session_id: str,
        chats: Callable[[TContext], UserChats],
        *,
        session_settings: SessionSettings | dict[str, Any] | None = None,
    ) -> None:
        conversation_id_of(session_id)  # refused here, and not in the first run
        self.session_id = session_id
        self.session_settings = coerce_session_settings(session_settings or SessionSettings())
        self._chats = chats

    async def get_items(self, limit: int | None = None, *, wrapper: RunContextWrapper[TContext] | None = None) -> Items:
        """Return the newest items of the run's user, as `ChatSession` does."""
        return await self._session(wrapper).get_items(limit)

    async def add_items(self, items: Items, *, wrapper: RunContextWrapper[TContext] | None = None) -> None:
        """Append items for the run's user, as `ChatSession` does."""
        await self._session(wrapper).add_items(items)

    async def pop_item(self, *, wrapper: RunContextWrapper[TContext] | None = None) -> TResponseInputItem | None:
        """Remove and return the newest item of the run's user, as `ChatSession` does."""
        return await self._session(wrapper).pop_item()

    async def clear_session(self, *, wrapper: RunContextWrapper[TContext] | None = None) -> None:
        """Delete the conversation of the run's user, as `ChatSession` does."""
        await self._session(wrapper).clear_session()

    def _session(self, wrapper: RunContextWrapper[TContext] | None) -> ChatSession:
        if wrapper is None:
            raise InvalidInput(
                "wrapper", "must be the RunContextWrapper of a run: its context says whose session it is"
            )
        chat = self._chats(wrapper.context)
        return ChatSession(self.session_id, chat, session_settings=self.session_settings)
