"""A host with a history of its own: both are migrated by its `alembic` command and by ours, in either order."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import Base, ChatStore, ConfigurationError, migrations
from tests.migrations.catalog import fetch, tables
from tests.migrations.commands import CommandFailed
from tests.migrations.host_project import HostProject, copy_project, new_project

INCLUDE_NAME = "include_name=migrations.include_name"
RECORD_VERSION = "on_version_apply=migrations.record_version"
OURS = {f"public.{name}" for name in ("chat_persistence_version", *Base.metadata.tables)}
THEIRS = {"public.alembic_version", "public.tasks", "public.users"}
BOTH = "import chat_persistence\n\ntarget_metadata = [Base.metadata, chat_persistence.Base.metadata]"
POINTS_AT_US = """
from sqlalchemy import ForeignKeyConstraint
from chat_persistence import Conversation

class Ticket(Base):
    __tablename__ = "tickets"
    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "conversation_id"],
            [Conversation.__table__.c.user_id, Conversation.__table__.c.id],
            ondelete="CASCADE",
        ),
    )
    user_id: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[__import__("uuid").UUID] = mapped_column(primary_key=True)
"""


@pytest.fixture(scope="module")
async def template(tmp_path_factory: pytest.TempPathFactory) -> HostProject:
    return await new_project(tmp_path_factory.mktemp("host"))


@pytest.fixture
def host(template: HostProject, tmp_path: Path, empty_database: str) -> HostProject:
    """A host's project; nothing is made."""
    return copy_project(template, tmp_path / "host", empty_database)


@pytest.fixture
def merged(host: HostProject) -> HostProject:
    """One that runs our revisions too."""
    host.merge(migrations.script_location() / "versions")
    host.configure(f"{INCLUDE_NAME}, {RECORD_VERSION}")
    return host


async def finds_nothing_to_do(host: HostProject) -> bool:
    """Whether a host that is at its head would generate an empty revision."""
    return "No new upgrade operations detected" in await host.alembic("upgrade heads", "check")


async def generate(host: HostProject) -> str:
    """Return the revision that a host at its head generates."""
    await host.alembic("upgrade heads", "revision --autogenerate --rev-id 0002 --message generated")
    (written,) = (host.folder / "migrations" / "versions").glob("0002*")
    return written.read_text()


async def test_without_the_filter_its_autogenerate_drops_our_tables(host: HostProject, engine: AsyncEngine) -> None:
    await migrations.upgrade(engine)
    written = await generate(host)

    for table in ("messages", "conversations", "chat_persistence_version"):
        assert f"op.drop_table('{table}')" in written


async def test_with_the_filter_its_autogenerate_leaves_them(host: HostProject, engine: AsyncEngine) -> None:
    host.configure(INCLUDE_NAME)
    await migrations.upgrade(engine)

    assert await finds_nothing_to_do(host)


async def test_the_filter_hides_nothing_of_its_own(host: HostProject, engine: AsyncEngine) -> None:
    host.configure(INCLUDE_NAME)
    await migrations.upgrade(engine)
    host.add_models("    done: Mapped[bool]\n")
    written = await generate(host)

    assert "op.add_column('tasks'" in written
    assert "drop_table" not in written


async def test_a_schema_of_ours_needs_no_filter(host: HostProject, engine: AsyncEngine) -> None:
    await migrations.upgrade(engine, "chat")

    assert await finds_nothing_to_do(host)


async def test_one_that_looks_into_all_schemas_needs_it_again(host: HostProject, engine: AsyncEngine) -> None:
    await migrations.upgrade(engine, "chat")
    host.configure("include_schemas=True")
    with pytest.raises(CommandFailed, match="New upgrade operations"):
        await finds_nothing_to_do(host)
    host.configure(INCLUDE_NAME)

    assert await finds_nothing_to_do(host)


