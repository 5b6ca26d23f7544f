"""From the values in a file to conversations, and to why there are none."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationError

from chat_persistence.load_values import ConversationLoad
from chat_persistence.models import MessageRole
from chat_persistence.provider_formats.shapes import first_fault
from chat_persistence.titles import cut
from chat_persistence.transfer.json_lines import JSONValue
from chat_persistence.transfer.json_lines import reason_of as why_unreadable
from chat_persistence.transfer.records import BadRecord, FoundConversation, Record

USER, ASSISTANT = MessageRole.USER, MessageRole.ASSISTANT

Convert = Callable[[dict[str, Any]], Iterable[ConversationLoad]]


def _from_seconds(given: object) -> object:
    # pydantic would take a large number for milliseconds.
    if not isinstance(given, int | float):
        return given
    try:
        return datetime.fromtimestamp(given, UTC)
    except (OverflowError, OSError, ValueError):
        raise ValueError("must be seconds since 1970, in the years 1 to 9999") from None


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Time = Annotated[datetime, BeforeValidator(_from_seconds), AfterValidator(_with_zone)]
"""Seconds since 1970, or ISO 8601; without a zone, UTC."""


class NotImportable(Exception):
    """What is there is no conversation of that format. The message holds nothing of a user's."""


def convert_all(values: Iterable[JSONValue | BadRecord], convert: Convert) -> Iterator[Record]:
    """Yield the conversations of each value, or why it has none."""
    for value in values:
        if isinstance(value, BadRecord):
            yield value
            continue
        if not isinstance(value.value, dict):
            yield BadRecord(value.place, "not a JSON object")
            continue
        try:
            for conversation in convert(value.value):
                yield FoundConversation(value.place, conversation)
        except (ValidationError, NotImportable) as error:
            yield BadRecord(value.place, reason_of(error))
        except RecursionError as error:
            yield BadRecord(value.place, why_unreadable(error))


def reason_of(error: ValidationError | NotImportable) -> str:
    """Return what is wrong with a value, and where in it."""
    if isinstance(error, NotImportable):
        return str(error)
    place, reason = first_fault(error)
    return f"{place.removeprefix('.')}: {reason}".removeprefix(": ")


def title_of(name: str | None) -> str | None:
    """Return the title that a name elsewhere makes here, if any."""
    return cut(name or "") or None


def origin(format: str, rest: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of what was imported: the format, and what the format says of a conversation besides."""
    return {"imported": {"format": format, **({"native": rest} if rest else {})}}
