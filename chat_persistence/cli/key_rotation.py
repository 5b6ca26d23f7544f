"""The command that wraps the users' keys anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence.cli.database import on_engine
from chat_persistence.cli.encryption import KEYS_VARIABLE, read_encryption
from chat_persistence.cli.output import notes, print_json, results
from chat_persistence.errors import ConfigurationError
from chat_persistence.key_ring import KeyRing
from chat_persistence.key_rotation import KeyRotation, Told
from chat_persistence.store import ChatStore


def rotate_keys(url: str, schema: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Wrap them anew, or only count, and print what it came to."""
    key_ring = _key_ring()

    async def rotate(engine: AsyncEngine) -> KeyRotation:
        async with ChatStore(engine=engine, schema=schema) as store:
            with _progress() as told:
                return await store.rotate_keys(key_ring, dry_run=dry_run, on_progress=told)

    rotation = on_engine(url, rotate)
    if as_json:
        print_json(asdict(rotation) | {"current": key_ring.current, "dry_run": dry_run})
    else:
        results().print(_tell(rotation, key_ring.current, dry_run=dry_run))


def _key_ring() -> KeyRing:
    encryption = read_encryption()
    if encryption is None:
        raise ConfigurationError(f"no master keys: set {KEYS_VARIABLE} to name:key,name:key, the current one first")
    return encryption.key_ring


def _tell(rotation: KeyRotation, current: str, *, dry_run: bool) -> str:
    if dry_run:
        return f"{rotation.outdated:,} of {rotation.seen:,} keys are not wrapped by {current} yet"
    told = f"{rotation.rewrapped:,} of {rotation.seen:,} keys are now wrapped by {current}"
    changed = rotation.outdated - rotation.rewrapped
    return f"{told}; {changed:,} were changed meanwhile: run it again" if changed else told


@contextmanager
def _progress() -> Iterator[Told]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=notes(), transient=True) as bars:
        task = bars.add_task("walking over the users' keys", total=None)

        def told(rotation: KeyRotation) -> None:
            bars.update(task, description=f"{rotation.seen:,} keys seen, {rotation.rewrapped:,} wrapped anew")

        yield told
