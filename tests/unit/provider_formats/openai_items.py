"""Items of OpenAI's two formats as they come: right, odd, and with what nobody knows yet."""

from base64 import b64encode
from typing import Any

from hypothesis import strategies as st

from tests.integration.test_any_text import any_json, any_text

Item = st.SearchStrategy[dict[str, Any]]

names = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
base64 = st.binary(max_size=12).map(lambda data: b64encode(data).decode())
urls = st.integers(0, 99).map(lambda number: f"https://example.org/{number}.png")
data_urls = st.builds("data:{};base64,{}".format, st.sampled_from(["image/png", "application/pdf"]), base64)
unknown_keys = st.dictionaries(st.sampled_from(["hologram", "prompt_cache_breakpoint"]), any_json, max_size=1)
unknown_parts = st.builds(lambda rest: {"type": "hologram", **rest}, st.dictionaries(any_text, any_json, max_size=2))


def records(required: dict[str, Any], **optional: Any) -> Item:
    """Return objects of these keys, those of one value being given as it is."""
    strategies = {key: each if isinstance(each, st.SearchStrategy) else st.just(each) for key, each in required.items()}
    return st.builds(
        lambda known, unknown: {**unknown, **known}, st.fixed_dictionaries(strategies, optional=optional), unknown_keys
    )


def lists(*items: Item) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.one_of(*items), max_size=3)


# Chat Completions

text_parts = records({"type": "text", "text": any_text})
image_parts = records(
    {"type": "image_url", "image_url": records({"url": urls | data_urls}, detail=st.just("low"))},
)
audio_parts = records(
    {"type": "input_audio", "input_audio": records({"data": base64, "format": st.sampled_from(["mp3", "wav"])})},
)
file_parts = records(
    {"type": "file", "file": records({"file_data": data_urls}, filename=any_text) | records({"file_id": "file-1"})},
)
refusal_parts = records({"type": "refusal", "refusal": any_text})
user_contents = any_text | lists(text_parts, image_parts, audio_parts, file_parts, unknown_parts)
assistant_contents = st.none() | any_text | lists(text_parts, refusal_parts, unknown_parts)

function_calls = records({"id": names, "type": "function", "function": records({"name": names, "arguments": any_text})})
custom_calls = records({"id": names, "type": "custom", "custom": records({"name": names, "input": any_text})})

chat_messages = st.one_of(
    records({"role": st.sampled_from(["system", "developer"]), "content": any_text | lists(text_parts)}, name=names),
    records({"role": "user", "content": user_contents}, name=names),
    records(
        {"role": "assistant"},
        content=assistant_contents,
        refusal=st.none() | any_text,
        tool_calls=st.none() | lists(function_calls, custom_calls),
        function_call=st.none() | records({"name": names, "arguments": any_text}),
        audio=st.none() | records({"id": names}, transcript=any_text),
        annotations=st.lists(any_json, max_size=1),
        reasoning_content=st.none() | any_text,
    ),
    records({"role": "tool", "tool_call_id": names, "content": any_text | lists(text_parts)}),
    records({"role": "function", "name": names, "content": st.none() | any_text}),
)

# Responses

input_texts = records({"type": "input_text", "text": any_text})
input_images = records({"type": "input_image", "detail": "auto"}, image_url=st.none() | urls | data_urls)
input_files = records({"type": "input_file"}, file_data=data_urls | base64, file_url=urls, filename=any_text)
output_texts = records({"type": "output_text", "text": any_text, "annotations": st.lists(any_json, max_size=1)})
input_contents = any_text | lists(input_texts, input_images, input_files, unknown_parts)
outputs = any_text | lists(input_texts, input_images, input_files, unknown_parts)
summaries = lists(records({"type": "summary_text", "text": any_text}))
statuses = st.none() | st.sampled_from(["in_progress", "completed", "incomplete"])

responses_items = st.one_of(
    records({"role": st.sampled_from(["user", "system", "developer"]), "content": input_contents}),
    records({"type": "message", "role": "user", "content": lists(input_texts, input_images)}, status=statuses),
    records({"role": "assistant", "content": any_text}, phase=st.just("commentary")),
    records(
        {"type": "message", "id": names, "role": "assistant", "content": lists(output_texts, refusal_parts)},
        status=statuses,
    ),
    records(
        {"type": "reasoning", "id": names, "summary": summaries},
        encrypted_content=st.none() | base64,
        content=st.none() | lists(records({"type": "reasoning_text", "text": any_text})),
    ),
    records(
        {"type": "function_call", "call_id": names, "name": names, "arguments": any_text},
        id=names,
        status=statuses,
        namespace=names,
    ),
    records({"type": "custom_tool_call", "call_id": names, "name": names, "input": any_text}),
    records(
        {
            "type": st.sampled_from(["function_call_output", "custom_tool_call_output"]),
            "call_id": names,
            "output": outputs,
        },
    ),
    records({"type": "computer_call", "id": names, "call_id": names, "action": any_json, "status": "completed"}),
    records(
        {
            "type": "computer_call_output",
            "call_id": names,
            "output": records({"type": "computer_screenshot"}, image_url=data_urls),
        },
    ),
    records({"type": "local_shell_call", "id": names, "call_id": names, "action": any_json, "status": "completed"}),
    records({"type": "local_shell_call_output", "id": names, "output": any_text}),
    records({"type": "shell_call", "call_id": names, "action": any_json}),
    records({"type": "shell_call_output", "call_id": names, "output": st.lists(any_json, max_size=2)}),
    records({"type": "apply_patch_call", "call_id": names, "operation": any_json, "status": "completed"}),
    records({"type": "apply_patch_call_output", "call_id": names, "status": "failed"}, output=any_text),
    records(
        {"type": "mcp_call", "id": names, "name": names, "server_label": names, "arguments": any_text},
        output=st.none() | any_text,
        error=st.none() | any_json,
    ),
    records({"type": "code_interpreter_call", "id": names, "code": st.none() | any_text}, outputs=any_json),
    records({"type": "file_search_call", "id": names, "queries": st.lists(any_text, max_size=2)}, results=any_json),
    records({"type": "web_search_call", "id": names, "status": "completed"}, action=any_json),
    records({"type": "image_generation_call", "id": names, "result": st.none() | base64}),
    records({"type": "mcp_approval_response", "approval_request_id": names, "approve": st.booleans()}),
    records({"type": "item_reference", "id": names}),
    records({"type": "compaction", "id": names, "encrypted_content": base64}),
    records({"type": "hologram_call", "id": names, "light": any_json}),
)
