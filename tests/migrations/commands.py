"""Running a command of the shell, in this checkout unless told otherwise."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
ALEMBIC = str(Path(sys.executable).with_name("alembic"))
UPGRADE_WHEN_TOLD = """
import asyncio, sys
from chat_persistence import migrations
from chat_persistence.connection import make_engine, read_url

async def main():
    engine = make_engine(read_url(sys.argv[1]))
    await migrations.upgrade(engine)
    await engine.dispose()

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main())
"""
"""A program that upgrades the database of its argument once a line comes in, with everything imported."""


class CommandFailed(Exception):
    """Says what the command complained of."""


async def run(*command: str, cwd: Path = CHECKOUT, **environment: str) -> str:
    """Return what the command printed, or raise `CommandFailed`."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=os.environ | environment, stdout=PIPE, stderr=PIPE
    )
    printed, complaints = await process.communicate()
    if process.returncode != 0:
        raise CommandFailed(complaints.decode() + printed.decode())
    return printed.decode()
