"""The branches of a conversation that is a tree: an edit, or another reply, is a sibling."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from chat_persistence.transfer.conversion import NotImportable

MAX_FORKS = 100
"""Each has its own copy of what came before, so a tree of many leaves is as large as their number times its depth."""

Parents = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Branch:
    """The messages of one branch, from the first on, and how many of them it shares with the current branch."""

    keys: list[str]
    shared: int


def branches(parents: Parents, current: str, kept: Collection[str]) -> Iterator[Branch]:
    """Yield the branch that leads to `current`, and then every one that says something else.

    `parents` names the parent of every message; a parent that is not there ends the way up. Only messages in `kept`
    are told. Raise `NotImportable` for a message that is its own ancestor, and for more than 100 other branches.
    """
    above = {key: _first_kept(parents, parents[key], kept) for key in kept}
    main = _path(above, _first_kept(parents, current, kept))
    yield Branch(main, len(main))
    inner = {*above.values(), *main}
    leaves = [key for key in above if key not in inner]
    for leaf in leaves[:MAX_FORKS]:
        path = _path(above, leaf)
        yield Branch(path, _shared(main, path))
    if len(leaves) > MAX_FORKS:
        raise NotImportable(f"more than {MAX_FORKS} branches besides the current one: the others were left out")


def _first_kept(parents: Parents, start: str | None, kept: Collection[str]) -> str | None:
    """Return the first message, from one upwards, that is kept."""
    key = start
    for _ in range(len(parents) + 2):
        if key is None or key in kept:
            return key
        key = parents.get(key)
    raise _own_ancestor()


def _path(parents: Parents, leaf: str | None) -> list[str]:
    path: dict[str, None] = {}
    key = leaf
    while key is not None:
        if key in path:
            raise _own_ancestor()
        path[key] = None
        key = parents[key]
    return [*reversed(path)]


def _own_ancestor() -> NotImportable:
    return NotImportable("a message is its own ancestor")


def _shared(main: list[str], path: list[str]) -> int:
    pairs = enumerate(zip(main, path, strict=False))
    return next((place for place, (ours, theirs) in pairs if ours != theirs), min(len(main), len(path)))
