"""What comes of a tool, in JSON."""

from typing import Any


def value_of(content: Any) -> Any:
    """Return a result as JSON, of parts that are all text the text, one a line."""
    if isinstance(content, list) and content and all(isinstance(_text_of(part), str) for part in content):
        return "\n".join(part["text"] for part in content)
    return content


def _text_of(part: Any) -> Any:
    is_text = isinstance(part, dict) and part.get("type") in ("text", "input_text", "output_text")
    return part.get("text") if is_text else None
