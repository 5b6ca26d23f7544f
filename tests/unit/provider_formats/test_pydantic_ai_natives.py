"""What Pydantic AI has stored is read for every provider, without Pydantic AI: its JSON says it all."""

import json
from typing import Any

import pytest

from chat_persistence import MessageCreate
from chat_persistence.provider_formats import instructions_of, to_anthropic_messages, to_gemini_contents
from chat_persistence.provider_formats import to_openai_chat as to_chat
from chat_persistence.provider_formats import to_openai_responses as to_responses
from chat_persistence.provider_formats import to_vercel_ui_messages as to_vercel
from tests.unit.provider_formats.formats import FORMATS, Format

Part = dict[str, Any]


def request(*parts: Part, **fields: Any) -> MessageCreate:
    """Return a stored request of which nothing but its native is to be read."""
    return MessageCreate(role="assistant", native={"kind": "request", "parts": list(parts), **fields})


def response(*parts: Part) -> MessageCreate:
    return MessageCreate(role="assistant", native={"kind": "response", "parts": list(parts)})


def prompt(*content: Any) -> Part:
    return {"part_kind": "user-prompt", "content": content[0] if len(content) == 1 else list(content)}


def call(id: str, args: Any = None, kind: str = "tool-call") -> Part:
    return {"part_kind": kind, "tool_name": "look", "tool_call_id": id, "args": args}


def result(id: str, content: Any, kind: str = "tool-return", **fields: Any) -> Part:
    return {"part_kind": kind, "tool_name": "look", "tool_call_id": id, "content": content, **fields}


def said(text: str) -> Part:
    return {"part_kind": "text", "content": text}


def thinking(text: str, provider: str | None, signature: str | None = "c2ln", **fields: Any) -> Part:
    return {
        "part_kind": "thinking",
        "content": text,
        "provider_name": provider,
        "signature": signature,
        "id": None,
        **fields,
    }


PNG = {"kind": "binary", "data": "___-", "media_type": "image/png"}


def test_a_prompt_keeps_its_order_and_its_files() -> None:
    asked = prompt("Is this", {"kind": "text-content", "content": "this?", "metadata": {"no": 1}}, PNG, "Or that?")

    assert to_anthropic_messages([request(asked)]) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Is this"},
                {"type": "text", "text": "this?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "///+"}},
                {"type": "text", "text": "Or that?"},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("item", "arrived"),
    [
        (PNG, {"inlineData": {"mimeType": "image/png", "data": "///+"}}),
        (
            {"kind": "image-url", "url": "https://e.org/a", "media_type": "image/png"},
            {"fileData": {"fileUri": "https://e.org/a", "mimeType": "image/png"}},
        ),
        (
            {"kind": "audio-url", "url": "https://e.org/a.mp3", "media_type": None},
            {"fileData": {"fileUri": "https://e.org/a.mp3", "mimeType": "audio/mpeg"}},
        ),
        (
            {"kind": "video-url", "url": "data:video/mp4;base64,AAAA"},
            {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}},
        ),
        (
            {"kind": "document-url", "url": "https://e.org/a.pdf", "media_type": "application/pdf"},
            {"fileData": {"fileUri": "https://e.org/a.pdf", "mimeType": "application/pdf"}},
        ),
        (
            {"kind": "uploaded-file", "file_id": "gs://bucket/a", "media_type": "image/png", "provider_name": "google"},
            {"fileData": {"fileUri": "gs://bucket/a", "mimeType": "image/png"}},
        ),
    ],
)
def test_files_of_all_kinds_are_files(item: Part, arrived: Part) -> None:
    (content,) = to_gemini_contents([request(prompt("This?", item))])

    assert content["parts"] == [{"text": "This?"}, arrived]


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "cache-point", "ttl": "5m"},
        {"kind": "uploaded-file", "file_id": "file-1", "media_type": "image/png", "provider_name": "openai"},
        {"kind": "binary", "data": "", "media_type": "image/png"},
        {"kind": "image-url", "url": ""},
        {"kind": "hologram", "content": "No"},
        "",
        7,
    ],
)
def test_what_no_other_could_take_is_left_out(item: Any) -> None:
    assert to_gemini_contents([request(prompt("This?", item))]) == [{"role": "user", "parts": [{"text": "This?"}]}]


def test_a_system_prompt_is_no_persons_word() -> None:
    system = {"part_kind": "system-prompt", "content": "Be brief.", "scope": "conversation"}
    passing = {"part_kind": "system-prompt", "content": "Two calls are left.", "scope": "request"}
    message = request(system, system | {"content": "Be kind."}, passing, prompt("Hi"))

    assert to_chat([message]) == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
    ]
    assert to_anthropic_messages([message]) == [{"role": "user", "content": "Hi"}]
    assert instructions_of([message]) == "Be brief.\n\nBe kind."


