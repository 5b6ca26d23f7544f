"""A real PgBouncer in front of a database, for as long as a block runs."""

import asyncio
import getpass
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from chat_persistence.connection_url import take_apart
from chat_persistence.errors import ConfigurationError
from chat_persistence.selftest.addresses import through_socket
from chat_persistence.selftest.relay import Relay

KEEPER = Path(__file__).with_name("pgbouncer_keeper.py")

PORT = "6432"
"""In the name of its socket, by which a URL's reader knows a pooler."""

START_TIMEOUT = 10.0
LOG_TAIL = 1_000

SBIN = "/usr/sbin"
"""Where Debian puts it, and where an ordinary user's $PATH does not lead."""

PoolMode = Literal["session", "transaction"]


def obstacle() -> str | None:
    """Say why there can be no PgBouncer here, if so."""
    if _find_program() is None:
        return "PgBouncer is not installed here (Debian: apt-get install pgbouncer)"
    return None


def version() -> tuple[int, int]:
    """Return the version of the PgBouncer that is installed, such as (1, 25)."""
    told = subprocess.run([_program(), "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    major, minor = re.findall(r"[0-9]+", told)[:2]
    return int(major), int(minor)


@asynccontextmanager
async def pooled(
    url: str, *, pool_mode: PoolMode = "transaction", server_connections: int = 4, kept_statements: int = 0
) -> AsyncIterator[tuple[str, Relay]]:
    """Yield the URL that leads through a PgBouncer, and the relay between that and the server.

    It is a process of its own, behind a socket that only this user can reach, and gone with its owner, however that
    ends. `kept_statements`, from PgBouncer 1.21 on, are those that it keeps for its clients. It reaches the server
    by the relay because another user than root, as which it has to run, cannot come to an embedded one's socket.
    """
    relay = Relay(url)
    async with relay.listening() as relayed:
        configuration = _configuration(relayed, pool_mode, server_connections, kept_statements)
        async with _running(configuration) as folder:
            yield through_socket(url, folder, PORT), relay


def _configuration(url: str, pool_mode: PoolMode, server_connections: int, kept_statements: int) -> str:
    (server,), said = take_apart(url)
    target = {
        "host": server.name,
        "port": server.port,
        "user": said.get("user") or getpass.getuser(),
        "password": said.get("password", ""),
    }
    settings = {
        "listen_addr": "",
        "listen_port": PORT,
        "unix_socket_dir": ".",
        "unix_socket_mode": "0700",
        "auth_type": "any",
        "pool_mode": pool_mode,
        "default_pool_size": server_connections,
        "server_tls_sslmode": said.get("sslmode", "prefer"),
    }
    if version() >= (1, 21):
        settings["max_prepared_statements"] = kept_statements
    return "\n".join(
        [
            "[databases]",
            # An empty value would be a syntax error.
            "* = " + " ".join(f"{name}={_quoted(value)}" for name, value in target.items() if value),
            "[pgbouncer]",
            *[f"{name} = {value}" for name, value in settings.items()],
        ]
    )


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@asynccontextmanager
async def _running(configuration: str) -> AsyncIterator[str]:
    hand, keepers = socket.socketpair()
    keeper = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", KEEPER, _program()),
        stdin=keepers.fileno(),
        stdout=keepers.fileno(),
        start_new_session=True,
    )
    keepers.close()
    reader, writer = await asyncio.open_unix_connection(sock=hand)
    try:
        writer.write(json.dumps(configuration).encode() + b"\n")
        folder = (await reader.readline()).decode().rstrip("\n")
        if not folder:
            raise ConfigurationError("PgBouncer cannot be started here: what it says is on standard error")
        await _wait_until_it_listens(Path(folder))
        yield folder
    finally:
        writer.close()
        await keeper.wait()


async def _wait_until_it_listens(folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            _, writer = await asyncio.open_unix_connection(folder / f".s.PGSQL.{PORT}")
        except OSError:
            if time.monotonic() > deadline:
                tail = (folder / "log").read_text(errors="replace")[-LOG_TAIL:]
                raise ConfigurationError(f"PgBouncer does not listen. Its log:\n{tail}") from None
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


def _program() -> str:
    program = _find_program()
    if program is None:
        raise ConfigurationError(str(obstacle()))
    return program


def _find_program() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{SBIN}")
