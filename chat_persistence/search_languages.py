"""The language of a search: a text search configuration of PostgreSQL's, by its name, and the index that it needs."""

import re
import shlex

from chat_persistence.errors import ConfigurationError
from chat_persistence.models import Message
from chat_persistence.names import qualified

DEFAULT_LANGUAGE = "simple"
"""Words as they are written, in whatever language, without stems and stop words."""

INDEX_PREFIX = "ix_messages_search_"

# It stands in SQL as it is, and with the prefix must be no longer than a name of PostgreSQL's.
_NAME = re.compile("[a-z_][a-z0-9_]{0,39}")


def check_language(language: str) -> str:
    """Return `language`, or raise `ConfigurationError` when it can be no configuration's plain name."""
    if not isinstance(language, str) or not _NAME.fullmatch(language):
        raise ConfigurationError(
            "the language of search must be the name of a text search configuration, as `simple` or `english`:"
            " 1 to 40 of a-z, 0-9 and _"
        )
    return language


def index_name(language: str) -> str:
    """Return the name of the index that searches in that language need."""
    return INDEX_PREFIX + language


def catalog_names(language: str, schema: str | None) -> dict[str, str]:
    """Return the arguments of the statements that look for the index: what it and its table are called."""
    return {
        "index_named": qualified(index_name(language), schema),
        "messages_named": qualified(Message.__tablename__, schema),
    }


def create_command(language: str, schema: str | None) -> str:
    """Return the command that creates it."""
    command = f"chat-persistence search-index create --language {language}"
    return command if schema is None else f"{command} --schema {shlex.quote(schema)}"
