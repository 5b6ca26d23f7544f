"""Which files reach which provider: their data, or where on the web they are."""

import json

import pytest

from chat_persistence.provider_formats import from_anthropic_messages, from_gemini_contents, from_vercel_ui_messages
from tests.unit.provider_formats.dialogues import strings_in
from tests.unit.provider_formats.formats import BY_NAME, FORMATS, Format

CHAT, RESPONSES, ANTHROPIC, GEMINI, COHERE, VERCEL = FORMATS
EVERYBODY = set(FORMATS)

TAKEN = {
    ("image/png", "data:image/png;base64,iVBO"): EVERYBODY,
    ("image/*", "data:image/png;base64,iVBO"): EVERYBODY,
    ("image/png", "https://example.org/a.png"): EVERYBODY,
    ("image/tiff", "data:image/tiff;base64,iVBO"): EVERYBODY - {ANTHROPIC},
    ("image/png", "gs://bucket/a.png"): {GEMINI, VERCEL},
    ("application/pdf", "data:application/pdf;base64,iVBO"): EVERYBODY - {COHERE},
    ("application/pdf", "https://example.org/a.pdf"): {RESPONSES, ANTHROPIC, GEMINI, VERCEL},
    ("audio/wav", "data:audio/wav;base64,iVBO"): {CHAT, GEMINI, VERCEL},
    ("video/mp4", "data:video/mp4;base64,iVBO"): {GEMINI, VERCEL},
    ("video/mp4", "https://example.org/a.mp4"): {GEMINI, VERCEL},
}


@pytest.mark.parametrize("target", FORMATS, ids=str)
@pytest.mark.parametrize(("media_type", "url"), TAKEN)
def test_a_file_is_given_to_those_who_take_it(media_type: str, url: str, target: Format) -> None:
    file = {"type": "file", "mediaType": media_type, "url": url}
    question = {"id": "1", "role": "user", "parts": [{"type": "text", "text": "This?"}, file]}

    written = target.write(from_vercel_ui_messages([question]))

    target.check(written)
    arrived = any(url.rpartition(",")[2] in text for text in strings_in(written))
    assert arrived == (target in TAKEN[media_type, url])


PDF = "data:application/pdf;base64,iVBO"
ASKED = {
    CHAT: {"role": "user", "content": [{"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}}]},
    RESPONSES: {"role": "user", "content": [{"type": "input_file", "filename": "a.pdf", "file_data": PDF}]},
    ANTHROPIC: {
        "role": "user",
        "content": [
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "iVBO"},
                "title": "a.pdf",
            }
        ],
    },
    GEMINI: {"role": "user", "parts": [{"inlineData": {"mimeType": "application/pdf", "data": "iVBO"}}]},
    VERCEL: {"id": "1", "role": "user", "parts": [{"type": "file", "mediaType": "application/pdf", "url": PDF}]},
}


@pytest.mark.parametrize("target", ASKED, ids=str)
@pytest.mark.parametrize("source", ASKED, ids=str)
def test_a_document_goes_from_anyone_who_takes_one_to_everybody_else(source: Format, target: Format) -> None:
    written = target.write(source.read([ASKED[source]]))

    target.check(written)
    assert any("iVBO" in text for text in strings_in(written))


@pytest.mark.parametrize("target", [CHAT, RESPONSES, GEMINI, COHERE, VERCEL], ids=str)
def test_a_file_in_anthropics_storage_is_no_file_elsewhere(target: Format) -> None:
    source = {"type": "file", "file_id": "file_011Cc"}
    content = [{"type": "text", "text": "This?"}, {"type": "image", "source": source}]

    written = target.write(from_anthropic_messages([{"role": "user", "content": content}]))

    target.check(written)
    assert "file_011Cc" not in json.dumps(written)


def test_a_data_url_without_base64_has_its_bytes_too() -> None:
    file = {"type": "file", "mediaType": "text/plain", "url": "data:text/plain;charset=utf-8,Hi%20%C3%84"}

    (item,) = ANTHROPIC.write(from_vercel_ui_messages([{"id": "1", "role": "user", "parts": [file]}]))

    assert item["content"][0]["source"]["data"] == "Hi Ä"


def test_what_a_model_has_drawn_is_the_assistants_where_there_is_such() -> None:
    drawn = {"inlineData": {"mimeType": "image/png", "data": "iVBO"}}
    (message,) = from_gemini_contents([{"role": "model", "parts": [drawn, {"text": "Here."}]}])

    assert BY_NAME["vercel_ui_messages"].write([message])[0]["parts"][0]["url"] == "data:image/png;base64,iVBO"
    assert ANTHROPIC.write([message]) == COHERE.write([message]) == [{"role": "assistant", "content": "Here."}]
