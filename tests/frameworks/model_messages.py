"""Any messages of Pydantic AI's that its own JSON brings back equal."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from pydantic_ai import (
    AudioUrl,
    BinaryContent,
    CachePoint,
    DocumentUrl,
    FilePart,
    ImageUrl,
    ModelRequest,
    ModelResponse,
    NativeToolCallPart,
    NativeToolReturnPart,
    RetryFeedbackPart,
    SystemPromptPart,
    TextContent,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UploadedFile,
    UserPromptPart,
    VideoUrl,
)
from pydantic_ai.messages import ModelMessage, RetryInfo
from pydantic_ai.usage import RequestUsage

ANY_TEXT = st.text(st.characters(blacklist_categories=()), max_size=20)
"""Lone surrogates, U+0000 and U+FDD0 included. In a key, pydantic takes no lone surrogate."""
TEXT = st.text(max_size=20)
WORD = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=10)

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


def json_of(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """JSON whose strings are these."""
    scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(-1e6, 1e6) | text
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=5
    )


def files() -> st.SearchStrategy[BinaryContent]:
    return st.builds(
        lambda data, media_type: BinaryContent.narrow_type(BinaryContent(data, media_type=media_type)),
        st.binary(max_size=20),
        st.sampled_from(["image/png", "audio/wav", "application/pdf", "video/mp4", "text/plain"]),
    )


def urls() -> st.SearchStrategy[Any]:
    kinds: list[Callable[..., Any]] = [ImageUrl, AudioUrl, DocumentUrl, VideoUrl]
    return st.builds(
        lambda kind, name, media_type: kind(url=f"https://example.org/{name}", media_type=media_type),
        st.sampled_from(kinds),
        WORD,
        st.sampled_from(["image/png", "audio/mpeg", "application/pdf", "video/mp4"]),
    )


def user_content(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    items = (
        text
        | st.builds(TextContent, content=text, metadata=json_of(text))
        | files()
        | urls()
        | st.builds(UploadedFile, file_id=WORD, provider_name=st.just("openai"))
        | st.just(CachePoint())
    )
    return text | st.lists(items, max_size=4)


def results(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return json_of(text) | files() | st.lists(files() | urls() | json_of(text), max_size=3)


def arguments(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.none() | text | st.dictionaries(TEXT, json_of(text), max_size=3)


def requests(text: st.SearchStrategy[str]) -> st.SearchStrategy[ModelRequest]:
    parts: st.SearchStrategy[Any] = (
        st.builds(UserPromptPart, user_content(text), timestamp=MOMENTS)
        | st.builds(SystemPromptPart, text, timestamp=MOMENTS)
        | st.builds(
            ToolReturnPart,
            tool_name=WORD,
            content=results(text),
            tool_call_id=text,
            metadata=json_of(text),
            timestamp=MOMENTS,
            outcome=st.sampled_from(["success", "failed", "denied", "interrupted", "retried"]),
        )
        | st.builds(
            RetryFeedbackPart,
            text,
            retry=st.builds(RetryInfo, cause=st.just("validation_error")),
            timestamp=MOMENTS,
        )
    )
    return st.builds(
        ModelRequest,
        parts=st.lists(parts, max_size=4),
        timestamp=st.none() | MOMENTS,
        instructions=st.none() | text,
        run_id=st.none() | WORD,
        metadata=st.none() | st.dictionaries(TEXT, json_of(text), max_size=2),
    )


def responses(text: st.SearchStrategy[str]) -> st.SearchStrategy[ModelResponse]:
    parts: st.SearchStrategy[Any] = (
        st.builds(TextPart, text)
        | st.builds(ThinkingPart, text, signature=st.none() | text, provider_name=st.just("anthropic"))
        | st.builds(ToolCallPart, tool_name=text, args=arguments(text), tool_call_id=text)
        | st.builds(NativeToolCallPart, tool_name=WORD, args=arguments(text), tool_call_id=WORD)
        | st.builds(NativeToolReturnPart, tool_name=WORD, content=json_of(text), tool_call_id=WORD, timestamp=MOMENTS)
        | st.builds(FilePart, files())
    )
    return st.builds(
        ModelResponse,
        parts=st.lists(parts, max_size=4),
        usage=st.builds(RequestUsage, input_tokens=st.integers(0, 1000), output_tokens=st.integers(0, 1000)),
        model_name=st.none() | text,
        timestamp=MOMENTS,
        provider_details=st.none() | st.dictionaries(TEXT, json_of(text), max_size=2),
        finish_reason=st.sampled_from([None, "stop", "length", "tool_call"]),
    )


def model_messages(text: st.SearchStrategy[str] = ANY_TEXT) -> st.SearchStrategy[ModelMessage]:
    """Requests and responses of all parts, with texts of these."""
    return requests(text) | responses(text)
