"""What Gemini's API takes as `contents`: its reference, and the guides on function calling and thought signatures.

A call's responses are all in the content after it, by the same names; the first call of a step has a signature.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from tests.unit.provider_formats.checkers.closed import Closed, parsed

Name = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$")]


class Blob(Closed):
    mimeType: str  # noqa: N815 - the API's words
    data: str


class FileData(Closed):
    fileUri: str  # noqa: N815
    mimeType: str = ""  # noqa: N815


class FunctionCall(Closed):
    id: str = ""
    name: Name
    args: dict[str, Any]


class FunctionResponse(Closed):
    id: str = ""
    name: Name
    response: dict[str, Any]
    parts: list[Any] = Field(default_factory=list)


class Part(Closed):
    text: str | None = None
    inlineData: Blob | None = None  # noqa: N815
    fileData: FileData | None = None  # noqa: N815
    functionCall: FunctionCall | None = None  # noqa: N815
    functionResponse: FunctionResponse | None = None  # noqa: N815
    thoughtSignature: str | None = None  # noqa: N815

    @model_validator(mode="after")
    def _holds_one_thing(self) -> "Part":
        held = self.model_dump(exclude_none=True, exclude={"thoughtSignature"})
        assert len(held) == 1, "exactly one field of a part's data is set"
        return self


class Content(Closed):
    role: Literal["user", "model"]
    parts: Annotated[list[Part], Field(min_length=1)]

    def calls(self) -> list[FunctionCall]:
        return [part.functionCall for part in self.parts if part.functionCall]

    def responses(self) -> list[FunctionResponse]:
        return [part.functionResponse for part in self.parts if part.functionResponse]


def check(items: list[dict[str, Any]]) -> None:
    """Fail where the API would refuse the items."""
    asked: list[FunctionCall] = []
    for content in parsed(Content, items):
        assert not (content.calls() and content.role == "user")
        assert not (content.responses() and content.role == "model")
        assert _pairs(content.responses()) == _pairs(asked), "as many responses as calls, in the next content"
        asked = content.calls()
        signed = [part.thoughtSignature for part in content.parts if part.functionCall]
        assert not signed or signed[0], "Gemini 3 refuses a step whose first call is not signed"


def _pairs(parts: list[Any]) -> list[tuple[str, str]]:
    return sorted((part.id, part.name) for part in parts)
