"""Messages that other programs stored, as messages of Pydantic AI."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Iterator
from datetime import datetime

from pydantic_ai import (
    AudioUrl,
    BinaryContent,
    DocumentUrl,
    FilePart,
    ImageUrl,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
    VideoUrl,
)
from pydantic_ai.messages import ModelMessage, ModelRequestPart, ModelResponsePart, UserContent
from pydantic_ai.usage import RequestUsage

from chat_persistence import MessageRead
from chat_persistence.provider_formats.parts import (
    INSTRUCTIONS,
    Call,
    Media,
    Part,
    Reasoning,
    Refusal,
    Result,
    Text,
    Turn,
)
from chat_persistence.provider_formats.reading.messages import turns_of

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
_URLS = {"image": ImageUrl, "audio": AudioUrl, "video": VideoUrl, "file": DocumentUrl}
_UNKNOWN_TOOL = "tool"
"""Of a result whose call is not among the messages that were read."""


class ForeignMessages:
    """Reads messages of one conversation, oldest first: a result is given the name of the tool that was called."""

    def __init__(self) -> None:
        self._tools: dict[str, str] = {}

    def read(self, message: MessageRead, moment: datetime) -> list[ModelMessage]:
        """Return what a message of that moment says, one or more: a result is in another one than its call."""
        read = [written for turn in turns_of(message) for written in self._read(turn, moment)]
        for said in read:
            if isinstance(said, ModelResponse):
                said.usage = RequestUsage(output_tokens=message.token_count or 0)
                break  # the others were counted with it
        # What says nothing to a model is a message all the same, that others come after.
        return read or [ModelRequest(parts=[], timestamp=moment)]

    def take_note(self, message: MessageRead) -> None:
        """Remember the tools that a message calls, which is none of these."""
        self._tools.update((call.id, call.name) for call in message.tool_calls if call.name)

    def _read(self, turn: Turn, moment: datetime) -> Iterator[ModelMessage]:
        self._tools.update((call.id, call.name) for call in turn.calls)
        results = [self._result(result, moment) for result in turn.results]
        if turn.speaker == "assistant":
            said = list(_response_parts(turn.parts))
            if said:
                yield ModelResponse(parts=said, timestamp=moment)
            if results:
                yield ModelRequest(parts=results, timestamp=moment)
        else:
            yield ModelRequest(parts=[*results, *_request_parts(turn, moment)], timestamp=moment)

    def _result(self, result: Result, moment: datetime) -> ToolReturnPart:
        return ToolReturnPart(
            tool_name=result.name or self._tools.get(result.id) or _UNKNOWN_TOOL,
            content=result.value,
            tool_call_id=result.id,
            timestamp=moment,
            outcome="failed" if result.is_error else "success",
        )


def _request_parts(turn: Turn, moment: datetime) -> Iterator[ModelRequestPart]:
    if turn.speaker in INSTRUCTIONS:
        text = "\n".join(part.text for part in turn.parts if isinstance(part, Text))
        yield SystemPromptPart(text, timestamp=moment)
        return
    content = list(_user_content(turn.parts))
    if content:
        only = content[0]
        yield UserPromptPart(only if len(content) == 1 and isinstance(only, str) else content, timestamp=moment)


def _user_content(parts: Iterable[Part]) -> Iterator[UserContent]:
    for part in parts:
        if isinstance(part, Text | Refusal):
            yield part.text
        elif isinstance(part, Media):
            if part.url is not None:
                yield _URLS[part.kind](url=part.url, media_type=part.media_type)
            elif (file := _file(part)) is not None:
                yield file


def _response_parts(parts: Iterable[Part]) -> Iterator[ModelResponsePart]:
    for part in parts:
        if isinstance(part, Text | Refusal):
            yield TextPart(part.text)
        elif isinstance(part, Reasoning):
            yield ThinkingPart(part.text, id=part.id, signature=part.signature, provider_name=part.provider)
        elif isinstance(part, Call):
            yield ToolCallPart(part.name or _UNKNOWN_TOOL, part.arguments, part.id)
        elif isinstance(part, Media) and (file := _file(part)) is not None:
            yield FilePart(file)


def _file(media: Media) -> BinaryContent | None:
    media_type = media.media_type or ""
    if media.data is None or not _MEDIA_TYPE.fullmatch(media_type):
        return None
    try:
        data = b64decode(media.data, validate=True)
    except (NotBase64, ValueError):
        return None
    # As it is read from JSON, so that what is read twice is equal.
    return BinaryContent.narrow_type(BinaryContent(data, media_type=media_type))
