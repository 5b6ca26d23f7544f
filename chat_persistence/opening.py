"""How a store is opened: on an engine of its own, on a host's, or on a server that is started for it."""

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence.connection import ConnectionSettings, Profile, TimeLimits, make_engine, read_url
from chat_persistence.errors import ConfigurationError
from chat_persistence.options import Options
from chat_persistence.resources import Providers, Resources

if TYPE_CHECKING:
    from chat_persistence.embedded import EmbeddedServer

EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many connections there are at most, and for how many seconds one is waited for."""

    size: int
    timeout: float


class Opening:
    """What a store was given to be opened with; a URL that cannot be read is refused at once."""

    def __init__(
        self,
        url: str | None,
        engine: AsyncEngine | None,
        profile: Profile | None,
        options: Options,
        pool_limits: PoolLimits,
        time_limits: TimeLimits,
        providers: Providers,
    ) -> None:
        self._engine = engine
        self._profile = profile
        self._options = options
        self._pool_limits = pool_limits
        self._time_limits = time_limits
        self._providers = providers
        self._url = _choose_url(url, engine)
        if self._url != EMBEDDED and engine is None:
            self.read_url(self._url)

    async def open(self) -> Resources:
        """Return what the store then holds."""
        if self._engine is not None:
            return self._make_resources(self._engine)
        return self.open_own(await _start_server() if self._url == EMBEDDED else None)

    def open_own(self, server: "EmbeddedServer | None" = None) -> Resources:
        """Return what a store at its own URL holds, or at that of a server."""
        settings = self.read_url(self._url if server is None else server.url)
        return self._make_resources(self._make_engine(settings), settings, server)

    def read_url(self, url: str) -> ConnectionSettings:
        """Return what a URL says, or raise `ConfigurationError`."""
        return read_url(url, self._profile)

    def _make_resources(
        self,
        engine: AsyncEngine,
        settings: ConnectionSettings | None = None,
        server: "EmbeddedServer | None" = None,
    ) -> Resources:
        time_limits, providers = self._time_limits, self._providers
        return Resources(engine, self._options, time_limits, providers, settings=settings, server=server)

    def _make_engine(self, settings: ConnectionSettings) -> AsyncEngine:
        return make_engine(
            settings,
            pool_size=self._pool_limits.size,
            pool_timeout=self._pool_limits.timeout,
            connect_timeout=self._time_limits.connect,
            command_timeout=self._time_limits.command,
        )


def _choose_url(url: str | None, engine: AsyncEngine | None) -> str:
    if engine is not None:
        if url is not None:
            raise ConfigurationError("give ChatStore a URL or an engine, not both")
        return ""
    chosen = url or os.environ.get("DATABASE_URL")
    if not chosen:
        raise ConfigurationError(
            'no database: give ChatStore a URL, set DATABASE_URL, or ask for ChatStore("embedded")'
            " (pip install 'chat-persistence[embedded]')"
        )
    return chosen


async def _start_server() -> "EmbeddedServer":
    from chat_persistence import embedded

    starting = asyncio.ensure_future(asyncio.to_thread(embedded.start))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(_give_up)
        raise


def _give_up(starting: "asyncio.Future[EmbeddedServer]") -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result().close()