def test_of_the_instructions_that_requests_were_sent_with_the_last_are_given_apart() -> None:
    messages = [
        request(prompt("Hi"), instructions="It is Monday."),
        response(said("Hello")),
        request(prompt("And now?"), instructions="It is Tuesday."),
    ]

    assert instructions_of(messages) == "It is Tuesday."
    assert instructions_of([*messages, request(prompt("Thanks"), instructions=None)]) == ""
    assert "Tuesday" not in json.dumps([target.write(messages) for target in FORMATS])


def test_a_result_has_its_tools_name_and_its_files() -> None:
    messages = [response(call("c1")), request(result("c1", [{"a": 1}, PNG, "b", "", None]))]

    assert to_anthropic_messages([request(prompt("Look")), *messages])[-1]["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "c1",
            "content": [
                {"type": "text", "text": '{"a": 1}'},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "///+"}},
                {"type": "text", "text": "b"},
                {"type": "text", "text": "null"},
            ],
        }
    ]


@pytest.mark.parametrize("args", [{"to": "Rome"}, '{"to": "Rome"}'])
def test_arguments_are_as_each_provider_has_them(args: Any) -> None:
    messages = [request(prompt("Look")), response(said("I look."), call("c1", args)), request(result("c1", {"at": 9}))]

    called = {"role": "assistant", "content": "I look."}
    function = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"to": "Rome"}'}
    output = {"type": "function_call_output", "call_id": "c1", "output": '{"at": 9}'}
    assert to_responses(messages)[1:] == [called, function, output]
    assert to_gemini_contents(messages)[1]["parts"][1]["functionCall"]["args"] == {"to": "Rome"}


@pytest.mark.parametrize("outcome", ["failed", "retried"])
@pytest.mark.parametrize("kind", ["tool-return", "retry-prompt"])
def test_a_failure_is_one(kind: str, outcome: str) -> None:
    failed = result("c1", "No such train.", kind, outcome=outcome)
    (_, _, answer) = to_anthropic_messages([request(prompt("Look")), response(call("c1")), request(failed)])

    assert answer["content"] == [
        {"type": "tool_result", "tool_use_id": "c1", "content": "No such train.", "is_error": True}
    ]


def test_a_denial_is_no_failure() -> None:
    denied = result("c1", "The user said no.", outcome="denied")
    answer = to_anthropic_messages([request(prompt("Look")), response(call("c1")), request(denied)])[-1]

    assert answer["content"] == [{"type": "tool_result", "tool_use_id": "c1", "content": "The user said no."}]


ERRORS = [{"type": "missing", "loc": ["to"], "msg": "Field required", "input": {}, "ctx": {"secret": 1}}]


@pytest.mark.parametrize("target", FORMATS, ids=str)
@pytest.mark.parametrize("kind", ["retry-prompt", "retry-feedback"])
@pytest.mark.parametrize(("content", "told"), [("Be polite.", "Be polite."), (ERRORS, "Field required")])
def test_feedback_on_an_answer_is_told_as_automated(target: Format, kind: str, content: Any, told: str) -> None:
    feedback = {"part_kind": kind, "content": content, "tool_name": None, "tool_call_id": "none"}
    items = target.write([request(prompt("Hi")), response(said("Go away")), request(feedback)])

    target.check(items)
    written = json.dumps(items[-1])
    assert told in written
    assert "automated feedback" in written
    assert "secret" not in written


def test_a_summary_stands_for_what_it_sums_up() -> None:
    summary = {"part_kind": "compaction", "content": "A train to Rome was booked."}
    providers = {"part_kind": "compaction", "content": None, "provider_name": "openai"}

    (item,) = to_chat([request(summary), response(providers)])

    assert item["role"] == "user"
    assert "A train to Rome was booked." in item["content"]
    assert "summary of the earlier conversation" in item["content"]


def test_what_was_spoken_is_read() -> None:
    speech = {"part_kind": "speech", "speaker": "user", "transcript": "Hi", "audio": None}
    unheard = {"part_kind": "speech", "speaker": "user", "transcript": None, "audio": PNG | {"media_type": "audio/wav"}}
    answer = {"part_kind": "speech", "speaker": "assistant", "transcript": "Hello"}

    assert to_gemini_contents([request(speech, unheard), response(answer)]) == [
        {"role": "user", "parts": [{"text": "Hi"}, {"inlineData": {"mimeType": "audio/wav", "data": "///+"}}]},
        {"role": "model", "parts": [{"text": "Hello"}]},
    ]


