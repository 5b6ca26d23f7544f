"""Files that stand in a message as `data:` URLs, and media types that go by a file's ending."""

import mimetypes
import re
from base64 import b64encode
from urllib.parse import unquote_to_bytes

from chat_persistence.provider_formats.parts import Media, MediaKind

_DATA_URL = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),(.*)", re.DOTALL)

_KINDS: dict[str, MediaKind] = {"image": "image", "audio": "audio", "video": "video"}


def media_at(url: str, kind: MediaKind | None = None, name: str | None = None) -> Media:
    """Return the file at a URL, its data where they are in the URL itself; without a kind, its media type says it."""
    found = _DATA_URL.fullmatch(url)
    if found is None:
        return Media(kind or "file", url=url, name=name)
    media_type, parameters, data = found[1] or None, found[2], found[3]
    if not parameters.endswith(";base64"):
        data = b64encode(unquote_to_bytes(data.encode(errors="surrogatepass"))).decode()
    return Media(kind or kind_of(media_type), data=data, media_type=media_type, name=name)


def kind_of(media_type: str | None) -> MediaKind:
    """Return what kind of file has this media type."""
    return _KINDS.get((media_type or "").partition("/")[0], "file")


def url_of(media: Media) -> str:
    """Return a file's URL, a `data:` URL where its data are given."""
    if media.data is None:
        return media.url or ""
    return f"data:{media.media_type or 'application/octet-stream'};base64,{media.data}"


def file_in(data: str, name: str | None = None) -> Media:
    """Return the file in OpenAI's `file_data`: a `data:` URL, or base64 alone, and then the name says its type."""
    if data.startswith(("data:", "http:", "https:")):
        return media_at(data, None, name)
    media_type = mimetypes.guess_type(name or "")[0]
    return Media(kind_of(media_type), data=data, media_type=media_type, name=name)


def name_of(media: Media) -> str:
    """Return a file's name, or one for a file that has none, its ending by its media type."""
    return media.name or f"file{mimetypes.guess_extension(media.media_type or '') or ''}"
