"""Our own NDJSON, which `ChatStore.export` writes: a line for each conversation, followed by one for each message."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from pydantic import ValidationError

from chat_persistence.exported_lines import FORMAT, VERSION
from chat_persistence.load_values import ConversationLoad, MessageLoad
from chat_persistence.text import unescape_json
from chat_persistence.transfer.conversion import reason_of
from chat_persistence.transfer.json_lines import JSONValue, read_json_lines
from chat_persistence.transfer.records import BadRecord, FoundConversation, Record

MAX_LINE_BYTES = 400_000_000
"""The longest message that a store takes, each of its characters as an escape."""

ESCAPED = ("content", "tool_calls", "native", "metadata")

NOT_OURS = "not an export of chat_persistence: its first line is another"
OF_LATER = "written by a later version of chat_persistence"
NOT_DECRYPTED = "it could not be decrypted when it was exported"
NOT_AS_MANY = "it says another number of conversations or messages than there are"
CUT_OFF = "the file is cut off: its last line says how much was exported"


class NDJSON:
    """An export of one or more users, stored as it was: for the same users, by the same ids, at the same positions."""

    def records(self, file: BinaryIO) -> Iterator[Record]:
        """Yield the conversations of a file. One that is not whole is bad, and so is the end of a file without one."""
        reader = ConversationReader()
        for line in read_json_lines(file, MAX_LINE_BYTES):
            yield from reader.take(line)
            if reader.has_given_up:
                return
        yield from reader.finish()


class ConversationReader:
    """Puts conversations together, line by line."""

    def __init__(self) -> None:
        self.has_given_up = False
        self._has_header = False
        self._has_end = False
        self._has_met_bad = False
        self._conversation: _Conversation | None = None
        self._conversations = 0
        self._messages = 0

    def take(self, line: JSONValue | BadRecord) -> Iterator[Record]:
        """Take a line, and yield what is whole by now."""
        if not self._has_header:
            self._has_header = True
            if reason := _what_is_wrong_with_header(line):
                self.has_given_up = True
                yield BadRecord(line.place, reason)
            return
        if isinstance(line, BadRecord):
            yield from self._take_bad(line)
            return
        match line.value:
            case {"conversation": dict(values)}:
                yield from self._leave()
                self._conversations += 1
                self._conversation = _Conversation(line.place, values)
            case {"message": dict(values)} if self._conversation is not None:
                self._messages += 1
                self._conversation.take(line.place, values)
            case {"end": dict(values)}:
                yield from self._leave()
                yield from self._take_end(line.place, values)
            case _:
                yield from self._take_bad(BadRecord(line.place, "not a line of an export, or not in its place"))

    def finish(self) -> Iterator[Record]:
        """Yield what there is at the end of the file."""
        yield from self._leave()
        if not self._has_end:
            yield BadRecord("the end", CUT_OFF)

    def _leave(self) -> Iterator[Record]:
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            record = conversation.record()
            self._has_met_bad = self._has_met_bad or isinstance(record, BadRecord)
            yield record

    def _take_bad(self, bad: BadRecord) -> Iterator[Record]:
        # What nobody can read was the next conversation when the one before is whole, else one of its messages.
        if self._conversation is None or self._conversation.is_whole:
            yield from self._leave()
            self._conversation = _Conversation(bad.place, {})
        self._conversation.refuse(bad)

    def _take_end(self, place: str, said: dict[str, Any]) -> Iterator[Record]:
        self._has_end = True
        there = {"conversations": self._conversations, "messages": self._messages}
        if said != there and not self._has_met_bad:
            yield BadRecord(place, NOT_AS_MANY)


class _Conversation:
    """One conversation on its way."""

    def __init__(self, place: str, values: dict[str, Any]) -> None:
        self._place = place
        self._wanted = values.get("message_count")
        self._values = _said({name: value for name, value in values.items() if name != "message_count"})
        self._messages: list[MessageLoad] = []
        self._bad: BadRecord | None = None

    @property
    def is_whole(self) -> bool:
        return len(self._messages) == self._wanted

    def refuse(self, bad: BadRecord) -> None:
        self._bad = self._bad or bad

    def take(self, place: str, values: dict[str, Any]) -> None:
        if self._bad is not None:
            return
        if values.get("unreadable"):
            self.refuse(BadRecord(place, NOT_DECRYPTED))
            return
        try:
            self._messages.append(MessageLoad.model_validate(_said(values)))
        except ValidationError as error:
            self.refuse(BadRecord(place, reason_of(error)))

    def record(self) -> Record:
        if self._bad is not None:
            return self._bad
        if not self.is_whole:
            return BadRecord(self._place, f"{len(self._messages)} messages of it are there, not as many as it says")
        try:
            conversation = ConversationLoad.model_validate(
                self._values | {"messages": tuple(self._messages), "cut_title": False}
            )
        except ValidationError as error:
            return BadRecord(self._place, reason_of(error))
        return FoundConversation(self._place, conversation)


def _said(values: dict[str, Any]) -> dict[str, Any]:
    """Return what there is, as it was said before it was escaped; a title never is."""
    return {
        name: unescape_json(value) if name in ESCAPED else value for name, value in values.items() if value is not None
    }


def _what_is_wrong_with_header(line: JSONValue | BadRecord) -> str | None:
    match line:
        case JSONValue(value={"format": format, "version": int(version)}) if format == FORMAT:
            return None if version <= VERSION else OF_LATER
    return NOT_OURS
