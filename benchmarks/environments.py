"""The peers' environments: one each, kept in the user's cache, so that they disturb neither us nor one another."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

INSTALL_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Peer:
    """A store that a user could pick instead, and the program that runs it."""

    name: str
    module: str
    requirements: tuple[str, ...]


PEERS = (
    Peer("OpenAI Agents", "openai_agents", ("openai-agents[sqlalchemy]", "asyncpg")),
    Peer("langchain-postgres", "langchain_postgres_history", ("langchain-postgres", "psycopg[binary,pool]")),
    Peer(
        "LangGraph",
        "langgraph_saver",
        ("langgraph-checkpoint-postgres", "langchain-core", "psycopg[binary,pool]"),
    ),
    Peer("Google ADK", "google_adk", ("google-adk[db]", "sqlalchemy[asyncio]", "asyncpg")),
    Peer("Chainlit", "chainlit_data_layer", ("chainlit", "sqlalchemy[asyncio]", "asyncpg")),
    Peer("LlamaIndex", "llama_index_store", ("llama-index-storage-chat-store-postgres", "asyncpg", "psycopg[binary]")),
)


class PeerUnavailable(Exception):
    """A peer cannot take part any longer; the message says why."""


def prepare(peer: Peer) -> Path:
    """Return the Python that has the peer installed, after making its environment if there was none.

    Raises `PeerUnavailable` with pip's own reason. Delete the folder to get newer versions.
    """
    folder = _cache() / f"{peer.module}-{_digest(peer)}"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run(sys.executable, "-m", "venv", folder)
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.requirements)
        (folder / "complete").touch()
    return python


def _run(*command: str | Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 (our own commands)
            command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerUnavailable(f"cannot be installed: {type(error).__name__}") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        raise PeerUnavailable(f"cannot be installed: {said[0].removeprefix('ERROR: ')}")


def _cache() -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not caches.is_absolute():
        caches = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return caches / "chat_persistence" / "benchmarks"


def _digest(peer: Peer) -> str:
    said = repr((peer.requirements, sys.version_info[:2]))
    return hashlib.sha256(said.encode()).hexdigest()[:12]
