"""A streamed response that sees its generator to its end, and an application that waits for it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

END_SECONDS = 3
"""For streams that the server has cancelled to store what they have: a round trip, unless the database is ill."""


class ClosingStreamingResponse(StreamingResponse):
    """Streams an asynchronous generator, and closes it before the request ends.

    A client that hangs up cancels Starlette's response either inside the generator or while it sends, and then the
    generator is left to Python's garbage collection, its `finally` unrun. Here the `finally` has always run, in
    which an `append` stores the partial reply; so it has when the server stops and the store is that of
    `chat_lifespan`. Return it: the generator of a route that yields is wrapped by FastAPI, and not closed.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        content = self.body_iterator
        with _known_to(scope["app"]):
            try:
                await super().__call__(scope, receive, send)
            finally:
                if isinstance(content, AsyncGenerator):
                    await content.aclose()


@asynccontextmanager
async def streams_of(app: Starlette) -> AsyncIterator[None]:
    """See the application's streams to their ends: a server cancels them and does not wait before it shuts down."""
    streams: set[asyncio.Task[object]] = set()
    app.state.chat_streams = streams
    yield
    if streams:
        await asyncio.wait(streams, timeout=END_SECONDS)


@contextmanager
def _known_to(app: Starlette) -> Iterator[None]:
    streams: set[asyncio.Task[object] | None] = getattr(app.state, "chat_streams", set())
    stream = asyncio.current_task()
    streams.add(stream)
    try:
        yield
    finally:
        streams.discard(stream)
