"""What long work on whole conversations tells: how far it has come, and what it came to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """What was exported, and the last conversation of it: given as `after`, an export goes on behind it."""

    conversations: int = 0
    messages: int = 0
    user_id: str | None = None
    conversation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PruneReport:
    """What a prune has deleted, or would delete when it is a `dry_run`: conversations without activity since `before`.

    `messages` went with their conversations; `examined` are all conversations that were looked at.
    """

    before: datetime
    dry_run: bool
    examined: int = 0
    active: int = 0
    archived: int = 0
    messages: int = 0

    @property
    def conversations(self) -> int:
        """How many conversations, active and archived."""
        return self.active + self.archived

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "before": self.before.isoformat(),
            "dry_run": self.dry_run,
            "examined": self.examined,
            "conversations": self.conversations,
            "active": self.active,
            "archived": self.archived,
            "messages": self.messages,
        }


class ErasureReceipt(int):
    """What was erased of one user, by tables; as a number, how many conversations.

    Of a `dry_run`, what there was to erase. `finished_at` is the time of the machine that erased.
    """

    user_id: str
    conversations: int
    messages: int
    drafts: int
    user_keys: int
    finished_at: datetime
    dry_run: bool

    def __new__(
        cls,
        *,
        user_id: str,
        conversations: int,
        messages: int,
        drafts: int,
        user_keys: int,
        finished_at: datetime,
        dry_run: bool = False,
    ) -> "ErasureReceipt":
        """Return the receipt."""
        receipt = super().__new__(cls, conversations)
        receipt.user_id = user_id
        receipt.conversations = conversations
        receipt.messages = messages
        receipt.drafts = drafts
        receipt.user_keys = user_keys
        receipt.finished_at = finished_at
        receipt.dry_run = dry_run
        return receipt

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, object]]:
        return (), vars(self)

    def __repr__(self) -> str:
        return f"ErasureReceipt({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return vars(self) | {"finished_at": self.finished_at.isoformat()}
