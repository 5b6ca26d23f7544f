"""An engine for a host's own tables, at any URL that the store takes."""

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chat_persistence.connection import COMMAND_TIMEOUT, Profile, driver_arguments, read_url, statement_arguments


def make_host_engine(
    url: str,
    *,
    profile: Profile | None = None,
    connect_timeout: float | None = None,
    command_timeout: float = COMMAND_TIMEOUT,
    **options: object,
) -> AsyncEngine:
    """Make an engine for a host's own tables, which takes any URL that a provider prints, as `ChatStore` does.

    `options` are those of `create_async_engine`. Give it to `ChatStore(engine=…)` to have one pool for both. Raises
    `ConfigurationError` for a URL that cannot be read; times are in seconds.
    """
    settings = read_url(url, profile)
    arguments = driver_arguments(settings, connect_timeout, command_timeout) | statement_arguments(settings)
    return create_async_engine("postgresql+asyncpg://", connect_args=arguments, hide_parameters=True, **options)
