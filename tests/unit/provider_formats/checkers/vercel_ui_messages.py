"""What the AI SDK's `validateUIMessages` takes, of the parts that can be written without an application's own types."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tests.unit.provider_formats.checkers.closed import Closed, parsed


class Text(Closed):
    type: Literal["text"]
    text: str


class Reasoning(Closed):
    type: Literal["reasoning"]
    text: str
    providerMetadata: dict[str, dict[str, str]] = Field(default_factory=dict)  # noqa: N815


class File(Closed):
    type: Literal["file"]
    mediaType: str  # noqa: N815 - the SDK's words
    url: str
    filename: str = ""


class StepStart(Closed):
    type: Literal["step-start"]


class Tool(Closed):
    type: Literal["dynamic-tool"]
    toolName: str  # noqa: N815
    toolCallId: str  # noqa: N815


class InputAvailable(Tool):
    state: Literal["input-available"]
    input: Any


class OutputAvailable(Tool):
    state: Literal["output-available"]
    input: Any
    output: Any


class OutputError(Tool):
    state: Literal["output-error"]
    input: Any
    errorText: str  # noqa: N815


AnyTool = InputAvailable | OutputAvailable | OutputError


class System(Closed):
    id: str
    role: Literal["system"]
    parts: Annotated[list[Text], Field(min_length=1)]


class User(Closed):
    id: str
    role: Literal["user"]
    parts: Annotated[list[Text | File], Field(min_length=1)]


class Assistant(Closed):
    id: str
    role: Literal["assistant"]
    parts: Annotated[list[Text | Reasoning | File | StepStart | AnyTool], Field(min_length=1)]


def check(items: list[dict[str, Any]]) -> None:
    """Fail where the SDK would refuse the items, or a model what `convertToModelMessages` makes of them."""
    messages = parsed(System | User | Assistant, items)
    ids = [message.id for message in messages]
    assert len(ids) == len(set(ids)), "a list in React has keys"
    parts = [part for message in messages for part in message.parts]
    calls = [part.toolCallId for part in parts if isinstance(part, Tool)]
    assert len(calls) == len(set(calls)), "the id of a call is its own"
    assert not any(isinstance(part, InputAvailable) for part in parts), "what was answered has its output"
