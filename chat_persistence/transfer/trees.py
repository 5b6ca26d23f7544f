"""A conversation that is a tree elsewhere, as conversations here: its current branch, and a fork for each other one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chat_persistence.load_values import ConversationLoad, MessageLoad
from chat_persistence.transfer.branches import Branch, branches
from chat_persistence.transfer.identities import Identity

Tell = Callable[[Identity, list[str]], Sequence[MessageLoad]]
"""The messages of a branch, whose ids are those of one conversation."""


@dataclass(frozen=True, slots=True)
class Tree:
    """What is known of it; `key` names it among all that may be imported."""

    user_id: str
    key: tuple[str, ...]
    parents: Mapping[str, str | None]
    current: str
    kept: Mapping[str, Any]
    tell: Tell
    title: str | None
    metadata: dict[str, Any]
    created_at: datetime | None
    updated_at: datetime | None
    archived_at: datetime | None = None


def conversations_of(tree: Tree) -> Iterator[ConversationLoad]:
    """Yield the current branch, and then its forks, which know where they leave it."""
    main = Identity.of(tree.created_at, *tree.key)
    told = branches(tree.parents, tree.current, tree.kept)
    yield _conversation(tree, main, next(told), updated_at=tree.updated_at, archived_at=tree.archived_at)
    for branch in told:
        fork = Identity.of(tree.created_at, *tree.key, branch.keys[-1])
        lineage = {"forked_from": main.conversation_id, "forked_position": branch.shared}
        yield _conversation(tree, fork, branch, archived_at=tree.archived_at, **lineage)


def _conversation(tree: Tree, identity: Identity, branch: Branch, **known: Any) -> ConversationLoad:
    return ConversationLoad(
        user_id=tree.user_id,
        id=identity.conversation_id,
        title=tree.title,
        messages=tree.tell(identity, branch.keys),
        metadata=tree.metadata,
        created_at=tree.created_at,
        **known,
    )
