"""A host's own Alembic project, as `alembic init` makes it, with tables of users and tasks."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.migrations.commands import ALEMBIC, run

ALEMBIC_LINES = """
import shlex, sys
from alembic.config import main

for line in sys.argv[1:]:
    main(shlex.split(line), prog="alembic")
"""
"""What the `alembic` command does, for several lines: most of a second goes into imports."""

MODELS = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class User(Base):
    __tablename__ = "users"
    id: Mapped[str] = mapped_column(primary_key=True)

class Task(Base):
    __tablename__ = "tasks"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
"""
REVISION = '''"""{message}"""

from alembic import op
import sqlalchemy as sa
from chat_persistence import migrations

revision, down_revision, branch_labels, depends_on = "{revision}", {down_revision}, {branch_labels}, {depends_on}


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    {downgrade}
'''
CREATE = (
    'op.create_table("users", sa.Column("id", sa.String(), primary_key=True)); '
    'op.create_table("tasks", sa.Column("id", sa.Integer(), primary_key=True),'
    ' sa.Column("user_id", sa.String(), sa.ForeignKey("users.id"), nullable=False))'
)
TARGET = "from chat_persistence import migrations\nfrom models import Base\n\ntarget_metadata = Base.metadata"
CONFIGURED = "target_metadata=target_metadata"


@dataclass(frozen=True)
class HostProject:
    """The project's folder; `alembic` runs in it, on the test's database."""

    folder: Path

    async def alembic(self, *lines: str) -> str:
        return await run(sys.executable, "-c", ALEMBIC_LINES, *lines, cwd=self.folder)

    def connect(self, url: str) -> None:
        # A "%" would be read as the beginning of an interpolation.
        asynchronous = url.replace("postgresql:", "postgresql+asyncpg:").replace("%", "%%")
        self.change("alembic.ini", "driver://user:pass@localhost/dbname", asynchronous)

    def configure(self, options: str) -> None:
        """Give `env.py` more options for `context.configure`, online and on paper."""
        self.change("migrations/env.py", CONFIGURED, f"{CONFIGURED}, {options}")

    def merge(self, location: Path) -> None:
        """Have the host's history take in the revisions of a folder."""
        ini = self.folder / "alembic.ini"
        lines = f"version_locations = %(here)s/migrations/versions:{location}"
        ini.write_text(ini.read_text().replace("[alembic]\n", f"[alembic]\n{lines}\n", 1))

    def add_models(self, source: str) -> None:
        path = self.folder / "models.py"
        path.write_text(path.read_text() + source)

    def add_revision(
        self,
        revision: str,
        upgrade: str,
        downgrade: str,
        *,
        after: str | None = None,
        branch_labels: str | None = None,
        depends_on: str | None = None,
    ) -> None:
        source = REVISION.format(
            message=revision,
            revision=revision,
            upgrade=upgrade,
            downgrade=downgrade,
            down_revision=repr(after),
            branch_labels=repr(branch_labels),
            depends_on=repr(depends_on),
        )
        (self.folder / "migrations" / "versions" / f"{revision}.py").write_text(source)

    def change(self, file: str, before: str, after: str) -> None:
        path = self.folder / file
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))


async def new_project(folder: Path) -> HostProject:
    """Make a project whose first revision, `0001`, makes the tables; it has no database yet."""
    await run(ALEMBIC, "init", "--template", "async", "migrations", cwd=folder)
    (folder / "models.py").write_text(MODELS)
    project = HostProject(folder)
    project.change("migrations/env.py", "target_metadata = None", TARGET)
    project.add_revision("0001", CREATE, 'op.drop_table("tasks"); op.drop_table("users")', branch_labels="app")
    return project


def copy_project(project: HostProject, folder: Path, url: str) -> HostProject:
    """Return a copy in a folder that is not there yet, for a database of its own."""
    shutil.copytree(project.folder, folder)
    copy = HostProject(folder)
    copy.connect(url)
    return copy
