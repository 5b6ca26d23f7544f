"""What a store is opened with, read from the environment and from `.env`."""

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence.connection import COMMAND_TIMEOUT, Profile
from chat_persistence.encryption import Encryption
from chat_persistence.errors import ConfigurationError
from chat_persistence.host_engine import make_host_engine
from chat_persistence.key_ring import KeyRing
from chat_persistence.opening import EMBEDDED
from chat_persistence.search_languages import DEFAULT_LANGUAGE
from chat_persistence.store import ChatStore
from chat_persistence.user_keys import UserKeys


class ChatSettings(BaseSettings):
    """The arguments of `ChatStore`, each by its name with `CHAT_PERSISTENCE_` before it.

    The URL is `CHAT_PERSISTENCE_DATABASE_URL`, or else `DATABASE_URL`, and is not shown by `repr`. The environment wins
    over `.env`, which is read in the working directory; `_env_file=` names another, or None for none. What cannot be
    read raises pydantic's `ValidationError`, without the value.
    """

    model_config = SettingsConfigDict(
        env_prefix="CHAT_PERSISTENCE_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",  # the host's own are in `.env` too
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("CHAT_PERSISTENCE_DATABASE_URL", "DATABASE_URL")
    )
    profile: Profile | None = None
    # pydantic has a method of that name.
    schema_: str | None = Field(default=None, validation_alias="CHAT_PERSISTENCE_SCHEMA")
    row_level_security: bool = False
    max_content_chars: int = 1_000_000
    max_json_chars: int = 10_000_000
    search_language: str = DEFAULT_LANGUAGE
    pool_size: int = 10
    pool_timeout: float = 60.0
    connect_timeout: float | None = None
    command_timeout: float = COMMAND_TIMEOUT
    encryption_keys: SecretStr | None = None

    def make_store(self, *, engine: AsyncEngine | None = None, user_keys: UserKeys | None = None) -> ChatStore:
        """Return the store, to be opened by `async with`; raises `ConfigurationError` as `ChatStore` does.

        A given engine is joined in place of the URL, and its pool and its time limits are its own. `user_keys` is for
        an encryption whose keys live elsewhere.
        """
        return ChatStore(
            None if self.url is None or engine is not None else self.url.get_secret_value(),
            engine=engine,
            profile=self.profile,
            schema=self.schema_,
            row_level_security=self.row_level_security,
            max_content_chars=self.max_content_chars,
            max_json_chars=self.max_json_chars,
            search_language=self.search_language,
            pool_size=self.pool_size,
            pool_timeout=self.pool_timeout,
            connect_timeout=self.connect_timeout,
            command_timeout=self.command_timeout,
            encryption=self._encryption(user_keys),
        )

    def _encryption(self, user_keys: UserKeys | None) -> Encryption | None:
        if self.encryption_keys is None:
            if user_keys is not None:
                raise ConfigurationError("user_keys need master keys: set CHAT_PERSISTENCE_ENCRYPTION_KEYS")
            return None
        return Encryption(KeyRing.from_text(self.encryption_keys.get_secret_value()), user_keys)

    def make_host_engine(self, **options: object) -> AsyncEngine:
        """Return an engine for the host's own tables; `options` are those of `create_async_engine`.

        Raises `ConfigurationError` when there is no URL, or it is `embedded`, whose `embedded.start()` tells one.
        """
        url = None if self.url is None else self.url.get_secret_value()
        if url is None or url == EMBEDDED:
            raise ConfigurationError("an engine of yours needs a URL: set DATABASE_URL; embedded.start() tells its own")
        return make_host_engine(
            url,
            profile=self.profile,
            connect_timeout=self.connect_timeout,
            command_timeout=self.command_timeout,
            **options,
        )
