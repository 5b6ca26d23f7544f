"""What has to be there of somebody else's JSON, and how what is not there is told."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from chat_persistence.values import PlainText


class Shape(BaseModel):
    """What has to be there of somebody else's JSON; what else is there is let be."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


def _is_content(given: Any) -> Any:
    if given is None or isinstance(given, str | list):
        return given
    raise ValueError("must be a text, a list of parts, or null")


Content = Annotated[Any, AfterValidator(_is_content)]
"""A text, a list of parts, or nothing."""

CallId = Annotated[PlainText, Field(min_length=1)]
"""The id of a call, as `ToolCall` takes it."""


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Return where the first thing is that is wrong, as `.content[3].text`, and what is wrong with it."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
    return place, first["msg"].removeprefix("Value error, ")
