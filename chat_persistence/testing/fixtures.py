"""The fixtures: none is async, so that they work under every plugin and every scope of event loops."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from chat_persistence.encryption import Encryption
from chat_persistence.errors import EmbeddedPostgresError
from chat_persistence.store import ChatStore
from chat_persistence.testing.any_loop import AnyLoopStore
from chat_persistence.testing.databases import erase_everybody, migrate, new_database


@pytest.fixture
def chat_store(
    chat_url: str,
    chat_schema: str | None,
    chat_encryption: Encryption | None,
    _chat_janitor: ChatStore,
    _chat_portal: BlockingPortal,
) -> Iterator[ChatStore]:
    """An open store without any conversation, to be used in whatever event loop the test runs."""
    store = AnyLoopStore(chat_url, schema=chat_schema, encryption=chat_encryption)
    yield store
    try:
        store.close()
    finally:
        _chat_portal.call(erase_everybody, _chat_janitor)


@pytest.fixture(scope="session")
def chat_url(chat_server_url: str, _chat_template: str, _chat_portal: BlockingPortal) -> Iterator[str]:
    """The URL of this worker's migrated database; `chat_store` empties it after each test that asks for it."""
    with _chat_portal.wrap_async_context_manager(new_database(chat_server_url, _chat_template)) as url:
        yield url


@pytest.fixture
def chat_database(chat_server_url: str, _chat_template: str, _chat_portal: BlockingPortal) -> Iterator[str]:
    """The URL of a migrated database that only this test sees, for one that changes tables or opens its own stores."""
    with _chat_portal.wrap_async_context_manager(new_database(chat_server_url, _chat_template)) as url:
        yield url


@pytest.fixture(scope="session")
def chat_schema() -> str | None:
    """The schema of our tables: override it to have one of their own."""
    return None


@pytest.fixture(scope="session")
def chat_encryption() -> Encryption | None:
    """How the store encrypts: override it to test as you deploy."""
    return None


@pytest.fixture(scope="session")
def chat_prepare_database() -> Callable[[str], object]:
    """What else a database needs, given its URL: override it to run your own migrations, after ours."""
    return lambda _: None


@pytest.fixture(scope="session")
def chat_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server to make databases on: `$TEST_DATABASE_URL`, else an embedded one for this worker."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    from chat_persistence import embedded

    folder = tmp_path_factory.mktemp("chat_persistence")
    try:
        server = embedded.start(folder, durable=False)
    except EmbeddedPostgresError as error:
        pytest.fail(f"the tests have no PostgreSQL: set TEST_DATABASE_URL, or see why: {error}", pytrace=False)
    with server:
        yield server.url
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _chat_template(
    chat_server_url: str,
    chat_schema: str | None,
    chat_prepare_database: Callable[[str], object],
    _chat_portal: BlockingPortal,
) -> Iterator[str]:
    with _chat_portal.wrap_async_context_manager(new_database(chat_server_url)) as url:
        _chat_portal.call(migrate, url, chat_schema)
        chat_prepare_database(url)
        yield url


@pytest.fixture(scope="session")
def _chat_janitor(chat_url: str, chat_schema: str | None, _chat_portal: BlockingPortal) -> Iterator[ChatStore]:
    with _chat_portal.wrap_async_context_manager(ChatStore(chat_url, schema=chat_schema)) as store:
        yield store


@pytest.fixture(scope="session")
def _chat_portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal
