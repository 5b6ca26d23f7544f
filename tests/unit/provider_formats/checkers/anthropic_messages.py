"""What Anthropic's Messages API takes as `messages`: its reference and the guide "Handle tool calls".

A text must not be blank; a call and its result are in neighbouring messages, the results before all else in theirs.
"""

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tests.unit.provider_formats.checkers.closed import Closed, parsed


def _not_blank(text: str) -> str:
    assert text.strip(), "text content blocks must contain non-whitespace text"
    return text


SpokenText = Annotated[str, AfterValidator(_not_blank)]
Id = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$")]
Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]


class Text(Closed):
    type: Literal["text"]
    text: SpokenText


class Base64Image(Closed):
    type: Literal["base64"]
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: str


class Base64PDF(Closed):
    type: Literal["base64"]
    media_type: Literal["application/pdf"]
    data: str


class PlainText(Closed):
    type: Literal["text"]
    media_type: Literal["text/plain"]
    data: str


class URL(Closed):
    type: Literal["url"]
    url: str


class Image(Closed):
    type: Literal["image"]
    source: Base64Image | URL


class Document(Closed):
    type: Literal["document"]
    source: Base64PDF | PlainText | URL
    title: str | None = None


class ToolUse(Closed):
    type: Literal["tool_use"]
    id: Id
    name: Name
    input: dict[str, Any]


class ToolResult(Closed):
    type: Literal["tool_result"]
    tool_use_id: Id
    content: str | list[Text | Image | Document] = ""
    is_error: bool = False


class Thinking(Closed):
    type: Literal["thinking"]
    thinking: str
    signature: str


class User(Closed):
    role: Literal["user"]
    content: SpokenText | Annotated[list[Text | Image | Document | ToolResult], Field(min_length=1)]

    def results(self) -> list[str]:
        blocks = self.content if isinstance(self.content, list) else []
        results = [block.tool_use_id for block in blocks if isinstance(block, ToolResult)]
        assert all(isinstance(block, ToolResult) for block in blocks[: len(results)]), "results come first"
        return results


class Assistant(Closed):
    role: Literal["assistant"]
    content: SpokenText | Annotated[list[Thinking | Text | ToolUse], Field(min_length=1)]

    def calls(self) -> list[str]:
        return [block.id for block in self.content if isinstance(block, ToolUse)]


class System(Closed):
    role: Literal["system"]
    content: SpokenText | Annotated[list[Text], Field(min_length=1)]


def check(items: list[dict[str, Any]]) -> None:
    """Fail where the API would refuse the items."""
    asked: list[str] = []
    messages = parsed(User | Assistant | System, items)
    for before, message in pairwise([None, *messages]):
        if isinstance(message, System):
            assert isinstance(before, User | System), "role 'system' is taken after a user turn alone"
            continue
        answered = message.results() if isinstance(message, User) else []
        assert sorted(answered) == sorted(asked), "each tool_use has its tool_result in the next message"
        asked = message.calls() if isinstance(message, Assistant) else []
    ids = [block["id"] for item in items for block in item["content"] if _is_call(block)]
    assert len(ids) == len(set(ids)), "tool_use ids must be unique"


def _is_call(block: Any) -> bool:
    return isinstance(block, dict) and block["type"] == "tool_use"
