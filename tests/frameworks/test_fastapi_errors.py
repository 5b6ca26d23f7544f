"""What a client is told of each error, wherever it was raised."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import Depends, FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.responses import PlainTextResponse

from chat_persistence import ChatPersistenceError, ChatStore, MessageCreate, UserChats, errors
from chat_persistence.integrations.fastapi import ERROR_RESPONSES, ErrorBody, install_error_handlers
from tests.frameworks.asgi import client, close_of_web_socket, host_app
from tests.frameworks.identity import Chats

ID = UUID(int=1)
TEXT = "my diagnosis"
OPERATORS_ONLY = "the chat store cannot answer now"

TOLD: list[tuple[ChatPersistenceError, int, bool, dict[str, Any]]] = [
    (errors.ConversationNotFound(ID), 404, False, {"conversation_id": str(ID)}),
    (errors.MessageNotFound(ID), 404, False, {"message_id": str(ID)}),
    (errors.MessageConflict(ID, (ID,)), 409, False, {"conversation_id": str(ID), "message_ids": [str(ID)]}),
    (errors.ConversationConflict(ID), 409, False, {"conversation_id": str(ID)}),
    (
        errors.ConversationChanged(ID, 1, 2),
        409,
        False,
        {"conversation_id": str(ID), "expected_position": 1, "last_position": 2, "in_metadata": False},
    ),
    (
        errors.ConversationChanged(ID, None, 2, in_metadata=True),
        409,
        False,
        {"conversation_id": str(ID), "expected_position": None, "last_position": 2, "in_metadata": True},
    ),
    (errors.DraftClosed(ID, ID), 409, False, {"conversation_id": str(ID), "draft_id": str(ID)}),
    (errors.TurnTooLong(ID, 1000), 409, False, {"conversation_id": str(ID), "limit": 1000}),
    (errors.ConcurrentAppend(), 409, True, {}),
    (errors.UserNotFound("ada@example.org"), 409, False, {}),
    (errors.InvalidInput("title", "too long"), 422, False, {}),
    (errors.OutcomeUnknown(), 500, False, {}),
    (errors.StoreUnavailable("gone", "08006"), 503, True, {}),
    (errors.PoolTimeout("busy"), 503, True, {}),
    (errors.StoreClosed(), 503, True, {}),
    (errors.SchemaMismatch("cp_0001", "cp_0002", "run me"), 503, True, {}),
    (errors.SearchIndexMissing("simple", "run me"), 503, True, {}),
]
LEFT_TO_THE_HOST = [
    errors.ConfigurationError("no URL"),
    errors.EncryptionKeyMissing("2026"),
    errors.EncryptedSearch(),
    errors.OrphanedConversations(("ada",), 1),
    errors.ImportStopped("line 7", "not JSON"),
    errors.DatabaseFailure("22003"),
    errors.InsufficientPrivilege("42501"),
    errors.UnitOfWorkFailed(),
    errors.UnitOfWorkClosed(),
]


@pytest.fixture
def app(store: ChatStore) -> FastAPI:
    return host_app(store)


async def _ask(app: FastAPI, path: str = "/") -> Any:
    async with client(app, "ada") as ada:
        return await ada.get(path)


def _name(given: object) -> str:
    return type(given).__name__ if isinstance(given, ChatPersistenceError) else ""


@pytest.mark.parametrize(("error", "status", "retryable", "facts"), TOLD, ids=_name)
async def test_each_error_has_a_status_and_a_body_for_programs(
    app: FastAPI, error: ChatPersistenceError, status: int, retryable: bool, facts: dict[str, Any]
) -> None:
    @app.get("/")
    async def fail() -> None:
        raise error

    answer = await _ask(app)
    body = answer.json()

    assert (answer.status_code, body["code"], body["facts"]) == (status, type(error).__name__, facts)
    assert body["retryable"] is retryable is ("Retry-After" in answer.headers)
    assert ErrorBody.model_validate(body)


@pytest.mark.parametrize("error", [error for error, status, *_ in TOLD if status >= 500], ids=_name)
async def test_of_the_database_only_the_operator_is_told(
    app: FastAPI, error: ChatPersistenceError, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/")
    async def fail() -> None:
        raise error

    with caplog.at_level(logging.ERROR, "chat_persistence.integrations.fastapi"):
        answer = await _ask(app)

    assert answer.json()["detail"] == OPERATORS_ONLY
    assert str(error) in caplog.text


@pytest.mark.parametrize("error", LEFT_TO_THE_HOST, ids=_name)
async def test_a_mistake_of_the_application_stays_an_exception(app: FastAPI, error: ChatPersistenceError) -> None:
    @app.get("/")
    async def fail() -> None:
        raise error

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://host") as client:
        with pytest.raises(type(error)):
            await client.get("/")


def test_every_error_of_the_tree_is_decided_on() -> None:
    decided = {type(error) for error, *_ in TOLD} | {type(error) for error in LEFT_TO_THE_HOST}
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}

    assert kinds - decided == {ChatPersistenceError, errors.EmbeddedPostgresError}


async def test_errors_of_dependencies_are_told_too_before_and_after_the_route(app: FastAPI) -> None:
    async def fails_before() -> None:
        raise errors.ConversationNotFound(ID)

    async def fails_after() -> AsyncIterator[None]:
        yield
        raise errors.StoreUnavailable("gone")

    @app.get("/before", dependencies=[Depends(fails_before)])
    async def before() -> None: ...

    @app.get("/after")
    async def after(_: Annotated[None, Depends(fails_after, scope="function")]) -> None: ...

    assert [(await _ask(app, path)).status_code for path in ("/before", "/after")] == [404, 503]


async def test_somebody_elses_is_told_of_as_what_never_was(app: FastAPI, chat: UserChats) -> None:
    theirs = await chat.conversations.create()

    @app.get("/{id}")
    async def read(chats: Chats, id: UUID) -> None:
        await chats.conversations.get(id)

    (stolen, absent) = [(await _ask(app, f"/{id}")) for id in (theirs.id, ID)]

    assert stolen.status_code == absent.status_code == 404
    assert stolen.text.replace(str(theirs.id), "…") == absent.text.replace(str(ID), "…")


async def test_a_refused_input_names_its_place_in_fastapis_own_shape(app: FastAPI) -> None:
    @app.get("/{id}")
    async def read(chats: Chats, id: UUID, before: str) -> None:
        await chats.messages.page(id, before=before)

    answer = await _ask(app, f"/{ID}?before=forged")

    detail = [{"type": "invalid_input", "loc": ["query", "before"], "msg": "not a cursor of this list"}]
    assert (answer.status_code, answer.json()["detail"]) == (422, detail)


async def test_a_value_refused_inside_a_route_is_a_422_without_the_users_text(app: FastAPI) -> None:
    @app.get("/")
    async def make() -> None:
        MessageCreate(role="user", content="Hi", **{"token_count": TEXT, TEXT: TEXT})  # type: ignore[arg-type]

    answer = await _ask(app)

    assert answer.status_code == 422
    assert {tuple(refused["loc"]) for refused in answer.json()["detail"]} == {("body", "token_count"), ("body",)}
    assert TEXT not in answer.text


async def test_a_value_of_the_hosts_own_that_is_refused_stays_an_exception(app: FastAPI) -> None:
    class Own(BaseModel):
        number: int

    @app.get("/")
    async def make() -> None:
        Own.model_validate({"number": "none"})

    assert (await _ask(app)).status_code == 500


@pytest.mark.parametrize("content", ["\ud800", "\x00"])
async def test_a_request_is_refused_also_when_what_it_said_cannot_be_sent_back(app: FastAPI, content: str) -> None:
    @app.post("/")
    async def append(message: MessageCreate) -> None: ...

    body = json.dumps({"role": "user", "content": content, "bogus": content})
    async with client(app, "ada") as ada:
        answer = await ada.post("/", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "bogus"])


async def test_a_request_that_is_refused_is_answered_as_fastapi_does() -> None:
    (ours, theirs) = (FastAPI(), FastAPI())
    install_error_handlers(ours)
    for app in (ours, theirs):

        @app.get("/")
        async def count(n: int) -> None: ...

    assert (await _ask(ours, "/?n=é")).content == (await _ask(theirs, "/?n=é")).content


async def test_handlers_that_the_host_has_stay() -> None:
    async def own(_: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse(type(error).__name__, 400)

    app = FastAPI(exception_handlers={errors.ConversationNotFound: own, RequestValidationError: own})
    install_error_handlers(app)

    @app.get("/")
    async def fail(n: int) -> None:
        raise errors.ConversationNotFound(UUID(int=n))

    assert [(await _ask(app, path)).text for path in ("/", "/?n=1")] == [
        "RequestValidationError",
        "ConversationNotFound",
    ]


@pytest.mark.parametrize(
    ("error", "code"),
    [(errors.ConversationNotFound(ID), 1008), (errors.StoreUnavailable("gone"), 1013), (errors.OutcomeUnknown(), 1011)],
    ids=_name,
)
async def test_a_web_socket_is_closed_with_the_errors_name(
    app: FastAPI, error: ChatPersistenceError, code: int
) -> None:
    @app.websocket("/")
    async def fail(socket: WebSocket) -> None:
        await socket.accept()
        raise error

    close = await close_of_web_socket(app, "/")

    assert close == {"type": "websocket.close", "code": code, "reason": type(error).__name__}


def test_the_api_description_tells_the_errors() -> None:
    app = FastAPI()

    @app.get("/", responses=ERROR_RESPONSES)
    async def read() -> None: ...

    described = app.openapi()

    assert list(described["paths"]["/"]["get"]["responses"]) == ["200", "404", "409", "503"]
    assert set(described["components"]["schemas"]["ErrorBody"]["properties"]) == {
        "detail",
        "code",
        "retryable",
        "facts",
    }
