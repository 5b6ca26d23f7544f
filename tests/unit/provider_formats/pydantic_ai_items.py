"""A request and a response of Pydantic AI, of every part, as its JSON has them."""

from typing import Any

FILE = {"kind": "binary", "data": "___-", "media_type": "image/png", "vendor_metadata": None, "identifier": "239749"}
URL = {"kind": "image-url", "url": "https://example.org/a.png", "media_type": "image/png", "force_download": False}
UPLOADED = {"kind": "uploaded-file", "file_id": "gs://bucket/a", "provider_name": "google", "media_type": "image/png"}
TAGGED = {"kind": "text-content", "content": "this", "metadata": {"a": 1}}

RETURN = {"tool_name": "look", "tool_call_id": "c1", "content": [{"a": 1}, FILE, "b"], "outcome": "failed"}
ERROR = {"type": "missing", "loc": ["to"], "msg": "Field required", "input": {}, "ctx": {"a": 1}}
CALL = {"tool_name": "look", "tool_call_id": "c1", "args": {"to": "Rome"}}
THOUGHT = {"content": "Hm.", "id": "rs_1", "signature": "c2ln", "provider_name": "openai"}

REQUEST: dict[str, Any] = {
    "kind": "request",
    "instructions": "Be brief.",
    "parts": [
        {"part_kind": "system-prompt", "content": "Be kind.", "scope": "conversation"},
        {"part_kind": "user-prompt", "content": ["Is this", TAGGED, FILE, URL, UPLOADED, {"kind": "cache-point"}]},
        {"part_kind": "tool-return", **RETURN},
        {"part_kind": "retry-prompt", "content": [ERROR], "tool_name": "look", "tool_call_id": "c2"},
        {"part_kind": "retry-feedback", "content": "Be polite.", "retry": {"cause": "model_retry"}},
        {"part_kind": "compaction", "content": "Rome was booked."},
        {"part_kind": "speech", "speaker": "user", "transcript": None, "audio": FILE},
    ],
}
RESPONSE: dict[str, Any] = {
    "kind": "response",
    "parts": [
        {"part_kind": "thinking", **THOUGHT, "provider_details": {"thought_signature": "Z29v"}},
        {"part_kind": "text", "content": "I look."},
        {"part_kind": "builtin-tool-call", **CALL},
        {"part_kind": "builtin-tool-return", **RETURN},
        {"part_kind": "tool-call", **CALL},
        {"part_kind": "file", "content": FILE},
        {"part_kind": "speech", "speaker": "assistant", "transcript": "Yes."},
    ],
}
