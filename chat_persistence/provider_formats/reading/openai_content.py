"""The parts of contents and of results in OpenAI's two formats."""

from collections.abc import Iterator
from typing import Any

from chat_persistence.provider_formats.data_urls import file_in, media_at
from chat_persistence.provider_formats.parts import Media, Refusal, Result, Text
from chat_persistence.provider_formats.reading.results import value_of


def parts_of(content: Any) -> Iterator[Text | Refusal | Media]:
    """Yield what a content says that anybody can read: not what is empty, unknown, or a file of the provider's own."""
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str) and part:
            yield Text(part)
        elif isinstance(part, dict):
            yield from _part(part)


def result_of(id: str, value: Any, *, is_error: bool = False, name: str | None = None) -> Result:
    """Return what came of a call: of parts that are all text the text, of text and files both, else JSON."""
    said = value_of(value)
    parts = [list(parts_of([part])) for part in said] if isinstance(said, list) else []
    content = tuple(part for [part] in parts if isinstance(part, Text | Media)) if all(parts) else ()
    return Result(id, said, is_error, name, content if len(content) == len(parts) else ())


def _part(part: dict[str, Any]) -> Iterator[Text | Refusal | Media]:
    match part:
        case {"type": "text" | "input_text" | "output_text", "text": str(text)} if text:
            yield Text(text)
        case {"type": "refusal", "refusal": str(text)} if text:
            yield Refusal(text)
        case {"type": "image_url", "image_url": {"url": str(url)} | str(url)} if url:
            yield media_at(url, "image")
        case {"type": "input_image" | "computer_screenshot", "image_url": str(url)} if url:
            yield media_at(url, "image")
        case {"type": "input_audio", "input_audio": {"data": str(data), "format": str(format)}}:
            yield Media("audio", data=data, media_type=f"audio/{format}")
        case {"type": "image", "url": str(url)} if url:
            yield media_at(url, "image")
        case {"type": "logs", "logs": str(text)} if text:
            yield Text(text)
        case {"type": "file", "file": dict(file)} | {"type": "input_file", **file}:
            yield from _file(file)


def _file(file: dict[str, Any]) -> Iterator[Media]:
    name = file["filename"] if isinstance(file.get("filename"), str) else None
    match file:
        case {"file_data": str(data)} if data:
            yield file_in(data, name)
        case {"file_url": str(url)} if url:
            yield media_at(url, "file", name)
