"""What a message of ours says, in whatever format its `native` is."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chat_persistence.models import MessageRole
from chat_persistence.provider_formats.parts import INSTRUCTIONS, Call, Part, Reasoning, Result, Speaker, Text, Turn
from chat_persistence.provider_formats.reading import (
    anthropic_messages,
    cohere_chat,
    gemini_contents,
    openai_chat,
    openai_responses,
    pydantic_ai,
    vercel_ui_messages,
)
from chat_persistence.provider_formats.reading.format import Format, text_of
from chat_persistence.provider_formats.reading.openai_content import parts_of
from chat_persistence.values import MessageCreate, MessageRead

FORMATS: tuple[Format[Any], ...] = (
    openai_chat.FORMAT,
    openai_responses.FORMAT,
    anthropic_messages.FORMAT,
    gemini_contents.FORMAT,
    cohere_chat.FORMAT,
    vercel_ui_messages.FORMAT,
)
"""In this order a `native` is tried: what is right in several formats reads the same in each."""

Reader = Callable[[Any], list[Turn] | None]
"""Returns what an item says, or nothing when it is none that is read here."""


def instructions_of(messages: Iterable[MessageRead | MessageCreate]) -> str:
    """Return the instructions in messages, `system`'s and `developer`'s, a blank line between them; empty without any.

    For the providers that take them apart: Anthropic as `system`, Gemini as `system_instruction`. Of Pydantic AI's
    requests the last one's `instructions` are among them, which are no message of any format.
    """
    given = list(messages)
    turns = [turn for message in given for turn in turns_of(message)]
    texts = [text_of(turn.parts) for turn in turns if turn.speaker in INSTRUCTIONS]
    sent_with = [text for message in given if (text := pydantic_ai.instructions_in(message.native)) is not None]
    return "\n\n".join(filter(None, [*texts, *sent_with[-1:]]))


def turns_of(message: MessageRead | MessageCreate, wanted: Format[Any] | None = None) -> list[Turn]:
    """Return what a message says; its turns have their `item` where that is of the format which is wanted."""
    if wanted and (turns := _turns_in(message, wanted.turns)) is not None:
        return turns
    for read in (*(known.turns for known in FORMATS if known is not wanted), pydantic_ai.turns_in):
        if (turns := _turns_in(message, read)) is not None:
            return [Turn(turn.speaker, turn.parts) for turn in turns]
    return list(own_turns(message))


def _turns_in(message: MessageRead | MessageCreate, read: Reader) -> list[Turn] | None:
    """Return what `native`, an item or a list of items, says to a reader; nothing where one is none of its."""
    native = _plain_item(message) if message.native is None else message.native
    turns: list[Turn] = []
    for item in native if isinstance(native, list) and native else [native]:
        if (said := read(item)) is None:
            return None
        turns += said
    # A type that nobody knows may be a provider's new one, or a host's own: then the message says what is lost.
    says_nothing = all(isinstance(part, Reasoning) for turn in turns for part in turn.parts)
    return None if says_nothing and (message.content or message.tool_calls) else turns


def _plain_item(message: MessageRead | MessageCreate) -> dict[str, Any] | None:
    """Return the item of a role and a text that this message may have been, as most formats have one."""
    if message.tool_calls or not message.content:
        return None
    return {"role": message.role.value, "content": message.content}


def own_turns(message: MessageRead | MessageCreate) -> Iterator[Turn]:
    """Yield what role, content and tool calls say, and of `native` the label of instructions alone.

    What calls a tool is the model's side, whatever the message's. With their results, calls are before the text.
    """
    calls = [Call(call.id, call.name or "", call.arguments or "{}") for call in message.tool_calls if call.is_call]
    results = [Result(call.id, call.result, call.is_error) for call in message.tool_calls if call.has_result]
    speaker, text = _said(message)
    said = [Text(text)] if text else []
    if speaker == "assistant" and not results:
        yield from _turn(speaker, [*said, *calls])
        return
    yield from _turn("assistant", calls)
    yield from _turn("tool", results)
    yield from _turn(speaker, said)


def _said(message: MessageRead | MessageCreate) -> tuple[Speaker, str]:
    native = message.native
    if isinstance(native, dict) and native.get("role") in INSTRUCTIONS:
        return native["role"], message.content or text_of(parts_of(native.get("content")))
    return ("user" if message.role == MessageRole.USER else "assistant"), message.content


def _turn(speaker: Speaker, parts: Iterable[Part]) -> Iterator[Turn]:
    if turn := tuple(parts):
        yield Turn(speaker, turn)
