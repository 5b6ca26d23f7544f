"""The public names, the direction of imports, and where SQL may be written."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import chat_persistence
from chat_persistence import provider_formats

PACKAGE = Path(chat_persistence.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_alembic" not in path.parts)

NAMES = """
ABSENT Base ChatPersistenceError ChatStore ConcurrentAppend ConfigurationError Conversation ConversationChanged
ConversationConflict ConversationCreate ConversationLoad ConversationNotFound ConversationRead ConversationRepository
ConversationUpdate ConversationWithMessages DatabaseFailure Draft DraftClosed DraftRead DraftRepository
EmbeddedPostgresError EncryptedSearch Encryption EncryptionKeyMissing ErasureReceipt ExportProgress ImportStopped
InsufficientPrivilege InvalidInput KeyRing KeyRotation LoadProgress Message MessageConflict MessageCreate MessageLoad
MessageNotFound MessageRead MessageRepository MessageRole MetadataSwap OrphanedConversations OutcomeUnknown Page
PoolTimeout PruneReport SchemaMismatch SearchHit SearchIndexMissing SnippetPart StoreClosed StoreUnavailable ToolCall
TurnTooLong UnitOfWork UnitOfWorkClosed UnitOfWorkFailed Usage UserChats UserKeys UserNotFound WrappedKey
conversation_id_of make_host_engine
""".split()  # noqa: SIM905


def test_the_public_names_are_these() -> None:
    assert chat_persistence.__all__ == NAMES == sorted(NAMES)
    assert all(hasattr(chat_persistence, name) for name in NAMES)


def test_provider_formats_go_both_ways() -> None:
    names = provider_formats.__all__

    assert names == sorted(names)
    assert {name[5:] for name in names if name.startswith("from_")} == {name[3:] for name in names if name[:3] == "to_"}
    assert len(names) == 13


def test_nothing_is_imported_that_was_not_asked_for() -> None:
    printed = subprocess.check_output(
        [sys.executable, "-c", "import sys, chat_persistence; print(*sys.modules, sep='\\n')"], text=True
    )

    assert [name for name in printed.split() if re.search("provider_formats|integrations|transfer", name)] == []


def test_imports_run_one_way() -> None:
    checked = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stdout


def test_every_module_begins_with_a_sentence() -> None:
    assert [path.name for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_sql_is_written_in_statements_only() -> None:
    words = {"select", "insert", "update", "delete", "text"}
    for path in MODULES:
        # Migrations read Alembic's own table; the models name indexes and defaults; a check plays the host.
        if "statements" in path.parts or path.name in ("models.py", "migrations.py", "failed_units.py"):
            continue
        imported = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
            for alias in node.names
        }
        assert not imported & words, path


def test_nothing_is_ordered_by_created_at() -> None:
    for path in (PACKAGE / "statements").glob("*.py"):
        if path.name == "searching.py":  # across conversations there is no other order
            continue
        assert "created_at.desc" not in path.read_text()
        assert "order_by(messages.c.created_at" not in path.read_text()
