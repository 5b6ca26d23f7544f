"""The scripts themselves, without a database."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import Script, ScriptDirectory

from chat_persistence import migrations
from tests.migrations.commands import CHECKOUT, run


@pytest.fixture
def script() -> ScriptDirectory:
    return ScriptDirectory.from_config(migrations.configuration())


@pytest.fixture
def revisions(script: ScriptDirectory) -> Iterator[Script]:
    return script.walk_revisions()


def test_there_is_one_head(script: ScriptDirectory) -> None:
    assert len(script.get_heads()) == 1


def test_revisions_have_a_namespace_of_their_own(revisions: Iterator[Script]) -> None:
    """A plain `0001` would meet a host's `0001` without an error."""
    found = list(revisions)

    assert all(revision.revision.startswith("cp_") for revision in found)
    assert all("chat_persistence" in revision.branch_labels for revision in found)


def test_revisions_import_nothing_that_will_have_changed(revisions: Iterator[Script]) -> None:
    sources = [Path(revision.path).read_text() for revision in revisions]

    assert sources
    assert not any(re.search(r"^\s*(from|import) chat_persistence", source, re.MULTILINE) for source in sources)


def test_the_scripts_folder_never_becomes_a_package() -> None:
    """With an `__init__.py` it would take the place of Alembic itself."""
    assert not list((CHECKOUT / "alembic").rglob("__init__.py"))


async def test_alembic_is_found_beside_its_scripts() -> None:
    where = await run(sys.executable, "-c", "import alembic.command; print(alembic.__file__)")

    assert str(CHECKOUT / "alembic") not in where


async def test_the_library_does_not_import_alembic() -> None:
    loaded = await run(sys.executable, "-c", "import sys, chat_persistence; print('alembic.command' in sys.modules)")

    assert loaded.strip() == "False"
