"""The branches of a conversation that is a tree: an edit, or another reply, is a sibling."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from chat_persistence.transfer.conversion import NotImportable

MAX_FORKS = 100
"""Each has its own copy of what came before, so a tree of many leaves is as large as their number times its depth."""


@dataclass(frozen=True, slots=True)
class Branch:
    """The messages of one branch, from the first on, and how many of them it shares with the current branch."""

    keys: list[str]
    shared: int


def branches(parents: Mapping[str, str | None], current: str, kept: Container[str]) -> Iterator[Branch]:
    """Yield the branch that ends in `current`, and then every other one that says something else.

    `parents` names the parent of every message; a parent that is not there ends the way up. Only messages in `kept`
    are told. Raise `NotImportable` for a message that is its own ancestor, and for more than 100 other branches.
    """
    main = [key for key in _path(parents, current) if key in kept]
    yield Branch(main, len(main))
    told = set(main)
    for number, path in enumerate(_others(parents, kept, told)):
        if number == MAX_FORKS:
            raise NotImportable(f"more than {MAX_FORKS} branches besides the current one: the others were left out")
        yield Branch(path, _shared(main, path))


def _others(parents: Mapping[str, str | None], kept: Container[str], told: set[str]) -> Iterator[list[str]]:
    inner = set(parents.values())
    for leaf in (key for key in parents if key not in inner):
        path = [key for key in _path(parents, leaf) if key in kept]
        # What follows the last message that is kept may have been dropped, or be on a branch that was told.
        if path and path[-1] not in told:
            told.update(path)
            yield path


def _path(parents: Mapping[str, str | None], leaf: str) -> list[str]:
    path: dict[str, None] = {}
    key: str | None = leaf
    while key is not None and key in parents:
        if key in path:
            raise NotImportable("a message is its own ancestor")
        path[key] = None
        key = parents[key]
    return [*reversed(path)]


def _shared(main: list[str], path: list[str]) -> int:
    pairs = enumerate(zip(main, path, strict=False))
    return next((place for place, (ours, theirs) in pairs if ours != theirs), min(len(main), len(path)))
