"""An import: what is stored of a file, what is repeated, what is bad, and what it costs."""

import asyncio
import gzip
import json
import tracemalloc
import zipfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_persistence import ChatStore, ConversationLoad, InvalidInput, MessageCreate, UserChats
from chat_persistence.errors import ImportStopped
from chat_persistence.transfer import (
    BadRecord,
    ChatGPTExport,
    FileSource,
    FoundConversation,
    ImportReport,
    OpenAIChat,
    ReadProgress,
    import_conversations,
)
from chat_persistence.transfer.importing import MAX_BAD_TOLD
from chat_persistence.transfer.records import Record
from tests.transfer.dialogues import (
    FORMATS,
    Dialogue,
    Node,
    as_chatgpt,
    as_openai,
    chatgpt_tree,
    dialogues,
    said,
)
from tests.transfer.reading import Line, seen, stored

BRIEF = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

HELLO: Dialogue = [("user", "Hello?"), ("assistant", "Hello!")]
BYE: Dialogue = [("user", "Bye")]
TOO_LONG: Dialogue = [("user", "x" * 1_000_001)]


LENGTHS = """
SELECT message_count,
    (SELECT count(*) FROM messages AS m WHERE (m.user_id, m.conversation_id) = (c.user_id, c.id))
FROM conversations AS c WHERE user_id = $1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "conversations.json"


async def import_openai(store: ChatStore, user_id: str, file: Path, written: str, **options: Any) -> ImportReport:
    file.write_text(written)
    return await import_conversations(store, FileSource(file, OpenAIChat(user_id=user_id)), **options)


async def histories(chat: UserChats) -> list[list[Line]]:
    return sorted(seen(messages) for _, messages in await stored(chat))


class TestAnyDialogue:
    @pytest.mark.parametrize("format", FORMATS)
    @given(told=dialogues)
    @BRIEF
    async def test_it_comes_back_equal_however_often_it_is_imported(
        self, store: ChatStore, file: Path, format: str, told: list[Dialogue]
    ) -> None:
        write, reader = FORMATS[format]
        user_id = f"user-{uuid4()}"
        file.write_text(write(told))

        first = await import_conversations(store, FileSource(file, reader(user_id)))
        second = await import_conversations(store, FileSource(file, reader(user_id)))

        # Those without ids are told apart by what they say.
        expected = [list(each) for each in told]
        if format in ("openai", "sharegpt"):
            expected = [each for place, each in enumerate(expected) if each not in expected[:place]]
        assert await histories(store.for_user(user_id)) == sorted(expected)
        assert first.conversations_stored == second.conversations_present - (len(told) - len(expected)) == len(expected)
        assert (second.conversations_stored, second.messages_stored) == (0, 0)

    @given(nodes=st.lists(st.tuples(st.integers(0, 6), said, st.sampled_from([1.0, 1.0, 0.0])), min_size=1, max_size=8))
    @BRIEF
    async def test_every_branch_of_a_tree_is_a_conversation(
        self, store: ChatStore, file: Path, nodes: list[tuple[int, Line, float]]
    ) -> None:
        user_id = f"user-{uuid4()}"
        tree = {
            str(place): Node(str(above % place) if place else None, *line, weight=weight)
            for place, (above, line, weight) in enumerate(nodes)
        }
        file.write_text(json.dumps([chatgpt_tree("tree", tree)]))

        await import_conversations(store, FileSource(file, ChatGPTExport(user_id=user_id)))

        found = await stored(store.for_user(user_id))
        (main,) = [seen(messages) for conversation, messages in found if conversation.forked_from is None]
        assert main == [line for _, line in path_of(tree, str(len(nodes) - 1))]
        assert sorted(seen(messages) for _, messages in found) == sorted(branches_of(tree))
        for conversation, messages in found:
            shared = conversation.forked_position
            assert shared is None or seen(messages)[:shared] == main[:shared]


def path_of(tree: dict[str, Node], leaf: str) -> list[tuple[str, Line]]:
    path: list[tuple[str, Line]] = []
    key: str | None = leaf
    while key is not None:
        node = tree[key]
        path = [*([(key, (node.role, node.text))] if node.weight else []), *path]
        key = node.parent
    return path


def branches_of(tree: dict[str, Node]) -> list[list[Line]]:
    """Return the paths that end nowhere within another one, and the current one."""
    current = path_of(tree, next(reversed(tree)))
    paths = {tuple(path_of(tree, leaf)) for leaf in tree}
    whole = [path for path in paths if not any(path == other[: len(path)] != other for other in paths)]
    if tuple(current) not in whole:
        whole.append(tuple(current))
    return [[line for _, line in path] for path in whole if path or path == tuple(current)]


class TestWhatIsRepeated:
    async def test_a_file_with_one_line_more_stores_one_conversation_more(
        self, store: ChatStore, chat: UserChats, user_id: str, file: Path
    ) -> None:
        await import_openai(store, user_id, file, as_openai([HELLO]))
        report = await import_openai(store, user_id, file, as_openai([HELLO, BYE]))

        assert (report.conversations_stored, report.conversations_present) == (1, 1)
        assert await histories(chat) == sorted([list(HELLO), list(BYE)])

    async def test_equal_lines_are_one_conversation_in_whatever_file(
        self, store: ChatStore, chat: UserChats, user_id: str, file: Path, tmp_path: Path
    ) -> None:
        await import_openai(store, user_id, file, as_openai([HELLO, HELLO]))
        again = json.dumps({"messages": [{"content": text, "role": role} for role, text in HELLO]}, indent=None)
        await import_openai(store, user_id, tmp_path / "other.jsonl", f" {again} \n")

        assert await histories(chat) == [list(HELLO)]

    async def test_users_share_a_file_and_nothing_else(
        self, store: ChatStore, chat: UserChats, user_id: str, file: Path
    ) -> None:
        await import_openai(store, user_id, file, as_openai([HELLO]))
        neighbour = store.for_user(f"{user_id}-neighbour")
        assert await stored(neighbour) == []

        await import_openai(store, f"{user_id}-neighbour", file, as_openai([HELLO]))
        ((theirs, _),) = await stored(neighbour)
        await neighbour.conversations.delete(theirs.id)

        assert await histories(chat) == [list(HELLO)]


class TestWhatIsBad:
    @given(lines=st.lists(st.sampled_from(["good", "broken", "too long", "not a number"]), max_size=8))
    @BRIEF
    async def test_it_is_told_with_its_line_and_the_good_is_stored(
        self, store: ChatStore, file: Path, lines: list[str]
    ) -> None:
        user_id = f"user-{uuid4()}"
        written = "".join(line_of(kind, number) for number, kind in enumerate(lines))
        report = await import_openai(store, user_id, file, written, on_error="skip")

        expected = [f"line {number}" for number, kind in enumerate(lines, 1) if kind != "good"]
        assert sorted(record.place for record in report.bad) == sorted(expected)
        assert report.bad_count == len(expected)
        assert len(await stored(store.for_user(user_id))) == lines.count("good")

    async def test_it_stops_the_import_where_it_stands(
        self, store: ChatStore, chat: UserChats, user_id: str, file: Path
    ) -> None:
        written = as_openai([HELLO]) + "secret\n" + as_openai([BYE])
        with pytest.raises(ImportStopped) as caught:
            await import_openai(store, user_id, file, written)

        assert (caught.value.place, caught.value.reason) == ("line 2", "not JSON")
        assert await histories(chat) == [list(HELLO)]

    async def test_what_the_store_refuses_stops_it_too_and_tells_nobody_what_it_was(
        self, store: ChatStore, chat: UserChats, user_id: str, file: Path
    ) -> None:
        with pytest.raises(ImportStopped) as caught:
            await import_openai(store, user_id, file, as_openai([HELLO, TOO_LONG, BYE]))

        assert str(caught.value) == "line 2: messages[0].content: longer than 1000000 characters"
        assert await histories(chat) == [list(HELLO)]

    async def test_mended_it_goes_on_where_it_stopped(
        self, store: ChatStore, chat: UserChats, user_id: str, file: Path
    ) -> None:
        with pytest.raises(ImportStopped):
            await import_openai(store, user_id, file, as_openai([HELLO, TOO_LONG]))
        report = await import_openai(store, user_id, file, as_openai([HELLO, BYE]))

        assert (report.conversations_present, report.conversations_stored) == (1, 1)

    async def test_a_conversation_whose_message_is_stored_elsewhere_is_refused_alone(
        self, store: ChatStore, chat: UserChats, user_id: str
    ) -> None:
        message = MessageCreate(role="user", content="Hi")
        loads = [ConversationLoad(user_id=user_id, id=uuid4(), messages=[message]) for _ in range(2)]
        loads.append(ConversationLoad(user_id=user_id, id=uuid4()))

        report = await import_conversations(store, Given(loads), on_error="skip")

        assert report.conversations_stored == 2
        assert [record.place for record in report.bad] == ["given 2"]
        assert str(message.id) in report.bad[0].reason

    async def test_what_to_do_of_it_is_one_of_two(self, store: ChatStore, user_id: str, file: Path) -> None:
        with pytest.raises(InvalidInput, match="on_error"):
            await import_openai(store, user_id, file, "", on_error="ignore")

    async def test_nothing_is_too_deep_to_be_told(self, store: ChatStore, user_id: str, file: Path) -> None:
        depths = [60, 900, 990, 100_000]
        written = "".join(
            f'{{"messages": [{{"role": "user", "content": "Hi"}}], "x": {"[" * depth}{"]" * depth}}}\n'
            for depth in depths
        )
        report = await import_openai(store, user_id, file, written, on_error="skip")

        assert report.conversations_stored == 1
        assert sorted(record.place for record in report.bad) == ["line 2", "line 3", "line 4"]

    async def test_of_many_only_the_first_are_kept_and_all_are_counted(
        self, store: ChatStore, user_id: str, file: Path
    ) -> None:
        report = await import_openai(store, user_id, file, "x\n" * (MAX_BAD_TOLD + 7), on_error="skip")

        assert (report.bad_count, len(report.bad)) == (MAX_BAD_TOLD + 7, MAX_BAD_TOLD)

    async def test_more_branches_than_it_takes_are_told(
        self, store: ChatStore, chat: UserChats, user_id: str, file: Path
    ) -> None:
        tree = {"root": Node(None, "user", "Hi")} | {
            str(number): Node("root", "assistant", f"reply {number}") for number in range(105)
        }
        file.write_text(json.dumps([chatgpt_tree("tree", tree)]))
        report = await import_conversations(store, FileSource(file, ChatGPTExport(user_id=user_id)), on_error="skip")

        assert report.conversations_stored == 101
        assert report.bad[0].reason.startswith("more than 100 branches")


class Given:
    """A source of what it is given."""

    def __init__(self, conversations: list[ConversationLoad]) -> None:
        self._conversations = conversations
        self.progress = ReadProgress()

    async def records(self) -> AsyncGenerator[Record, None]:
        for place, conversation in enumerate(self._conversations, 1):
            yield FoundConversation(f"given {place}", conversation)


def line_of(kind: str, number: int) -> str:
    texts: dict[str, Any] = {"good": f"{number}", "too long": "x" * 1_000_001, "not a number": float("nan")}
    return '{"messages": [\n' if kind == "broken" else as_openai([[("user", texts[kind])]])


class TestFiles:
    @pytest.fixture
    def export(self) -> str:
        return as_chatgpt([HELLO, BYE])

    async def test_a_zip_is_read_without_unpacking(
        self, store: ChatStore, chat: UserChats, user_id: str, file: Path, export: str
    ) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("user.json", '{"email": "ada@example.org"}')
            archive.writestr("export/conversations-001.json", "[1]")
            archive.writestr("export/conversations-000.json", export)

        source = FileSource(file, ChatGPTExport(user_id=user_id))
        report = await import_conversations(store, source, on_error="skip")

        assert await histories(chat) == sorted([list(HELLO), list(BYE)])
        assert [record.place for record in report.bad] == ["conversations-001.json, item 1"]

    async def test_a_gzip_is_read_as_it_is(
        self, store: ChatStore, chat: UserChats, user_id: str, file: Path, export: str
    ) -> None:
        file.write_bytes(gzip.compress(export.encode()))

        await import_conversations(store, FileSource(file, ChatGPTExport(user_id=user_id)))

        assert await histories(chat) == sorted([list(HELLO), list(BYE)])

    async def test_an_archive_that_is_cut_off_is_bad_from_there_on(
        self, store: ChatStore, chat: UserChats, user_id: str, file: Path
    ) -> None:
        whole = gzip.compress(as_openai([[("user", f"{number}")] for number in range(1000)]).encode())
        file.write_bytes(whole[: len(whole) // 2])
        report = await import_conversations(store, FileSource(file, OpenAIChat(user_id=user_id)), on_error="skip")

        assert report.bad[-1] == BadRecord("the file", "it cannot be read on (EOFError)")
        assert 0 < report.conversations_stored < 1000

    @pytest.mark.parametrize("content", [b"PK\x03\x04 and no archive", b"\x1f\x8b and no gzip"])
    async def test_what_only_begins_like_an_archive_is_bad(
        self, store: ChatStore, user_id: str, file: Path, content: bytes
    ) -> None:
        file.write_bytes(content)

        with pytest.raises(ImportStopped, match="cannot be read on"):
            await import_conversations(store, FileSource(file, OpenAIChat(user_id=user_id)))

    async def test_an_archive_without_conversations_is_bad(self, store: ChatStore, user_id: str, file: Path) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("chat.html", "")

        with pytest.raises(ImportStopped, match="it holds no"):
            await import_conversations(store, FileSource(file, ChatGPTExport(user_id=user_id)))

    async def test_a_file_that_is_not_there_is_named_so(self, store: ChatStore, user_id: str, file: Path) -> None:
        with pytest.raises(InvalidInput, match="No such file"):
            await import_conversations(store, FileSource(file, OpenAIChat(user_id=user_id)))

    async def test_an_empty_file_has_no_conversations(self, store: ChatStore, user_id: str, file: Path) -> None:
        assert await import_openai(store, user_id, file, "") == ImportReport()


class TestWhatItCosts:
    async def test_its_progress_ends_where_the_file_does(self, store: ChatStore, user_id: str, file: Path) -> None:
        told: list[tuple[int, ReadProgress]] = []
        await import_openai(
            store,
            user_id,
            file,
            as_openai([[("user", f"{number}")] * 50 for number in range(400)]),
            on_progress=lambda report, read: told.append((report.messages_stored, read)),
        )

        assert [stored for stored, _ in told] == sorted({stored for stored, _ in told})
        assert told[-1] == (20_000, ReadProgress(file.stat().st_size, file.stat().st_size))

    async def test_memory_is_that_of_a_few_batches_however_long_the_file(
        self, store: ChatStore, user_id: str, file: Path
    ) -> None:
        with file.open("w") as lines:
            for number in range(1000):
                lines.write(as_openai([[("user", f"{number} {'x' * 5000}")] * 10]))
        assert file.stat().st_size > 50_000_000

        tracemalloc.start()
        try:
            report = await import_conversations(store, FileSource(file, OpenAIChat(user_id=user_id)))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        print(f"importing 50 MB: {peak / 1e6:.1f} MB at its peak")
        assert report.messages_stored == 10_000
        assert peak < 40_000_000

    async def test_cancelled_it_leaves_whole_conversations_and_can_be_run_again(
        self, store: ChatStore, connection: asyncpg.Connection, user_id: str, file: Path
    ) -> None:
        told = [[("user", f"{number}")] * 50 for number in range(400)]
        file.write_text(as_openai(told))
        stored_some = asyncio.Event()
        importing = asyncio.create_task(
            import_conversations(
                store, FileSource(file, OpenAIChat(user_id=user_id)), on_progress=lambda *_: stored_some.set()
            )
        )
        await stored_some.wait()
        importing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await importing

        counts = await connection.fetch(LENGTHS, user_id)
        assert 0 < len(counts) < 400
        assert {tuple(each) for each in counts} == {(50, 50)}
        report = await import_openai(store, user_id, file, as_openai(told))
        assert report.conversations_stored + report.conversations_present == 400
