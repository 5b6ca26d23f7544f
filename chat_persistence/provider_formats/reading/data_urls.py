"""Files that stand in a message as `data:` URLs, and media types that go by a file's ending."""

import re

from chat_persistence.provider_formats.parts import Media, MediaKind

_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^;,]*)*;base64,(.*)", re.DOTALL)

_KINDS: dict[str, MediaKind] = {"image": "image", "audio": "audio", "video": "video"}


def media_at(url: str, kind: MediaKind | None = None, name: str | None = None) -> Media:
    """Return the file at a URL, its data where they are in the URL itself; without a kind, its media type says it."""
    found = _DATA_URL.fullmatch(url)
    if found is None:
        return Media(kind or "file", url=url, name=name)
    media_type = found[1] or None
    return Media(kind or kind_of(media_type), data=found[2], media_type=media_type, name=name)


def kind_of(media_type: str | None) -> MediaKind:
    """Return what kind of file has this media type."""
    return _KINDS.get((media_type or "").partition("/")[0], "file")


def url_of(media: Media) -> str:
    """Return a file's URL, a `data:` URL where its data are given."""
    if media.data is None:
        return media.url or ""
    return f"data:{media.media_type or 'application/octet-stream'};base64,{media.data}"
