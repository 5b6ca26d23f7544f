"""The scripts travel in the wheel, and work where there is no checkout."""

import re
import sys
import sysconfig
import textwrap
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import migrations
from tests.migrations.catalog import tables
from tests.migrations.commands import CHECKOUT, UPGRADE_WHEN_TOLD, run
from tests.migrations.host_project import new_project

ALEMBIC_FOLDER = CHECKOUT / "alembic"
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


@pytest.fixture(scope="session")
async def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Without Hatchling at hand, pip fetches it.
    isolation = ["--no-build-isolation"] if find_spec("hatchling") else []
    await run(*PIP, "wheel", ".", "--no-deps", *isolation, "--wheel-dir", str(folder))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
async def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of a new environment that has the wheel, and borrows what the wheel depends on."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = str(folder / "bin" / "python")
    await run(*PIP, "--python", python, "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = folder.glob("lib/python*/site-packages")
    # A line of a .pth file comes after the wheel in `sys.path`, and the .pth files it leads to are not read:
    # an editable install of this checkout stays out.
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return python


def test_the_wheel_has_exactly_the_scripts(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if "alembic" in name}
    scripts = [path for path in ALEMBIC_FOLDER.rglob("*") if path.suffix in (".py", ".mako")]

    assert shipped == {f"chat_persistence/_alembic/{script.relative_to(ALEMBIC_FOLDER)}" for script in scripts}


async def test_an_installed_wheel_upgrades_an_empty_database(
    installed: str, empty_database: str, engine: AsyncEngine, tmp_path: Path
) -> None:
    await run(installed, "-c", UPGRADE_WHEN_TOLD, empty_database, cwd=tmp_path)

    assert (await migrations.status(engine)).is_current


async def test_an_installed_wheel_finds_its_own_scripts(installed: str, tmp_path: Path) -> None:
    printed = await run(
        installed,
        "-c",
        "from chat_persistence.migrations import script_location; print(script_location())",
        cwd=tmp_path,
    )

    assert printed.strip().endswith("site-packages/chat_persistence/_alembic")


async def test_a_hosts_history_takes_in_an_installed_wheels_revisions(
    installed: str, empty_database: str, engine: AsyncEngine, tmp_path: Path
) -> None:
    """By the README's own lines of `alembic.ini`."""
    (lines,) = re.findall(r"```ini\n(.*?)```", (CHECKOUT / "README.md").read_text(), re.DOTALL)
    project = await new_project(tmp_path)
    project.change("alembic.ini", "path_separator = os\n", textwrap.dedent(lines))
    project.configure("include_name=migrations.include_name, on_version_apply=migrations.record_version")
    project.connect(empty_database)
    await run(installed, "-m", "alembic", "upgrade", "heads", cwd=tmp_path)

    assert (await migrations.status(engine)).is_current
    assert "public.users" in await tables(engine)


async def test_alembic_itself_runs_on_an_installed_wheel(
    installed: str, empty_database: str, engine: AsyncEngine, tmp_path: Path
) -> None:
    """By three lines of a host's own `pyproject.toml`."""
    (tmp_path / "pyproject.toml").write_text('[tool.alembic]\nscript_location = "chat_persistence:_alembic"\n')
    await run(installed, "-m", "alembic", "upgrade", "head", cwd=tmp_path, DATABASE_URL=empty_database)

    assert (await migrations.status(engine)).is_current