async def test_both_keep_their_own_record(host: HostProject, engine: AsyncEngine) -> None:
    """With one table for both, neither would know the other's revision."""
    await host.alembic("upgrade head")
    await migrations.upgrade(engine)
    await host.alembic("downgrade base")
    await migrations.check(engine)
    await host.alembic("upgrade head")
    await migrations.downgrade(engine)

    assert await fetch(engine, "SELECT version_num FROM alembic_version") == [("0001",)]
    assert set(await tables(engine)) == THEIRS | {"public.chat_persistence_version"}


async def test_its_tables_may_point_at_ours(host: HostProject, engine: AsyncEngine) -> None:
    host.configure(INCLUDE_NAME)
    host.add_models(POINTS_AT_US)
    await migrations.upgrade(engine)
    await generate(host)

    assert await finds_nothing_to_do(host)


async def test_a_merged_history_makes_both(merged: HostProject, engine: AsyncEngine, empty_database: str) -> None:
    await merged.alembic("upgrade heads")
    async with ChatStore(empty_database) as store:
        await store.check()
        await store.migrate()
        await store.for_user("ada").conversations.create()

    assert set(await tables(engine)) == OURS | THEIRS
    assert await finds_nothing_to_do(merged)


async def test_in_a_merged_history_the_host_says_which_branch(merged: HostProject, engine: AsyncEngine) -> None:
    with pytest.raises(CommandFailed, match="Multiple head"):
        await merged.alembic("upgrade head")
    with pytest.raises(CommandFailed, match="Multiple head"):
        await merged.alembic("revision --message more")
    await merged.alembic(
        "upgrade heads",
        "revision --head app@head --depends-on chat_persistence@head --message more",
        "upgrade heads",
    )

    assert await fetch(engine, "SELECT version_num FROM chat_persistence_version") == [("cp_0002",)]


async def test_a_branch_that_depends_on_ours_brings_it(merged: HostProject, engine: AsyncEngine) -> None:
    """Alembic then drops our line from its own table: it is implied."""
    merged.add_revision("0002", "pass", "pass", after="0001", depends_on="cp_0002")
    await merged.alembic("upgrade app@head")

    assert await fetch(engine, "SELECT version_num FROM alembic_version") == [("0002",)]
    assert (await migrations.status(engine)).is_current


async def test_each_branch_of_a_merged_history_goes_down_alone(merged: HostProject, engine: AsyncEngine) -> None:
    await merged.alembic("upgrade heads", "downgrade app@base")
    without_theirs = set(await tables(engine))
    await migrations.check(engine)
    await merged.alembic("upgrade heads", "downgrade chat_persistence@base")
    without_ours = set(await tables(engine))

    assert without_theirs == OURS | {"public.alembic_version"}
    assert without_ours == THEIRS | {"public.chat_persistence_version"}
    assert (await migrations.status(engine)).current is None


async def test_a_merged_history_goes_down_and_up(merged: HostProject, engine: AsyncEngine) -> None:
    await merged.alembic("upgrade heads", "downgrade base", "upgrade heads")

    assert (await migrations.status(engine)).is_current


async def test_a_merged_history_is_printed(merged: HostProject) -> None:
    printed = await merged.alembic("upgrade heads --sql")

    assert "CREATE TABLE IF NOT EXISTS chat_persistence_version" in printed
    assert "INSERT INTO chat_persistence_version (version_num) VALUES ('cp_0002')" in printed


async def test_what_our_own_command_had_made_is_stamped(merged: HostProject, engine: AsyncEngine) -> None:
    await migrations.upgrade(engine)
    await fetch(engine, "DROP TABLE chat_persistence_version")
    await merged.alembic("stamp chat_persistence@head", "upgrade heads")

    assert (await migrations.status(engine)).is_current
    assert set(await tables(engine)) == OURS | THEIRS


async def test_a_merged_history_without_the_callback_is_told_what_it_lacks(
    host: HostProject, engine: AsyncEngine
) -> None:
    host.merge(migrations.script_location() / "versions")
    await host.alembic("upgrade heads")
    with pytest.raises(ConfigurationError, match="record_version"):
        await migrations.upgrade(engine)


