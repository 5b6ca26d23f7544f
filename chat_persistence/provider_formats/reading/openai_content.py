"""The parts of a content in OpenAI's two formats."""

from collections.abc import Iterator
from typing import Any

from chat_persistence.provider_formats.parts import Media, Refusal, Text
from chat_persistence.provider_formats.reading.data_urls import file_in, media_at


def parts_of(content: Any) -> Iterator[Text | Refusal | Media]:
    """Yield what a content says that anybody can read: not what is empty, unknown, or a file of the provider's own."""
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str) and part:
            yield Text(part)
        elif isinstance(part, dict):
            yield from _part(part)


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
        case {"type": "file", "file": dict(file)} | {"type": "input_file", **file}:
            yield from _file(file)


def _file(file: dict[str, Any]) -> Iterator[Media]:
    name = file["filename"] if isinstance(file.get("filename"), str) else None
    match file:
        case {"file_data": str(data)} if data:
            yield file_in(data, name)
        case {"file_url": str(url)} if url:
            yield media_at(url, "file", name)
