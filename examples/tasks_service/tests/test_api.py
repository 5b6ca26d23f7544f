import logging

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from tasks.models import Task

from chat_persistence import ChatStore


async def new_chat(api: httpx.AsyncClient, title: str = "Rome", task: str = "book a train") -> str:
    answer = await api.post("/chats", json={"title": title, "task": task})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_a_chat_and_its_task_are_made_together(api: httpx.AsyncClient) -> None:
    await new_chat(api)
    assert [task["title"] for task in (await api.get("/tasks")).json()] == ["book a train"]
    assert (await api.get("/users")).json() == [{"id": "ada", "titles": ["Rome"]}, {"id": "bob", "titles": []}]


async def test_a_task_that_cannot_be_stored_takes_the_chat_along(
    api: httpx.AsyncClient, engine: AsyncEngine, chat_store: ChatStore
) -> None:
    await new_chat(api)
    answer = await api.post("/chats", json={"title": "Paris", "task": "book a train"})
    assert answer.status_code == 409
    assert [chat.title for chat in (await chat_store.for_user("ada").conversations.page()).items] == ["Rome"]
    async with AsyncSession(engine) as session:
        assert len((await session.exec(select(Task))).all()) == 1


async def test_a_reply_streams_and_the_history_pages(api: httpx.AsyncClient) -> None:
    chat = await new_chat(api)
    for question in ("one", "two", "three"):
        answer = await api.post(f"/chats/{chat}/messages", json={"content": question})
        assert answer.text.split()[-1] == question
    seen, before = [], None
    while True:
        params = {"limit": 4} | ({"before": before} if before else {})
        page = (await api.get(f"/chats/{chat}/messages", params=params)).json()
        seen = [message["position"] for message in page["items"]] + seen
        if (before := page["next_cursor"]) is None:
            break
    assert seen == [1, 2, 3, 4, 5, 6]


async def test_what_is_adas_is_not_bobs(api: httpx.AsyncClient) -> None:
    chat = await new_chat(api)
    bob = {"x-user": "bob"}
    assert (await api.get("/chats", headers=bob)).json()["items"] == []
    assert (await api.post(f"/chats/{chat}/messages", json={"content": "?"}, headers=bob)).status_code == 404
    assert (await api.delete(f"/chats/{chat}", headers=bob)).status_code == 404
    assert (await api.get(f"/chats/{chat}/messages", headers=bob)).status_code == 404
    assert len((await api.get("/chats")).json()["items"]) == 1


async def test_a_deleted_user_takes_chats_and_tasks_along(api: httpx.AsyncClient, chat_store: ChatStore) -> None:
    await new_chat(api)
    assert (await api.delete("/users/ada")).status_code == 204
    assert (await chat_store.for_user("ada").conversations.page()).items == []
    assert (await api.get("/tasks")).json() == []
    assert (await api.post("/chats", json={"title": "Rome", "task": "again"})).status_code == 409


async def test_a_deleted_chat_is_gone(api: httpx.AsyncClient) -> None:
    chat = await new_chat(api)
    assert (await api.delete(f"/chats/{chat}")).status_code == 204
    assert (await api.delete(f"/chats/{chat}")).status_code == 404


async def test_the_access_log_tells_of_a_chat(api: httpx.AsyncClient) -> None:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logging.getLogger("chat_persistence.access").addHandler(handler)
    await new_chat(api)
    assert ("conversations.create", "ada", "ok") in [(r.operation, r.user_id, r.outcome) for r in records]
