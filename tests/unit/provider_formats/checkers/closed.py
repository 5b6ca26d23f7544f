"""What all checkers are made of."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter


class Closed(BaseModel):
    """A shape of which nothing may be missing, and beside which nothing may stand."""

    model_config = ConfigDict(extra="forbid", strict=True)


def parsed(kind: Any, items: list[dict[str, Any]]) -> list[Any]:
    """Return the items as the models that they have to be."""
    adapter: TypeAdapter[list[Any]] = TypeAdapter(list[kind])
    return adapter.validate_python(items)


def _is_not_empty(text: str) -> str:
    # Not pydantic's own bound, for which a lone surrogate is no text.
    assert text
    return text


FullText = Annotated[str, AfterValidator(_is_not_empty)]
