"""To OpenAI's Chat Completions."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from chat_persistence.provider_formats.data_urls import name_of, url_of
from chat_persistence.provider_formats.parts import INSTRUCTIONS, Call, Media, Part, Refusal, Result, Text, Turn
from chat_persistence.provider_formats.reading.format import text_of
from chat_persistence.provider_formats.reading.openai_chat import FORMAT
from chat_persistence.provider_formats.writing.contents import content_of
from chat_persistence.provider_formats.writing.tool_names import fitting_id, fitting_name
from chat_persistence.provider_formats.writing.turns import turns_for
from chat_persistence.values import MessageCreate, MessageRead

AUDIO_FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}

_ID = re.compile(".{1,40}", re.DOTALL)


def to_openai_chat(messages: Iterable[MessageRead | MessageCreate]) -> list[dict[str, Any]]:
    """Return messages as a request's `messages`: what came from Chat Completions as it was, all else in its words.

    Each result of a tool is a message of its own, text or JSON, directly after its call. Calls that follow each other
    are one message of the assistant's, whose text is after their results if these were told with them. An id of more
    than 40 characters, and a name of others than letters, digits, `_` and `-`, is replaced. Left out is what Chat
    Completions cannot say: what a model thought, files of the assistant's, videos, files at a URL other than images,
    audio that is neither WAV nor MP3, that a result is an error; results without calls, and calls of which nothing
    came although the chat went on. So is Anthropic's `cache_control`, which OpenAI does not take, in any message.
    """
    return [item for turn in turns_for(FORMAT, messages, unique_ids=False) for item in items_of(turn)]


def items_of(turn: Turn) -> Iterator[dict[str, Any]]:
    """Yield the messages that a turn is."""
    if turn.item:
        yield turn.item
    elif turn.speaker == "tool":
        yield from map(_result, turn.results)
    elif turn.speaker in INSTRUCTIONS:
        yield {"role": turn.speaker, "content": text_of(turn.parts)}
    elif turn.speaker == "user":
        yield from _of_user(turn)
    else:
        yield from _of_assistant(turn)


def _of_user(turn: Turn) -> Iterator[dict[str, Any]]:
    if content := content_of(part for part in map(_user_part, turn.parts) if part):
        yield {"role": "user", "content": content}


def _of_assistant(turn: Turn) -> Iterator[dict[str, Any]]:
    content = content_of(part for part in map(_assistant_part, turn.parts) if part)
    if turn.calls:
        yield {"role": "assistant", "content": content, "tool_calls": [_call(call) for call in turn.calls]}
    elif content:
        yield {"role": "assistant", "content": content}


def _user_part(part: Part) -> dict[str, Any] | None:
    return _file(part) if isinstance(part, Media) else _assistant_part(part)


def _assistant_part(part: Part) -> dict[str, Any] | None:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return None


def _file(media: Media) -> dict[str, Any] | None:
    if media.kind == "image" and media.is_public:
        return {"type": "image_url", "image_url": {"url": url_of(media)}}
    if media.data is None or media.kind == "video":
        return None
    if media.kind == "audio":
        known = AUDIO_FORMATS.get(media.media_type or "")
        return {"type": "input_audio", "input_audio": {"data": media.data, "format": known}} if known else None
    return {"type": "file", "file": {"filename": name_of(media), "file_data": url_of(media)}}


def _call(call: Call) -> dict[str, Any]:
    function = {"name": fitting_name(call.name), "arguments": call.arguments or "{}"}
    return {"id": fitting_id(call.id, _ID), "type": "function", "function": function}


def _result(result: Result) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": fitting_id(result.id, _ID), "content": result.text}
