"""A store that is opened with what the environment says, and `.env`."""

import inspect
from base64 import b64encode
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from chat_persistence import ChatStore, ConfigurationError, EncryptionKeyMissing, InvalidInput, MessageCreate
from chat_persistence.settings import ChatSettings

URL = "postgresql://ada:secret@db/chats"
KEYS = f"2026:{b64encode(bytes(range(32))).decode()}"


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Work in a folder where nothing is set; `.env` is written there."""
    for name in ("DATABASE_URL", "CHAT_PERSISTENCE_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_a_store_works_as_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, migrated_database: str, user_id: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", migrated_database)
    monkeypatch.setenv("CHAT_PERSISTENCE_MAX_CONTENT_CHARS", "5")

    async with ChatSettings().make_store() as store:
        chat = store.for_user(user_id)
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, MessageCreate(role="user", content="12345"))
        with pytest.raises(InvalidInput):
            await chat.messages.append(conversation.id, MessageCreate(role="user", content="123456"))


async def test_a_store_encrypts_with_the_keys_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, chat_database: str, user_id: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", chat_database)
    monkeypatch.setenv("CHAT_PERSISTENCE_ENCRYPTION_KEYS", KEYS)

    async with ChatSettings().make_store() as store:
        message = MessageCreate(role="user", content="Rome")
        (stored,) = await store.for_user(user_id).messages.append(uuid4(), message, create_conversation=True)
    async with ChatStore(chat_database) as plain:
        with pytest.raises(EncryptionKeyMissing):
            await plain.for_user(user_id).messages.get(stored.id)


def test_a_place_for_users_keys_needs_master_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    nowhere: Any = object()

    with pytest.raises(ConfigurationError, match="CHAT_PERSISTENCE_ENCRYPTION_KEYS"):
        ChatSettings().make_store(user_keys=nowhere)


async def test_one_pool_serves_the_host_and_the_store(
    monkeypatch: pytest.MonkeyPatch, migrated_database: str, user_id: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{migrated_database}&channel_binding=prefer")
    settings = ChatSettings()
    engine = settings.make_host_engine(pool_size=1, max_overflow=0)

    async with settings.make_store(engine=engine) as store, AsyncSession(engine) as session:
        async with store.unit_of_work(user_id, session=session) as work:
            conversation = await work.conversations.create()
        await session.commit()
        assert (await store.for_user(user_id).conversations.get(conversation.id)).id == conversation.id
    await engine.dispose()


@pytest.mark.parametrize("url", [None, "embedded"])
def test_an_engine_of_the_hosts_needs_a_url(monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    if url:
        monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ConfigurationError, match="needs a URL"):
        ChatSettings().make_host_engine()


def test_each_argument_of_the_store_is_a_setting_with_its_default() -> None:
    parameters = inspect.signature(ChatStore).parameters
    objects = {"engine", "tracer_provider", "meter_provider", "encryption", "count_tokens"}
    arguments = {name: argument.default for name, argument in parameters.items() if name not in objects}
    settings = {name.rstrip("_"): field.default for name, field in ChatSettings.model_fields.items()}

    assert settings.pop("encryption_keys") is None
    assert settings == arguments


def test_every_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "url": SecretStr(URL),
        "profile": "neon",
        "schema_": "chat",
        "row_level_security": True,
        "max_content_chars": 1,
        "max_json_chars": 2,
        "search_language": "german",
        "pool_size": 3,
        "pool_timeout": 4.5,
        "connect_timeout": 5.5,
        "command_timeout": 6.5,
        "encryption_keys": SecretStr(KEYS),
    }
    for name, value in given.items():
        name_there = "DATABASE_URL" if name == "url" else name.rstrip("_").upper()
        written = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        monkeypatch.setenv(f"CHAT_PERSISTENCE_{name_there}", written)

    assert ChatSettings().model_dump() == given
    for secret in ("secret", KEYS[:9], KEYS[-9:]):
        assert secret not in f"{ChatSettings()!r} {ChatSettings()}"


def test_the_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, host: Path) -> None:
    (host / ".env").write_text(
        "DATABASE_URL=postgresql://file/chats\n"
        "CHAT_PERSISTENCE_POOL_SIZE=3\n"
        "CHAT_PERSISTENCE_SCHEMA=\n"
        "CHAT_PERSISTENCE_POOL_TIMEOUT=4\n"
        "OPENAI_API_KEY=theirs\n"
        "CHAT_PERSISTENCE_HOME=/somewhere\n"
    )
    monkeypatch.setenv("CHAT_PERSISTENCE_POOL_TIMEOUT", "5")

    settings = ChatSettings()

    assert settings.url == SecretStr("postgresql://file/chats")
    assert (settings.pool_size, settings.pool_timeout, settings.schema_) == (3, 5.0, None)
    no_file: dict[str, Any] = {"_env_file": None}
    assert ChatSettings(**no_file).url is None


@pytest.mark.parametrize("in_file", ["DATABASE_URL", "CHAT_PERSISTENCE_DATABASE_URL"])
@pytest.mark.parametrize("in_environment", ["DATABASE_URL", "CHAT_PERSISTENCE_DATABASE_URL"])
def test_whichever_name_the_url_has_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, host: Path, in_file: str, in_environment: str
) -> None:
    (host / ".env").write_text(f"{in_file}=postgresql://file/chats\n")
    monkeypatch.setenv(in_environment, URL)

    assert ChatSettings().url == SecretStr(URL)


def test_the_name_of_our_own_wins_over_the_common_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://common/chats")
    monkeypatch.setenv("CHAT_PERSISTENCE_DATABASE_URL", URL)

    assert ChatSettings().url == SecretStr(URL)


def test_what_cannot_be_read_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_PERSISTENCE_POOL_SIZE", "hunter2")

    with pytest.raises(ValidationError) as caught:
        ChatSettings()

    assert "pool_size" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_without_a_url_the_error_is_that_of_the_store() -> None:
    with pytest.raises(ConfigurationError, match="set DATABASE_URL"):
        ChatSettings().make_store()


def test_the_library_by_itself_reads_no_file(host: Path) -> None:
    (host / ".env").write_text(f"DATABASE_URL={URL}\n")

    with pytest.raises(ConfigurationError):
        ChatStore()