def thought(provider: str | None, **fields: Any) -> list[MessageCreate]:
    return [request(prompt("Hi")), response(thinking("Hm.", provider, **fields), said("Hello"))]


def test_thoughts_are_given_back_to_their_own_provider() -> None:
    google = {"provider_details": {"thought_signature": "Z29v"}}

    assert to_anthropic_messages(thought("anthropic"))[1]["content"][0] == {
        "type": "thinking",
        "thinking": "Hm.",
        "signature": "c2ln",
    }
    assert to_gemini_contents(thought("google-gla", **google))[1]["parts"][0] == {
        "text": "Hm.",
        "thought": True,
        "thoughtSignature": "Z29v",
    }
    assert to_responses(thought("openai", id="rs_1"))[1] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": "c2ln",
    }


def test_the_summaries_of_one_thought_of_openais_are_together() -> None:
    second = thinking("So.", "openai", None, id="rs_1")
    (_, item, _) = to_responses(
        [request(prompt("Hi")), response(thinking("Hm.", "openai", id="rs_1"), second, said("Hello"))]
    )

    assert [part["text"] for part in item["summary"]] == ["Hm.", "So."]


@pytest.mark.parametrize("target", [FORMATS[1], FORMATS[2], FORMATS[3]], ids=str)
@pytest.mark.parametrize(
    ("provider", "fields"),
    [
        ("bedrock", {}),
        ("azure", {"id": "rs_1"}),
        (None, {}),
        ("anthropic", {"id": "redacted_thinking"}),
        ("anthropic", {"signature": ""}),
        # Of the part that comes next.
        ("google", {}),
    ],
)
def test_a_signature_that_nobody_else_knows_stays_behind(target: Format, provider: str, fields: Part) -> None:
    items = target.write(thought(provider, **fields))

    target.check(items)
    assert "Hm." not in json.dumps(items)
    assert "c2ln" not in json.dumps(items)


def test_what_a_model_thought_is_shown_where_there_are_thoughts() -> None:
    assert to_vercel(thought("deepseek"))[1]["parts"][0] == {"type": "reasoning", "text": "Hm."}


def test_what_ran_at_the_provider_is_a_call_with_its_result() -> None:
    ran = response(
        said("I look."),
        call("s1", {"q": "Rome"}, "builtin-tool-call"),
        result("s1", ["A city"], "builtin-tool-return"),
        said("A city."),
    )

    assert to_responses([ran]) == [
        {"role": "assistant", "content": "I look."},
        {"type": "function_call", "call_id": "s1", "name": "look", "arguments": '{"q": "Rome"}'},
        {"type": "function_call_output", "call_id": "s1", "output": '["A city"]'},
        {"role": "assistant", "content": "A city."},
    ]


@pytest.mark.parametrize("half", [call("s1", {}, "builtin-tool-call"), result("s1", "A", "builtin-tool-return")])
def test_what_ran_at_the_provider_and_is_told_by_half_is_left_out(half: Part) -> None:
    assert to_responses([response(half, said("A city."))]) == [{"role": "assistant", "content": "A city."}]


def test_a_file_that_the_model_made_is_the_assistants() -> None:
    (item,) = to_vercel([response({"part_kind": "file", "content": PNG}, said("Here."))])

    assert item["parts"][0] == {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64,///+"}


@pytest.mark.parametrize("broken", [call(""), call("\ud800"), call("c1") | {"tool_name": ""}])
def test_a_call_that_can_have_no_answer_is_left_out_with_it(broken: Part) -> None:
    answer = result(broken["tool_call_id"], "A", tool_name=broken["tool_name"])

    assert to_responses([response(said("I look."), broken), request(answer)]) == [
        {"role": "assistant", "content": "I look."}
    ]


def test_the_tool_calls_that_a_run_waits_for_are_no_hindrance() -> None:
    waiting = request(prompt("Hi"), deferred_tool_requests={"calls": [], "approvals": []})

    assert to_chat([waiting]) == [{"role": "user", "content": "Hi"}]


def test_what_an_agent_notes_for_itself_is_not_said() -> None:
    notes: list[Part] = [
        {"part_kind": "instruction-delta", "id": "agent", "content": "Be brief."},
        {"part_kind": "tool-availability-delta", "tools_added": ["look"]},
        {"part_kind": "a-later-versions", "content": "?"},
    ]

    assert to_chat([request(*notes, prompt("Hi"))]) == [{"role": "user", "content": "Hi"}]
