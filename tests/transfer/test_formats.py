"""What each format makes of a realistic file."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chat_persistence import ABSENT, ConversationLoad, InvalidInput, MessageLoad, ToolCall
from chat_persistence.transfer import ChatGPTExport, ClaudeExport, OpenAIChat, ShareGPT
from chat_persistence.transfer.records import Format
from tests.transfer.reading import SAMPLES, bad, conversations, lines, read, sample, seen

ADA = "ada"


class TestOpenAI:
    @pytest.fixture
    def found(self) -> list[ConversationLoad]:
        return sample("openai.jsonl", OpenAIChat(user_id=ADA))

    def test_a_person_sees_what_was_said(self, found: list[ConversationLoad]) -> None:
        assert [seen(conversation.messages) for conversation in found] == [
            [("user", "A train to Rome, please"), ("assistant", "Booked: 12A.")],
            [("user", "What is this?"), ("assistant", "I cannot help with that.")],
            [("user", "Weather in Boston?"), ("assistant", "Sunny.")],
        ]

    def test_calls_and_their_results_belong_together(self, found: list[ConversationLoad]) -> None:
        calls = [[call for message in each.messages for call in message.tool_calls] for each in found]
        assert calls == [
            [ToolCall("call_1", "book", '{"to": "Rome"}'), ToolCall("call_1", result='{"seat": "12A"}')],
            [],
            [ToolCall("weather", "weather", '{"city": "Boston"}'), ToolCall("weather", result="sunny")],
        ]

    def test_the_line_can_be_made_again(self, found: list[ConversationLoad]) -> None:
        originals = [json.loads(line) for line in (SAMPLES / "openai.jsonl").read_text().splitlines() if line]
        assert [_original(conversation) for conversation in found] == originals

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("[]", "not a JSON object"),
            ('{"prompt": "secret"}', "messages: Field required"),
            ('{"messages": []}', "messages: List should have at least 1 item after validation, not 0"),
            ('{"messages": [{"content": "secret"}]}', "messages[0].role: Field required"),
            (
                '{"messages": [{"role": "user", "content": 7}]}',
                "messages[0].content: must be a text, a list of parts, or null",
            ),
            ('{"messages": ["secret"', "not JSON"),
            ("[" * 100_000, "nested too deeply"),
            (f'{{"messages": {"9" * 5000}}}', "an integer of more than 4,300 digits"),
        ],
    )
    def test_a_bad_line_is_named_without_its_text(self, line: str, reason: str) -> None:
        good = lines({"messages": [{"role": "user", "content": "Hi"}]})
        records = read(OpenAIChat(user_id=ADA), f"{good}\n{line}\n{good}")
        assert bad(records) == [("line 3", reason)]
        assert len(records) == 3


def _original(conversation: ConversationLoad) -> dict[str, Any]:
    messages = [
        message.native or {"role": message.role.value, "content": message.content} for message in conversation.messages
    ]
    return {"messages": messages, **conversation.metadata["imported"].get("native", {})}


class TestShareGPT:
    def test_a_person_sees_what_was_said(self) -> None:
        found = sample("sharegpt.json", ShareGPT(user_id=ADA))
        assert [seen(conversation.messages) for conversation in found] == [
            [("user", "Summarise the tale of the ant."), ("assistant", "An ant worked all summer.")],
            [("user", "2 + 2?"), ("assistant", "Four.")],
        ]

    def test_what_is_not_seen_is_kept(self) -> None:
        _, tools = sample("sharegpt.json", ShareGPT(user_id=ADA))
        originals = json.loads((SAMPLES / "sharegpt.json").read_text())[1]
        kept = [message.native for message in tools.messages if not message.content]
        assert kept == [originals["conversations"][place] for place in (0, 2, 3)]
        assert tools.metadata["imported"]["native"]["tools"] == originals["tools"]

    def test_an_array_and_lines_are_the_same_conversations(self) -> None:
        values = json.loads((SAMPLES / "sharegpt.json").read_text())
        as_lines = conversations(read(ShareGPT(user_id=ADA), "\ufeff \n" + lines(*values)))
        assert as_lines == sample("sharegpt.json", ShareGPT(user_id=ADA))


class TestClaude:
    @pytest.fixture
    def found(self) -> list[ConversationLoad]:
        return sample("claude.json", ClaudeExport(user_id=ADA))

    def test_the_newest_branch_is_the_conversation_and_the_other_its_fork(self, found: list[ConversationLoad]) -> None:
        newest, other, *_ = found
        question = ("user", "Which train is the fastest?")
        assert seen(newest.messages) == [question, ("assistant", "The FR 9514 is as fast.")]
        assert seen(other.messages) == [question, ("assistant", "Let me look.\nThe FR 9512.")]
        assert (other.forked_from, other.forked_position) == (newest.id, 1)

    def test_a_call_has_the_result_that_follows_it(self, found: list[ConversationLoad]) -> None:
        (call,) = found[1].messages[1].tool_calls
        assert (call.name, call.arguments) == ("web_search", '{"query": "fast trains"}')
        assert call.result == [{"type": "knowledge", "title": "Trains"}]

    def test_attachments_are_kept(self, found: list[ConversationLoad]) -> None:
        question = found[0].messages[0]
        assert question.native["attachments"][0]["extracted_content"] == "FR 9512 08:00"

    def test_an_older_export_has_no_parents_and_is_told_in_its_order(self, found: list[ConversationLoad]) -> None:
        assert seen(found[2].messages) == [("user", "Hello?"), ("assistant", "Hello!")]
        assert found[2].title is None

    def test_times_and_titles_are_its_own(self, found: list[ConversationLoad]) -> None:
        assert found[0].title == "Trains to Rome"
        assert found[0].created_at == datetime(2025, 3, 4, 9, 10, 11, 123456, tzinfo=UTC)
        assert _said_at(found[0]) == [
            datetime(2025, 3, 4, 9, 10, 11, 200000, tzinfo=UTC),
            datetime(2025, 3, 4, 9, 11, 20, tzinfo=UTC),
        ]

    def test_a_conversation_without_messages_is_one(self, found: list[ConversationLoad]) -> None:
        assert found[3].messages == ()


def _said_at(conversation: ConversationLoad) -> list[datetime | None]:
    return [message.created_at for message in conversation.messages if isinstance(message, MessageLoad)]


class TestChatGPT:
    @pytest.fixture
    def found(self) -> list[ConversationLoad]:
        return sample("chatgpt.json", ChatGPTExport(user_id=ADA))

    def test_the_current_branch_is_the_conversation_and_an_edit_its_fork(self, found: list[ConversationLoad]) -> None:
        current, other = found
        start = [("user", "How many wheels?"), ("assistant", "Eight.")]
        assert seen(current.messages) == [*start, ("user", "And axles, in words?"), ("assistant", "Four.")]
        assert seen(other.messages) == [*start, ("user", "And axles?"), ("assistant", "Three.")]
        assert (other.forked_from, other.forked_position) == (current.id, 7)
        assert other.messages[:7] != current.messages[:7], "each has ids of its own"

    def test_what_a_person_does_not_see_is_kept_and_weight_0_is_not(self, found: list[ConversationLoad]) -> None:
        unseen = [message.native["id"] for message in found[0].messages if not message.content]
        assert unseen == ["ctx", "th", "call", "out", "recap"]
        assert all(message.role.value == "assistant" for message in found[0].messages if not message.content)

    def test_a_tool_answers_its_call(self, found: list[ConversationLoad]) -> None:
        calls = [call for message in found[0].messages for call in message.tool_calls]
        assert calls == [ToolCall("call", "python", "print(2 * 4)"), ToolCall("call", result="8")]
        assert calls[0].result is ABSENT

    def test_times_and_titles_are_its_own(self, found: list[ConversationLoad]) -> None:
        current = found[0]
        assert current.title == "Wheels of a wagon"
        assert current.created_at == datetime.fromtimestamp(1741079411.25, UTC)
        assert current.updated_at == current.archived_at == datetime.fromtimestamp(1741079482.75, UTC)
        assert _said_at(current)[0] is None

    def test_ids_keep_the_order_of_time(self, found: list[ConversationLoad]) -> None:
        known = [message for message in found[0].messages if isinstance(message, MessageLoad) and message.created_at]
        assert [message.id.version for message in known] == [7] * len(known)
        assert [message.id for message in known] == sorted(message.id for message in known)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"mapping": {}}, "mapping: Dictionary should have at least 1 item after validation, not 0"),
            ({"create_time": "secret"}, "create_time: Input should be a valid datetime or date, input is too short"),
            ({"create_time": 1e300}, "create_time: must be seconds since 1970, in the years 1 to 9999"),
            ({"mapping": {"secret": {"message": {"content": {}}}}}, "[0].message.author: Field required"),
            ({"mapping": {"secret": {"parent": "secret"}}, "current_node": "secret"}, "a message is its own ancestor"),
        ],
    )
    def test_a_bad_conversation_is_named_and_the_next_one_read(self, change: dict[str, Any], reason: str) -> None:
        (good,) = json.loads((SAMPLES / "chatgpt.json").read_text())
        records = read(ChatGPTExport(user_id=ADA), json.dumps([good, good | change, good]))
        assert bad(records) == [("item 2", reason)]
        assert len(records) == 5


FORMATS: list[tuple[type[Any], str]] = [
    (OpenAIChat, "openai.jsonl"),
    (ShareGPT, "sharegpt.json"),
    (ClaudeExport, "claude.json"),
    (ChatGPTExport, "chatgpt.json"),
]


@pytest.mark.parametrize(("format", "name"), FORMATS)
def test_the_same_file_has_the_same_ids_and_another_users_others(format: type[Any], name: str) -> None:
    def ids(user_id: str) -> set[Any]:
        reader: Format = format(user_id=user_id)
        found = sample(name, reader)
        return {each.id for each in found} | {message.id for each in found for message in each.messages}

    assert ids("ada") == ids("ada")
    assert not ids("ada") & ids("grace")


@pytest.mark.parametrize("format", [format for format, _ in FORMATS])
def test_a_user_who_cannot_be_one_is_refused_at_once(format: type[Any]) -> None:
    with pytest.raises(InvalidInput):
        format(user_id="")
