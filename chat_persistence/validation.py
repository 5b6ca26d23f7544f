"""What an argument must be before any SQL is sent."""

from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from chat_persistence.errors import ConfigurationError, InvalidInput
from chat_persistence.text import is_plain

MAX_LIMIT = 1000
MAX_POSITION = 2**31 - 1
MAX_TOKENS = 2**31 - 1
MAX_USER_ID_BYTES = 255
MAX_SECONDS = 31_536_000
MAX_NAME_BYTES = 63
"""PostgreSQL cuts a longer name without a word."""

Model = TypeVar("Model", bound=BaseModel)


def check_user_id(user_id: str, field: str = "user_id") -> str:
    """Return `user_id`, or raise `InvalidInput`: 1 to 255 bytes of UTF-8, no U+0000, no surrogates."""
    return _check_plain(user_id, field, MAX_USER_ID_BYTES)


def check_name(name: str, field: str) -> str:
    """Return a name of PostgreSQL's, or raise `InvalidInput`: 1 to 63 bytes of UTF-8, no U+0000, no surrogates."""
    return _check_plain(name, field, MAX_NAME_BYTES)


def check_id(id: UUID, field: str) -> UUID:
    """Return `id`, or raise `InvalidInput` when it is not a UUID."""
    if not isinstance(id, UUID):
        raise InvalidInput(field, "must be a uuid.UUID")
    return id


def check_limit(limit: int, field: str = "limit") -> int:
    """Return `limit`, or raise `InvalidInput`: every list is bounded, by 1,000."""
    return _check_integer(limit, field, 1, MAX_LIMIT)


def check_position(position: int, field: str) -> int:
    """Return `position`, or raise `InvalidInput`; 0 is the place before the first message."""
    return _check_integer(position, field, 0, MAX_POSITION)


def check_expected_position(position: int | None) -> int | None:
    """Return where a log is expected to be, if it is anywhere, or raise `InvalidInput`."""
    return None if position is None else check_position(position, "expected_position")


def check_max_tokens(max_tokens: int) -> int:
    """Return `max_tokens`, or raise `InvalidInput`; a budget of nothing is a mistake in its sum."""
    return _check_integer(max_tokens, "max_tokens", 1, MAX_TOKENS)


def check_token_count(count: int, field: str) -> int:
    """Return what a counter has counted, or raise `InvalidInput`."""
    return _check_integer(count, field, 0, MAX_TOKENS)


def check_patience(seconds: float, field: str) -> float:
    """Return a time, or raise `InvalidInput`: 0 or more seconds, `math.inf` for no end."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not seconds >= 0:
        raise InvalidInput(field, "must be 0 or more seconds")
    return seconds


def check_chars(chars: int, field: str) -> int:
    """Return a number of characters, or raise `InvalidInput`."""
    return _check_integer(chars, field, 1, MAX_POSITION)


def check_seconds(seconds: float, field: str) -> float:
    """Return `seconds`, or raise `InvalidInput`: more than 0, at most a year."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds <= MAX_SECONDS:
        raise InvalidInput(field, f"must be a number of seconds, more than 0 and at most {MAX_SECONDS}")
    return seconds


def check_schema(schema: str | None) -> str | None:
    """Return the name of a schema, or raise `ConfigurationError` where another one would be used.

    PostgreSQL cuts a name after 63 bytes, and reads `$user` as the role's own; SQLAlchemy 2.0 takes `%(owner)s`
    for a parameter, also inside of a name.
    """
    if schema is None:
        return None
    if not isinstance(schema, str) or not is_plain(schema) or not 1 <= len(schema.encode()) <= MAX_NAME_BYTES:
        raise ConfigurationError(f"the schema must be a name of 1 to {MAX_NAME_BYTES} bytes")
    if schema == "$user" or schema.startswith("pg_") or "%(" in schema:
        raise ConfigurationError("the schema must have a name that is not `$user`, begins with no pg_ and has no %(")
    return schema


def check_model(model: type[Model], given: dict[str, object]) -> Model:
    """Return the validated value, or raise `InvalidInput` naming the first field that is refused."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    raise InvalidInput(str(first["loc"][0]), first["msg"].removeprefix("Value error, "))


def _check_plain(value: str, field: str, most: int) -> str:
    if not isinstance(value, str):
        raise InvalidInput(field, "must be a str")
    # The characters first: 200 MB are neither searched nor encoded.
    if not 1 <= len(value) <= most:
        raise _wrong_length(field, most)
    if not is_plain(value):
        raise InvalidInput(field, "must hold neither U+0000 nor surrogates")
    if len(value.encode()) > most:
        raise _wrong_length(field, most)
    return value


def _wrong_length(field: str, most: int) -> InvalidInput:
    return InvalidInput(field, f"must have 1 to {most} bytes in UTF-8")


def _check_integer(value: int, field: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidInput(field, f"must be an integer from {least} to {most}")
    return value