LINK = 'migrations.link_users(op, "users.id"{})'
UNLINK = "migrations.unlink_users(op)"
SEARCHABLE = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_messages_search_simple')"
LINKS = "SELECT convalidated FROM pg_constraint WHERE conname = 'fk_conversations_user'"


async def test_its_own_revision_links_its_users(host: HostProject, engine: AsyncEngine) -> None:
    """And takes the link back; neither's comparison finds a difference."""
    host.configure(INCLUDE_NAME)
    host.add_revision("0002", LINK.format(""), UNLINK, after="0001")
    await migrations.upgrade(engine)
    assert await finds_nothing_to_do(host)
    linked = await fetch(engine, LINKS)
    await host.alembic("downgrade 0001")

    assert linked == [(True,)]
    assert await fetch(engine, LINKS) == []


async def test_its_own_revision_creates_the_index_for_search(host: HostProject, engine: AsyncEngine) -> None:
    """And drops it again; a comparison with our models finds no difference."""
    host.change("migrations/env.py", "target_metadata = Base.metadata", BOTH)
    host.configure(
        "include_object=migrations.include_object, include_name=lambda name, *_: name != migrations.VERSION_TABLE"
    )
    host.add_revision("0002", "migrations.create_search_index(op)", "migrations.drop_search_index(op)", after="0001")
    await migrations.upgrade(engine)
    printed = await host.alembic("upgrade 0001:0002 --sql")
    await host.alembic("upgrade 0002", "downgrade 0001", "upgrade 0002")
    created = await fetch(engine, SEARCHABLE)
    clean = await finds_nothing_to_do(host)
    await host.alembic("downgrade 0001")

    assert "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_messages_search_simple" in printed
    assert (created, clean) == ([(True,)], True)
    assert await fetch(engine, SEARCHABLE) == []


async def test_its_own_revision_may_validate_later(host: HostProject, engine: AsyncEngine) -> None:
    host.add_revision("0002", LINK.format(', validate=False, on_delete="restrict"'), UNLINK, after="0001")
    host.add_revision("0003", "migrations.validate_users(op)", "pass", after="0002")
    await migrations.upgrade(engine)
    await host.alembic("upgrade 0002")
    before = await fetch(engine, LINKS)
    await host.alembic("upgrade 0003")

    assert (before, await fetch(engine, LINKS)) == ([(False,)], [(True,)])


async def test_its_own_revision_refuses_when_users_are_missing(
    host: HostProject, engine: AsyncEngine, empty_database: str
) -> None:
    host.add_revision("0002", LINK.format(""), UNLINK, after="0001")
    async with ChatStore(empty_database) as store:
        await store.migrate()
        await store.for_user("ada").conversations.create()
    with pytest.raises(CommandFailed, match="OrphanedConversations: 1 users"):
        await host.alembic("upgrade head")

    assert await fetch(engine, LINKS) == []


async def test_its_own_revision_is_printed(host: HostProject) -> None:
    host.add_revision("0002", LINK.format(', type="uuid", schema="chat"'), UNLINK, after="0001")
    printed = await host.alembic("upgrade 0001:0002 --sql")

    assert 'ALTER TABLE "chat"."conversations" ADD COLUMN IF NOT EXISTS user_uuid uuid' in printed
    assert 'FOREIGN KEY (user_uuid) REFERENCES "users" ("id") ON DELETE CASCADE NOT VALID' in printed


async def test_with_our_models_among_its_own_the_link_is_left_out(host: HostProject, engine: AsyncEngine) -> None:
    """The version table is still to be hidden, and the rest compared."""
    host.change("migrations/env.py", "target_metadata = Base.metadata", BOTH)
    host.configure(
        "include_object=migrations.include_object, include_name=lambda name, *_: name != migrations.VERSION_TABLE"
    )
    host.add_revision("0002", LINK.format(', type="text"'), UNLINK, after="0001")
    await migrations.upgrade(engine)

    assert await finds_nothing_to_do(host)
