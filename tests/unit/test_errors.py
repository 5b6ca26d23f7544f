"""The tree of errors, and how a driver's failure becomes one of them."""

import copy
import inspect
import pickle
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import exc

from chat_persistence import ChatPersistenceError, errors
from chat_persistence.translation import is_outcome_known, translate

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ChatPersistenceError)]
ID = UUID(int=1)

EXAMPLES: dict[type[ChatPersistenceError], ChatPersistenceError] = {
    errors.ConversationNotFound: errors.ConversationNotFound(ID),
    errors.MessageNotFound: errors.MessageNotFound(ID),
    errors.InvalidInput: errors.InvalidInput("title", "too long"),
    errors.UserNotFound: errors.UserNotFound("ada"),
    errors.OrphanedConversations: errors.OrphanedConversations(("ada",), 1),
    errors.MessageConflict: errors.MessageConflict(ID, (ID,)),
    errors.ConversationConflict: errors.ConversationConflict(ID),
    errors.ConversationChanged: errors.ConversationChanged(ID, None, 2, in_metadata=True),
    errors.ImportStopped: errors.ImportStopped("line 7", "not JSON"),
    errors.DraftClosed: errors.DraftClosed(ID, ID),
    errors.TurnTooLong: errors.TurnTooLong(ID, 1000),
    errors.StoreUnavailable: errors.StoreUnavailable("gone", "08006"),
    errors.PoolTimeout: errors.PoolTimeout("busy"),
    errors.SchemaMismatch: errors.SchemaMismatch("cp_0001", "cp_0002", "run me"),
    errors.SearchIndexMissing: errors.SearchIndexMissing("simple", "run me"),
    errors.DatabaseFailure: errors.DatabaseFailure("22003"),
    errors.EncryptionKeyMissing: errors.EncryptionKeyMissing("2026"),
    errors.InsufficientPrivilege: errors.InsufficientPrivilege("42501"),
}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_drawn_in_the_tree_says_something_and_can_be_copied(kind: type[ChatPersistenceError]) -> None:
    error = EXAMPLES.get(kind) or kind("something") if kind in (*EXAMPLES, *_PLAIN) else kind()

    assert kind.__name__ in (errors.__doc__ or "")
    assert str(error)
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301
        assert (type(twin), str(twin), vars(twin)) == (kind, str(error), vars(error))


_PLAIN = (errors.ChatPersistenceError, errors.ConfigurationError, errors.EmbeddedPostgresError)


def test_only_what_may_succeed_when_made_again_is_retryable() -> None:
    retryable = {kind for kind in CLASSES if kind.retryable}

    assert retryable == {errors.StoreUnavailable, errors.PoolTimeout, errors.ConcurrentAppend}


def test_misuse_and_bad_input_are_also_the_builtin_errors() -> None:
    assert issubclass(errors.InvalidInput, ValueError)
    assert issubclass(errors.UnitOfWorkClosed, RuntimeError)
    assert issubclass(errors.StoreClosed, RuntimeError)


def test_every_sqlstate_that_the_driver_knows_has_a_translation() -> None:
    kinds = [kind for _, kind in inspect.getmembers(asyncpg.exceptions, inspect.isclass)]
    states = {getattr(kind, "sqlstate", None) or "" for kind in kinds}

    translated = {state: translate(_driver_error(state)) for state in states if len(state) == 5}

    assert len(translated) > 200
    assert all(error.__class__ in CLASSES for error in translated.values())
    for state, kind in _EXPECTED.items():
        assert type(translated[state]) is kind, state


_EXPECTED = {
    "42501": errors.InsufficientPrivilege,
    "42704": errors.InsufficientPrivilege,
    "08006": errors.StoreUnavailable,
    "57P01": errors.StoreUnavailable,
    "53300": errors.StoreUnavailable,
    "40001": errors.StoreUnavailable,
    "40P01": errors.StoreUnavailable,
    "55P03": errors.StoreUnavailable,
    "25006": errors.StoreUnavailable,
    "XX000": errors.StoreUnavailable,
    "42P01": errors.SchemaMismatch,
    "42703": errors.SchemaMismatch,
    "25P02": errors.UnitOfWorkFailed,
    "23505": errors.DatabaseFailure,
    "23503": errors.DatabaseFailure,
    "28P01": errors.DatabaseFailure,
}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError("secret"), errors.StoreUnavailable),
        (ConnectionResetError("secret"), errors.StoreUnavailable),
        (TimeoutError("secret"), errors.StoreUnavailable),
        (asyncpg.InterfaceError("secret"), errors.StoreUnavailable),
        (asyncpg.InternalClientError("secret"), errors.StoreUnavailable),
        (exc.TimeoutError("secret"), errors.PoolTimeout),
        (exc.DBAPIError("secret", None, Exception("secret")), errors.StoreUnavailable),
        (KeyError("secret"), errors.DatabaseFailure),
    ],
)
def test_failures_without_a_sqlstate_are_told_by_their_kind(error: Exception, kind: type[ChatPersistenceError]) -> None:
    translated = translate(error)

    assert type(translated) is kind
    assert "secret" not in str(translated) + repr(translated)
    assert not is_outcome_known(translated)


@pytest.mark.parametrize(("state", "known"), [("40001", True), ("23505", True), ("08006", False), ("57P01", False)])
def test_only_the_servers_own_word_makes_an_outcome_known(state: str, known: bool) -> None:
    assert is_outcome_known(translate(_driver_error(state))) is known


def _driver_error(state: str) -> Exception:
    error: Exception = asyncpg.PostgresError("secret")
    vars(error)["sqlstate"] = state
    return error
