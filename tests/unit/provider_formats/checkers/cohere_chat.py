"""What Cohere's v2 chat takes as `messages`: its reference, and what it answers where that is silent.

"text content is not allowed when tool_calls are provided", says the API (vercel/ai#5794).
"""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from tests.unit.provider_formats.checkers.closed import Closed, FullText, parsed


class Text(Closed):
    type: Literal["text"]
    text: FullText


class ImageURL(Closed):
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class Image(Closed):
    type: Literal["image_url"]
    image_url: ImageURL


class Function(Closed):
    name: str
    arguments: str


class Call(Closed):
    id: FullText
    type: Literal["function"]
    function: Function


class System(Closed):
    role: Literal["system"]
    content: FullText | Annotated[list[Text], Field(min_length=1)]


class User(Closed):
    role: Literal["user"]
    content: FullText | Annotated[list[Text | Image], Field(min_length=1)]


class Assistant(Closed):
    role: Literal["assistant"]
    content: FullText | Annotated[list[Text], Field(min_length=1)] | None = None
    tool_plan: FullText | None = None
    tool_calls: Annotated[list[Call], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _says_or_calls(self) -> "Assistant":
        assert (self.content is None) != (self.tool_calls is None)
        assert self.tool_plan is None or self.tool_calls
        return self


class Tool(Closed):
    role: Literal["tool"]
    tool_call_id: str
    content: str


def check(items: list[dict[str, Any]]) -> None:
    """Fail where the API would refuse the items."""
    open_calls: list[str] = []
    seen: set[str] = set()
    for message in parsed(System | User | Assistant | Tool, items):
        if isinstance(message, Tool):
            open_calls.remove(message.tool_call_id)
            continue
        assert not open_calls, "every call is answered before anything else is said"
        open_calls = [call.id for call in (isinstance(message, Assistant) and message.tool_calls) or ()]
        assert not seen & set(open_calls), "the id of a call is its own"
        seen.update(open_calls)
    assert not open_calls
