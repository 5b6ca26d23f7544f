"""Searching one user's messages: what is found, in which order, what is shown, and what is refused."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import (
    ChatStore,
    ConfigurationError,
    ConversationRead,
    InsufficientPrivilege,
    InvalidInput,
    MessageCreate,
    Page,
    SearchHit,
    SearchIndexMissing,
    ToolCall,
    UserChats,
    gin_indexes,
)
from chat_persistence.selftest.injections import strings
from tests.roles import Walled, new_walled_database
from tests.servers import new_migrated_database, new_searchable_database


def said(*contents: str) -> list[MessageCreate]:
    return [MessageCreate(role="user", content=content) for content in contents]


def contents(items: Sequence[SearchHit]) -> list[str]:
    return [hit.message.content for hit in items]


async def found(chat: UserChats, query: str, **where: Any) -> list[str]:
    return contents((await chat.messages.search(query, **where)).items)


async def run(url: str, *scripts: str) -> None:
    connection = await asyncpg.connect(url)
    for script in scripts:
        await connection.execute(script)
    await connection.close()


@pytest.fixture
async def trips(chat: UserChats, conversation: ConversationRead) -> ConversationRead:
    await chat.messages.append(
        conversation.id, *said("A train to Rome, please", "Rome by night", "The Train. Rome: a film", "Nothing")
    )
    return conversation


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("rome", [3, 2, 1]),
        ("ROME train", [3, 1]),
        ('"train to rome"', [1]),
        ('"rome train"', []),
        ("night or film", [3, 2]),
        ("rome -train", [2]),
        ("-rome", [4]),
        ("- - -rome", [4]),
        ("-rome -nothing", []),
        ("rom", []),
        ("train,to", [1]),
        ("train.rome", [3]),
        ("train-rome", [3]),
        ('rome -"train to"', [3, 2]),
        ("rome!(night)&", [2]),
        ("!!!", []),
        ("'", []),
    ],
)
@pytest.mark.usefixtures("trips")
async def test_words_phrases_alternatives_and_exclusions(chat: UserChats, query: str, places: list[int]) -> None:
    items = (await chat.messages.search(query)).items

    assert [hit.message.position for hit in items] == places


async def test_a_hit_is_the_message_and_what_is_around_the_words(chat: UserChats, trips: ConversationRead) -> None:
    (hit,) = (await chat.messages.search("please rome")).items

    assert hit.message == (await chat.messages.last(trips.id))[0]
    assert hit.html() == "A train to <mark>Rome</mark>, <mark>please</mark>"


async def test_a_page_of_hits_is_written_as_json(chat: UserChats, conversation: ConversationRead) -> None:
    await chat.messages.append(conversation.id, *said("Rome\ud83d"))
    page = await chat.messages.search("rome")

    written = TypeAdapter(Page[SearchHit]).dump_python(page, mode="json")
    assert written["items"][0]["snippet"] == [
        {"text": "Rome", "is_match": True},
        {"text": "\ufffd", "is_match": False},
    ]


async def test_within_one_conversation_only(chat: UserChats, trips: ConversationRead) -> None:
    other = await chat.conversations.create()
    await chat.messages.append(other.id, *said("Rome again"))

    assert await found(chat, "rome", conversation_id=other.id) == ["Rome again"]
    assert len(await found(chat, "rome", conversation_id=trips.id)) == 3
    assert await found(chat, "rome", conversation_id=uuid4()) == []


async def test_what_was_rewound_deleted_or_erased_is_found_no_more(chat: UserChats, trips: ConversationRead) -> None:
    await chat.messages.rewind(trips.id, 1)
    after_rewind = await found(chat, "rome")
    await chat.conversations.delete(trips.id)

    assert after_rewind == ["A train to Rome, please"]
    assert await found(chat, "rome") == []


async def test_what_says_nothing_to_a_person_is_not_found(chat: UserChats, conversation: ConversationRead) -> None:
    call = ToolCall(id="rome", name="rome", arguments="rome", result="rome")
    await chat.messages.append(conversation.id, MessageCreate(role="assistant", tool_calls=[call], native="rome"))

    assert await found(chat, "rome or -train") == []


@pytest.mark.parametrize("profile", ["direct", "pgbouncer"])
async def test_searching_in_a_unit_of_work_finds_what_it_appended(
    migrated_database: str, user_id: str, profile: Any
) -> None:
    async with ChatStore(migrated_database, profile=profile) as store:
        async with store.unit_of_work(user_id) as work:
            conversation = await work.conversations.create()
            await work.messages.append(conversation.id, *said("Rome"))
            inside = contents((await work.messages.search("rome")).items)
        outside = await found(store.for_user(user_id), "rome")

    assert inside == outside == ["Rome"]


async def test_on_a_hosts_engine(host_engine: AsyncEngine, user_id: str) -> None:
    async with ChatStore(engine=host_engine) as store:
        chat = store.for_user(user_id)
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, *said("Rome"))

        assert await found(chat, "rome") == ["Rome"]


@pytest.mark.parametrize(
    ("content", "query"),
    [
        ("see https://example.com/a/b?c=d", "example"),
        ("mail ada@example.org", "ada"),
        ("std::vector<string>", "string"),
        ("2024-01-02", "01"),
        ("COVID-19", "19"),
        ("snake_case", "case"),
        ("snake_case", "snake_case"),
        ("a/b/c.py", "c"),
        ("a/b/c.py", "b/c.py"),
        ("temperature -5.3", '"-5.3"'),
        ("rome\x00train", "train"),
        ("rome\x00train", "rome\x00train"),
        ("nice\ud83d", "nice"),
        ("Été à Zürich", "ÉTÉ zürich"),
        ("火車 羅馬", "羅馬"),
    ],
)
async def test_parts_of_what_is_written_together_are_words(
    chat: UserChats, conversation: ConversationRead, content: str, query: str
) -> None:
    await chat.messages.append(conversation.id, *said(content))

    (hit,) = (await chat.messages.search(query)).items
    assert "".join(part.text for part in hit.snippet) == content
    assert any(part.is_match for part in hit.snippet)


@pytest.mark.parametrize("query", ["0000", "d83d", "fdd0", "simple", "content"])
async def test_how_text_is_stored_is_not_found(chat: UserChats, conversation: ConversationRead, query: str) -> None:
    await chat.messages.append(conversation.id, *said("\x00", "x\ud83dy", "\ufdd0"))

    assert await found(chat, query) == []


@pytest.mark.parametrize("query", ["", " ", "\n\t\u3000", "x" * 1001, None, 7, b"rome"])
async def test_a_query_that_is_none_is_refused(chat: UserChats, query: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^query: "):
        await chat.messages.search(query)


HOSTILE_QUERIES = [
    *(
        "-" * 1000,
        "- " * 500,
        '"' * 1000,
        "or " * 333,
        "x or " * 200,
        "-x " * 333,
        '-"x y" ' * 140,
        "(" * 999,
        "é" * 1000,
    ),
    *strings(60),
]


@pytest.mark.parametrize("query", HOSTILE_QUERIES)
async def test_whatever_is_asked_for_only_ones_own_is_found(
    chat: UserChats, trips: ConversationRead, query: str
) -> None:
    try:
        items = (await chat.messages.search(query[:1000])).items
    except InvalidInput:
        assert not query.strip()
    else:
        assert {hit.message.conversation_id for hit in items} <= {trips.id}


HOSTILE_USERS = [
    "'",
    "\\",
    "a'b\\",
    "' | '",
    "':*",
    "\x01",
    "\x01ada",
    "ada & eve",
    "ü" * 127,
    "a" * 255,
    "\U0001f600",
    " ",
]


async def test_users_of_any_name_are_kept_apart(store: ChatStore) -> None:
    word = f"w{uuid4().hex}"
    for user_id in HOSTILE_USERS:
        chat = store.for_user(user_id)
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, *said(f"{word} of {user_id}"))

    for user_id in HOSTILE_USERS:
        assert await found(store.for_user(user_id), word) == [f"{word} of {user_id}"]
        assert await found(store.for_user(user_id), f"{word} -of") == []
    assert await found(store.for_user("somebody else"), word) == []


async def test_the_first_100_000_characters_are_searched(chat: UserChats, conversation: ConversationRead) -> None:
    await chat.messages.append(conversation.id, *said(f"{'x ' * 49_995}rome {'x ' * 300_000}paris"))

    assert len(await found(chat, "rome")) == 1
    assert await found(chat, "paris") == []


async def test_pages_hold_each_hit_once_in_order(chat: UserChats) -> None:
    for number in range(3):
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, *said(*(f"rome {number} {place}" for place in range(5))))
    everything = (await chat.messages.search("rome", 1000)).items
    paged: list[SearchHit] = []
    cursor: str | None = None
    while cursor is not None or not paged:
        page = await chat.messages.search("rome", 4, after=cursor)
        paged += page.items
        cursor = page.next_cursor

    assert paged == everything
    assert [content[5] for content in contents(paged)] == list("222221111100000")
    assert [content[7] for content in contents(paged)] == list("432104321043210")


async def test_a_cursor_is_good_for_its_own_search_only(
    store: ChatStore, chat: UserChats, trips: ConversationRead
) -> None:
    cursor = (await chat.messages.search("rome", 1)).next_cursor
    assert cursor is not None
    stranger = store.for_user("somebody else")

    assert len(await found(chat, "rome ", after=cursor)) == 2
    for other, query, where in (
        (chat, "train", {}),
        (chat, "rome", {"conversation_id": trips.id}),
        (stranger, "rome", {}),
    ):
        with pytest.raises(InvalidInput, match=r"^after: "):
            await found(other, query, after=cursor, **where)
    with pytest.raises(InvalidInput, match=r"^after: "):
        await found(chat, "rome", after=(await chat.messages.page(trips.id, 1)).next_cursor)


@pytest.fixture
async def without_index(database_url: str) -> AsyncIterator[str]:
    async with new_migrated_database(database_url) as url:
        yield url


async def test_without_the_index_the_command_to_run_is_told(without_index: str) -> None:
    async with ChatStore(without_index) as store:
        with pytest.raises(SearchIndexMissing) as caught:
            await store.for_user("ada").messages.search("rome")

    assert caught.value.command == "chat-persistence search-index create --language simple"
    assert caught.value.language == "simple"


async def test_an_index_that_comes_and_goes_is_noticed_with_each_search(without_index: str) -> None:
    async with ChatStore(without_index) as store:
        chat = store.for_user("ada")
        for _ in range(2):
            await run(without_index, gin_indexes.create("simple", None))
            assert await found(chat, "rome") == []
            await run(without_index, gin_indexes.drop("simple", None))
            with pytest.raises(SearchIndexMissing):
                await found(chat, "rome")


@pytest.mark.parametrize(
    "script",
    [
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_messages_search_simple'::regclass",
        "DROP INDEX ix_messages_search_simple; CREATE INDEX ix_messages_search_simple ON conversations (title)",
    ],
)
async def test_an_index_that_cannot_be_used_is_none(without_index: str, script: str) -> None:
    await run(without_index, gin_indexes.create("simple", None), script)
    async with ChatStore(without_index) as store:
        with pytest.raises(SearchIndexMissing):
            await store.for_user("ada").messages.search("rome")


async def test_a_language_knows_stems_and_stop_words(without_index: str) -> None:
    await run(without_index, gin_indexes.create("english", None))
    async with ChatStore(without_index, search_language="english") as store:
        chat = store.for_user("ada")
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, *said("The trains were booked"))

        assert (await chat.messages.search("train booking")).items[0].html() == (
            "The <mark>trains</mark> were <mark>booked</mark>"
        )
        assert await found(chat, "the") == []
        assert await found(chat, "the or were") == []
        assert await found(chat, "-the") == []
        assert await found(chat, "the train") == ["The trains were booked"]


async def test_a_language_that_postgresql_does_not_know_has_no_index(without_index: str) -> None:
    async with ChatStore(without_index, search_language="klingon") as store:
        with pytest.raises(SearchIndexMissing, match="--language klingon"):
            await store.for_user("ada").messages.search("rome")


@pytest.mark.parametrize("language", ["", "English", "simple'", "a.b", "x" * 41, "simple\n", None])
def test_a_language_that_can_be_none_is_refused_at_the_door(language: Any) -> None:
    with pytest.raises(ConfigurationError, match="language of search"):
        ChatStore("postgresql://nobody@127.0.0.1:1/nowhere", search_language=language)


@pytest.fixture(scope="module")
async def walled(database_url: str) -> AsyncIterator[Walled]:
    async with new_walled_database(database_url) as walled:
        yield walled


@pytest.mark.parametrize("profile", ["direct", "pgbouncer"])
async def test_under_row_level_security_ones_own_is_found_without_an_index(walled: Walled, profile: Any) -> None:
    async with ChatStore(walled.application, row_level_security=True, profile=profile) as store:
        for user in (f"ada-{profile}", f"eve-{profile}"):
            chat = store.for_user(user)
            conversation = await chat.conversations.create()
            await chat.messages.append(conversation.id, *said(f"Rome by {user}", "Paris"))

        assert await found(chat, "rome") == [f"Rome by eve-{profile}"]
        assert await found(chat, "-rome", conversation_id=conversation.id) == ["Paris"]
        assert (await chat.messages.search("rome or paris", 1)).next_cursor is not None
        async with store.unit_of_work(user) as work:
            assert len((await work.messages.search("rome")).items) == 1


async def test_a_store_that_names_no_user_to_policies_is_refused(walled: Walled) -> None:
    await run(walled.owner, gin_indexes.create("simple", None))
    async with ChatStore(walled.application, row_level_security=True) as store:
        await store.for_user("ada").conversations.create()
        conversation = await store.for_user("ada").conversations.create()
        await store.for_user("ada").messages.append(conversation.id, *said("Rome"))
    async with ChatStore(walled.application) as store:
        with pytest.raises(InsufficientPrivilege):
            await store.for_user("ada").messages.search("rome")


async def test_in_a_schema_of_our_own(empty_database: str) -> None:
    async with ChatStore(empty_database, schema="chat") as store:
        await store.migrate()
        with pytest.raises(SearchIndexMissing, match="--schema chat"):
            await store.for_user("ada").messages.search("rome")
        await run(empty_database, gin_indexes.create("simple", "chat"))

        assert await found(store.for_user("ada"), "rome") == []


async def test_another_schemas_index_is_none_of_ours(empty_database: str) -> None:
    async with ChatStore(empty_database) as host, ChatStore(empty_database, schema="chat") as ours:
        await host.migrate()
        await ours.migrate()
        await run(empty_database, gin_indexes.create("simple", None))
        with pytest.raises(SearchIndexMissing):
            await ours.for_user("ada").messages.search("rome")


LONG = 1_000_000
IDEOGRAPHS = [chr(code) for code in range(0x20000, 0x2A6D0)]


def spelled(alphabet: list[str], joint: str, number: int) -> str:
    """Return as many different words as there is room for."""
    words = (alphabet[n % len(alphabet)] + alphabet[n // len(alphabet)] for n in range(number))
    return joint.join(words)[:LONG]


HOSTILE: dict[str, str] = {
    "different words of four bytes": spelled(IDEOGRAPHS, " ", 400_000),
    "compounds of four bytes": spelled(IDEOGRAPHS, "-", 400_000),
    "different words of three bytes": spelled([chr(code) for code in range(0x4E00, 0x9FFF)], " ", 400_000),
    "numbers": " ".join(map(str, range(180_000)))[:LONG],
    "one word": "x" * LONG,
    "one letter": "x " * (LONG // 2),
    "escapes": "\x00" * LONG,
    "our escape": "\ufdd0" * LONG,
    "underscores": "a_" * (LONG // 2),
    "paths": "/." * (LONG // 2),
    "addresses": "1a@" * (LONG // 3),
    "hosts": ".a-b" * (LONG // 4),
    "comments": "<!--" * (LONG // 4),
    "nothing": "\n" * LONG,
    "marks": "\x02\x03" * (LONG // 2),
}


@pytest.fixture(scope="module")
async def hostile(database_url: str) -> AsyncIterator[ChatStore]:
    async with new_searchable_database(database_url) as url, ChatStore(url) as store:
        yield store


@pytest.mark.parametrize("name", HOSTILE)
async def test_with_the_index_any_content_is_appended_and_searched(hostile: ChatStore, name: str) -> None:
    """PostgreSQL holds 1 MB of different words, and reads some texts in the square of their length."""
    chat = hostile.for_user(name)
    conversation = await chat.conversations.create()
    (message,) = await chat.messages.append(conversation.id, *said(HOSTILE[name]))

    (hit,) = (await chat.messages.search("-rome")).items
    assert hit.message == message
    assert "".join(part.text for part in hit.snippet)[:50] == HOSTILE[name][:50]
