"""What a client is told of an error, and what it is not.

| status | error | `retryable` |
|---|---|---|
| 404 | `ConversationNotFound`, `MessageNotFound`: also what is somebody else's | no |
| 409 | `MessageConflict`, `ConversationConflict`, `ConversationChanged`, `DraftClosed`, `TurnTooLong` | no |
| 409 | `UserNotFound`, where users are linked | no |
| 409 | `ConcurrentAppend` | yes |
| 422 | `InvalidInput`, and pydantic's refusal of a value of this library | no |
| 500 | `OutcomeUnknown`: no 503, which clients repeat of themselves | no |
| 503 | `StoreUnavailable`, `PoolTimeout`, `StoreClosed` (at shutdown) | yes |
| 503 | `SchemaMismatch`, `SearchIndexMissing` (at deployment) | yes |

All others are mistakes of the application or of its set-up. They stay exceptions, so that the host's own answer to
those, and its reports, see them.
"""

import logging
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from chat_persistence import errors, values
from chat_persistence.scalar_values import scalar_json

RETRY_AFTER_SECONDS = 1

STATUS: dict[type[errors.ChatPersistenceError], int] = {
    errors.ConversationNotFound: 404,
    errors.MessageNotFound: 404,
    errors.MessageConflict: 409,
    errors.ConversationConflict: 409,
    errors.ConversationChanged: 409,
    errors.ConcurrentAppend: 409,
    errors.DraftClosed: 409,
    errors.TurnTooLong: 409,
    errors.UserNotFound: 409,
    errors.InvalidInput: 422,
    errors.OutcomeUnknown: 500,
    errors.StoreUnavailable: 503,
    errors.StoreClosed: 503,
    errors.SchemaMismatch: 503,
    errors.SearchIndexMissing: 503,
}

OPERATORS_ONLY = "the chat store cannot answer now"
"""What a client is told of the database, whose state is the operator's business."""

_INPUT = (
    values.MessageCreate,
    values.ConversationCreate,
    values.ConversationUpdate,
    values.MetadataSwap,
    values.ToolCall,
)
_NAMES_OF_INPUT = frozenset(kind.__name__ for kind in _INPUT)

_log = logging.getLogger(__name__)


class ErrorBody(BaseModel):
    """What a client is told: no user's text, and nothing of the database."""

    detail: str | list[dict[str, Any]] = Field(description="For people; of a refused input, a list as FastAPI's own.")
    code: str = Field(description="The error's name, for programs.", examples=["ConversationNotFound"])
    retryable: bool = Field(description="Whether the same request may succeed when it is simply made again.")
    facts: dict[str, UUID | int | bool | list[UUID] | None] = Field(
        default_factory=dict, description="The error's attributes."
    )


class Refusal(JSONResponse):
    """The answer to a request, or the end of a WebSocket."""

    def __init__(self, body: ErrorBody, status: int) -> None:
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if body.retryable else None
        super().__init__(body.model_dump(mode="json"), status, headers)
        # Internal Error, Try Again Later, or Policy Violation.
        self._close_code = 1011 if status == 500 else 1013 if body.retryable else 1008
        self._reason = body.code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": self._close_code, "reason": self._reason})
        else:
            await super().__call__(scope, receive, send)


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "This user has no such conversation or message"},
    409: {"model": ErrorBody, "description": "Something else is stored already"},
    503: {"model": ErrorBody, "description": "The chat store cannot answer now"},
}
"""For `APIRouter(responses=…)`, so that the OpenAPI description tells them; 422 FastAPI tells itself."""


def install_error_handlers(app: FastAPI) -> None:
    """Answer this library's errors as the table above says, those of a commit before the response included.

    Handlers that the host has for the same classes stay. FastAPI's own answer to a request that it refuses is given
    also when what was refused cannot be sent back in UTF-8, which without this is a 500.
    """
    for kind in STATUS:
        app.exception_handlers.setdefault(kind, _answer)
    app.exception_handlers.setdefault(ValidationError, _answer_refused_value)
    if app.exception_handlers.get(RequestValidationError) is request_validation_exception_handler:
        app.exception_handlers[RequestValidationError] = _answer_refused_request


async def _answer(connection: HTTPConnection, error: errors.ChatPersistenceError) -> JSONResponse:
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if status >= 500:
        _log.error("answered with %s: %s: %s", status, type(error).__name__, error)
    body = ErrorBody(
        detail=_detail(connection, error, status),
        code=type(error).__name__,
        retryable=error.retryable or status == 503,
        facts=_facts(error) if status in (404, 409) else {},
    )
    return Refusal(body, status)


async def _answer_refused_value(_: HTTPConnection, error: ValidationError) -> JSONResponse:
    if error.title not in _NAMES_OF_INPUT:
        raise error
    refused = error.errors(include_url=False, include_context=False, include_input=False)
    detail = [{"type": each["type"], "loc": ["body", *_own_names(each)], "msg": each["msg"]} for each in refused]
    return Refusal(ErrorBody(detail=detail, code="InvalidInput", retryable=False), 422)


async def _answer_refused_request(_: Request, error: RequestValidationError) -> JSONResponse:
    return JSONResponse({"detail": scalar_json(jsonable_encoder(error.errors()))}, 422)


def _detail(connection: HTTPConnection, error: errors.ChatPersistenceError, status: int) -> str | list[dict[str, Any]]:
    if isinstance(error, errors.InvalidInput):
        loc = [_source(connection, error.field), error.field]
        return [{"type": "invalid_input", "loc": loc, "msg": error.reason}]
    return OPERATORS_ONLY if status >= 500 else str(error)


def _facts(error: errors.ChatPersistenceError) -> dict[str, Any]:
    # A user's id may be an address.
    return {name: value for name, value in vars(error).items() if name != "user_id"}


def _source(connection: HTTPConnection, field: str) -> str:
    if field in connection.path_params:
        return "path"
    return "query" if field in connection.query_params else "body"


def _own_names(refused: ErrorDetails) -> tuple[int | str, ...]:
    # The last name of what should not be there is the user's.
    return refused["loc"][:-1] if refused["type"] == "extra_forbidden" else refused["loc"]
