"""Items of Anthropic, Gemini, Cohere and the AI SDK, with whatever may stand in them, in no order that makes sense."""

from typing import Any

from hypothesis import strategies as st

from tests.integration.test_any_text import any_number, any_text
from tests.unit.provider_formats.dialogues import any_result, name, opaque, spoken

Items = st.SearchStrategy[dict[str, Any]]

objects = st.dictionaries(any_text, any_result, max_size=2)
ids = st.from_regex(r"[a-z]{1,3}_[0-9]", fullmatch=True)
texts = any_text | st.just("")
url = st.sampled_from(["https://example.org/a.png", "data:image/png;base64,iVBO", "gs://bucket/a", "data:,", ""])
unknown = st.fixed_dictionaries({"type": st.just("hologram")}, optional={"beams": any_result, "text": texts})


def short(strategy: Items) -> Items:
    """Return the same strategy; its name, which Hypothesis would write in full, would be 84,000 characters."""

    @st.composite
    def item(draw: st.DrawFn) -> dict[str, Any]:
        return draw(strategy)

    return item()


def of(type: str, /, **fields: st.SearchStrategy[Any]) -> Items:
    """Return objects of that type, which have some of the fields, and are not always right."""
    optional = {key: field | any_result for key, field in fields.items()}
    return st.fixed_dictionaries({"type": st.just(type)}, optional=optional)


anthropic_source = (
    of("base64", media_type=st.sampled_from(["image/png", "application/pdf"]), data=opaque)
    | of("url", url=url)
    | of("text", media_type=st.just("text/plain"), data=texts)
    | of("file", file_id=ids)
)
anthropic_block = st.one_of(
    of("text", text=texts, citations=st.none() | st.lists(objects, max_size=1), cache_control=objects),
    of("image", source=anthropic_source, cache_control=objects),
    of("document", source=anthropic_source, title=texts, context=texts, citations=objects),
    of("search_result", source=texts, title=texts, content=st.lists(of("text", text=texts), max_size=1)),
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": texts, "signature": opaque}),
    of("redacted_thinking", data=opaque),
    of("tool_use", id=ids, name=name, input=objects),
    of("tool_result", tool_use_id=ids, content=texts | st.lists(of("text", text=texts), max_size=2)),
    of("server_tool_use", id=ids, name=name, input=objects),
    of("web_search_tool_result", tool_use_id=ids, content=st.lists(objects, max_size=1) | objects),
    of("mcp_tool_use", id=ids, name=name, server_name=name, input=objects),
    of("container_upload", file_id=ids),
    unknown,
)
anthropic_messages = short(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant"]), "content": spoken | st.lists(anthropic_block, max_size=4)},
        optional={"id": ids, "model": name, "stop_reason": st.none() | name, "usage": objects},
    )
)

gemini_part: Items = st.one_of(
    *(
        st.fixed_dictionaries(
            {field: value | any_result}, optional={"thoughtSignature": opaque, "thought": st.booleans()}
        )
        for field, value in {
            "text": texts,
            "inlineData": st.fixed_dictionaries({}, optional={"mimeType": texts, "data": opaque, "displayName": texts}),
            "inline_data": st.fixed_dictionaries({}, optional={"mime_type": texts, "data": opaque}),
            "fileData": st.fixed_dictionaries({}, optional={"fileUri": url, "file_uri": url, "mimeType": texts}),
            "functionCall": st.fixed_dictionaries({}, optional={"id": ids, "name": name, "args": objects}),
            "functionResponse": st.fixed_dictionaries(
                {}, optional={"id": ids, "name": name, "response": objects, "parts": st.lists(objects, max_size=1)}
            ),
            "function_call": st.fixed_dictionaries({}, optional={"name": name, "args": objects}),
            "executableCode": st.fixed_dictionaries({}, optional={"language": name, "code": texts, "id": ids}),
            "codeExecutionResult": st.fixed_dictionaries({}, optional={"outcome": name, "output": texts}),
            "toolCall": st.fixed_dictionaries({}, optional={"id": ids, "toolType": name, "tool_type": name}),
            "toolResponse": st.fixed_dictionaries({}, optional={"id": ids, "toolType": name, "response": objects}),
            "hologram": any_result,
        }.items()
    )
)
gemini_contents = short(
    st.fixed_dictionaries(
        {"parts": st.lists(gemini_part, max_size=4)},
        optional={"role": st.sampled_from(["user", "model", "function", "tool"])},
    )
    | st.just({"role": "model"})
)

cohere_call = st.fixed_dictionaries(
    {"id": ids, "type": st.just("function")},
    optional={"function": st.fixed_dictionaries({}, optional={"name": name, "arguments": texts})},
)
cohere_image = of("image_url", image_url=st.fixed_dictionaries({"url": url}))
cohere_document = of("document", document=st.fixed_dictionaries({}, optional={"data": objects | texts, "id": ids}))
cohere_said = st.one_of(of("text", text=texts), of("thinking", thinking=texts), unknown)
cohere_chat = short(
    st.one_of(
        st.fixed_dictionaries(
            {"role": st.just("system"), "content": texts | st.lists(of("text", text=texts), max_size=2)}
        ),
        st.fixed_dictionaries(
            {
                "role": st.just("user"),
                "content": texts | st.lists(cohere_image | of("text", text=texts) | unknown, max_size=3),
            }
        ),
        st.fixed_dictionaries(
            {"role": st.just("assistant")},
            optional={"content": st.none() | texts | st.lists(cohere_said, max_size=2), "citations": st.lists(objects)},
        ),
        st.fixed_dictionaries(
            {"role": st.just("assistant"), "tool_calls": st.lists(cohere_call, max_size=2)},
            optional={"tool_plan": texts, "content": st.lists(of("thinking", thinking=texts), max_size=1)},
        ),
        st.fixed_dictionaries(
            {"role": st.just("tool"), "tool_call_id": ids},
            optional={"content": texts | st.lists(cohere_document | of("text", text=texts), max_size=2)},
        ),
    )
)

vercel_tool = {
    "toolCallId": ids,
    "state": st.sampled_from(
        [
            "input-streaming",
            "input-available",
            "output-available",
            "output-error",
            "output-denied",
            "approval-requested",
        ]
    ),
    "input": objects,
    "rawInput": texts,
    "output": any_result,
    "errorText": texts,
    "providerExecuted": st.booleans(),
    "approval": objects,
}
vercel_part = st.one_of(
    of("text", text=texts, state=name, providerMetadata=objects),
    of("reasoning", text=texts, providerMetadata=st.fixed_dictionaries({"anthropic": objects})),
    of("file", mediaType=texts, url=url, filename=texts),
    of("dynamic-tool", toolName=name, **vercel_tool),
    of("tool-find", **vercel_tool),
    of("tool-", **vercel_tool),
    of("source-url", sourceId=ids, url=url),
    of("data-weather", id=ids, data=any_result),
    of("step-start"),
    of("custom", kind=name),
    unknown,
)
vercel_ui_messages = short(
    st.fixed_dictionaries(
        {
            "id": texts,
            "role": st.sampled_from(["system", "user", "assistant"]),
            "parts": st.lists(vercel_part, max_size=4),
        },
        optional={"metadata": any_result | any_number},
    )
)
