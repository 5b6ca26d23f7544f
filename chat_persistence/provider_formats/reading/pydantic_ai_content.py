"""What prompts and results of Pydantic AI hold beside text: files, and texts with metadata."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from chat_persistence.provider_formats.data_urls import kind_of, media_at
from chat_persistence.provider_formats.parts import STORAGES, Media, MediaKind, Text

URL_KINDS: dict[str, MediaKind] = {
    "image-url": "image",
    "audio-url": "audio",
    "video-url": "video",
    "document-url": "file",
}


def content_of(content: Any) -> Iterator[Text | Media]:
    """Yield what a content says that anybody can read: not what is empty, unknown, or a file of a provider's own."""
    for item in content if isinstance(content, list) else [content]:
        match item:
            case str(text) | {"kind": "text-content" | "structured-content", "content": str(text)}:
                yield from [Text(text)] if text else []
            case {"kind": str(kind), "url": str(url)} if url and kind in URL_KINDS:
                yield _at_url(url, URL_KINDS[kind], item.get("media_type"))
            case {"kind": "binary", "data": str(data), "media_type": str(media_type)} if data:
                # Pydantic writes base64 with the letters for URLs, which providers refuse.
                standard = data.replace("-", "+").replace("_", "/")
                yield Media(kind_of(media_type), data=standard, media_type=media_type)
            case {"kind": "uploaded-file", "file_id": str(url), "media_type": str(media_type)}:
                yield from [Media(kind_of(media_type), url=url, media_type=media_type)] if _is_googles(url) else []


def content_of_result(value: Any) -> tuple[Text | Media, ...]:
    """Return what a result says part by part, where one of its parts is more than JSON: files above all."""
    items = value if isinstance(value, list) else [value]
    said = [list(content_of([item])) for item in items]
    if not any(parts and isinstance(item, dict) for item, parts in zip(items, said, strict=True)):
        return ()
    return tuple(part for item, parts in zip(items, said, strict=True) for part in parts or _as_json(item))


def _as_json(item: Any) -> list[Text]:
    return [] if item == "" else [Text(json.dumps(item, ensure_ascii=False))]


def _is_googles(url: str) -> bool:
    """Whether an uploaded file is at a URL by which Google knows it; other providers have ids."""
    return url.startswith(("gs://", *STORAGES))


def _at_url(url: str, kind: MediaKind, media_type: Any) -> Media:
    media = media_at(url, kind)
    given = media_type if isinstance(media_type, str) else None
    return replace(media, media_type=media.media_type or given)
