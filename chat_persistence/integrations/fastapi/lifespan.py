"""The store opens when the application starts, and closes when it stops."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette

from chat_persistence.integrations.fastapi.streaming import streams_of
from chat_persistence.store import ChatStore


def chat_lifespan(
    make_store: Callable[[], ChatStore] = ChatStore, *, migrate: bool = False
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Return a lifespan for `FastAPI(lifespan=…)`, or for a host's own: `async with chat_lifespan()(app): yield`.

    `make_store` is called at each start, in the running loop. The tables are checked, so that an application before
    its migrations does not start: `SchemaMismatch` names the command to run. With `migrate`, for development, they
    are brought to this version first. At the end, streams and what was sent have ten seconds. A mounted application
    has a lifespan of its own, which nobody runs: give it to this one.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with make_store() as store:
            if migrate:
                await store.migrate()
            await store.check()
            app.state.chat_store = store
            async with streams_of(app):
                yield

    return lifespan
