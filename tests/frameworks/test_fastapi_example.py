"""The example application, asked by httpx."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from chat_persistence import ChatStore
from examples.fastapi_chat import create_app
from tests.frameworks.chat_client import ChatClient

GREETING = ("assistant", "How may I help?")


@pytest.fixture
async def http(migrated_database: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(lambda: ChatStore(migrated_database))
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://chat") as http:
        yield http


@pytest.fixture
def ada(http: httpx.AsyncClient) -> ChatClient:
    return ChatClient(http, f"ada-{uuid4()}")


async def test_a_reply_comes_in_pieces_and_is_told_as_it_was_stored(ada: ChatClient) -> None:
    id = await ada.create(title="Rome")

    *pieces, stored = await ada.say(id, "A train to Rome")

    assert pieces == [("piece", "A "), ("piece", "train "), ("piece", "to "), ("piece", "Rome ")]
    assert (stored[0], stored[1]["content"], stored[1]["position"]) == ("stored", "A train to Rome ", 3)
    assert await ada.history(id) == [GREETING, ("user", "A train to Rome"), ("assistant", "A train to Rome ")]


async def test_a_post_that_is_sent_again_gets_the_same_reply(ada: ChatClient) -> None:
    id, message_id = await ada.create(), uuid4()

    first = await ada.say(id, "Hi", message_id)
    again = await ada.say(id, "Hi", message_id)

    assert again == first[-1:]
    assert len(await ada.history(id)) == 3


async def test_a_post_that_is_sent_twice_at_once_is_stored_once(ada: ChatClient) -> None:
    id, message_id = await ada.create(), uuid4()

    replies = await asyncio.gather(*(ada.say(id, "Hi", message_id) for _ in range(8)))

    assert len({reply[-1][1]["id"] for reply in replies}) == 1
    assert await ada.history(id) == [GREETING, ("user", "Hi"), ("assistant", "Hi ")]


async def test_a_conversation_that_is_created_again_is_the_same(ada: ChatClient) -> None:
    id = uuid4()

    assert {await ada.create(id=str(id)) for _ in range(2)} == {id}
    assert await ada.history(id) == [GREETING]


async def test_the_history_is_read_from_its_end_by_cursors(ada: ChatClient) -> None:
    id = await ada.create()
    for word in ("one", "two", "three"):
        await ada.say(id, word)

    pages: list[list[int]] = []
    cursor: dict[str, str] = {}
    while cursor or not pages:
        page = (await ada.ask("GET", f"/{id}/messages", params={"limit": 3} | cursor)).json()
        pages.append([item["position"] for item in page["items"]])
        cursor = {"before": page["next_cursor"]} if page["next_cursor"] else {}
    assert pages == [[5, 6, 7], [2, 3, 4], [1]]


async def test_conversations_are_listed_by_cursors_and_deleted(ada: ChatClient) -> None:
    ids = [str(await ada.create()) for _ in range(3)]

    first = (await ada.ask("GET", "", params={"limit": 2})).json()
    rest = (await ada.ask("GET", "", params={"limit": 2, "after": first["next_cursor"]})).json()
    deleted = [(await ada.ask("DELETE", f"/{ids[0]}")).status_code for _ in range(2)]

    assert [item["id"] for item in first["items"] + rest["items"]] == ids[::-1]
    assert deleted == [204, 404]


async def test_somebody_elses_conversation_is_absent(http: httpx.AsyncClient, ada: ChatClient) -> None:
    id = await ada.create()
    bob = ChatClient(http, f"bob-{uuid4()}")

    for method, path in (("GET", "/messages"), ("DELETE", ""), ("POST", "/messages")):
        body = {"json": {"id": str(uuid4()), "content": "Hi"}} if method == "POST" else {}
        assert (await bob.ask(method, f"/{id}{path}", **body)).status_code == 404
    assert await ada.history(id) == [GREETING]


@pytest.mark.parametrize(
    ("content", "status"), [("", 422), ("x" * 1_000_001, 422), ("the same id, another text", 409)], ids=lambda _: ""
)
async def test_a_post_that_is_refused_is_refused_before_the_reply(ada: ChatClient, content: str, status: int) -> None:
    id, message_id = await ada.create(), UUID(int=7)
    await ada.say(id, "Hi", message_id)

    answer = await ada.ask("POST", f"/{id}/messages", json={"id": str(message_id), "content": content})

    assert answer.status_code == status
    assert len(await ada.history(id)) == 3


async def test_nobody_is_let_in_without_a_name(http: httpx.AsyncClient) -> None:
    assert (await http.get("/conversations", headers={"Authorization": "Basic ada"})).status_code == 401
