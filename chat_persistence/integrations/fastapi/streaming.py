"""A streamed response that sees its generator to its end."""

from collections.abc import AsyncGenerator

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class ClosingStreamingResponse(StreamingResponse):
    """Streams an asynchronous generator, and closes it before the request ends.

    A client that hangs up cancels Starlette's response either inside the generator or while it sends, and then the
    generator is left to Python's garbage collection, its `finally` unrun. Here the `finally` has always run, in
    which an `append` stores the partial reply.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        content = self.body_iterator
        try:
            await super().__call__(scope, receive, send)
        finally:
            if isinstance(content, AsyncGenerator):
                await content.aclose()
