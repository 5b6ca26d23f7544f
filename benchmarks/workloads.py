"""What all contenders are asked to do."""

from benchmarks.loops import Workload
from benchmarks.names import numbered, sized
from benchmarks.scale import FAR_TASKS, TASK_CONVERSATIONS, TASKS, Scale

CHATS = numbered("task", TASK_CONVERSATIONS)


def last_of(messages: int) -> str:
    """Name the reading of the last 50 from a conversation of this size."""
    return f"last 50 of {messages:,}"


def loop_with(tasks: int) -> str:
    """Name the loop of read and append with so many tasks."""
    return f"read then append, {tasks} task{'s' if tasks > 1 else ''}"


def append_with(tasks: int) -> str:
    """Name the append with so many tasks."""
    return f"append a turn, {tasks} task{'s' if tasks > 1 else ''}"


LIST = "list 20 conversations"


def near(scale: Scale) -> dict[str, Workload]:
    """Return, by name, what is done with the server at hand."""
    return {
        append_with(1): Workload("append", CHATS),
        append_with(16): Workload("append", CHATS, 16),
        **{last_of(size): Workload("last", (sized(size),)) for size in scale.sizes},
        LIST: Workload("list"),
        **{loop_with(tasks): Workload("read_then_append", CHATS, tasks) for tasks in TASKS},
    }


def far(scale: Scale) -> dict[str, Workload]:
    """Return, by name, what is done with the server 1 ms further away."""
    size = scale.sizes[1]
    return {
        append_with(1): Workload("append", CHATS),
        last_of(size): Workload("last", (sized(size),)),
        loop_with(1): Workload("read_then_append", CHATS),
        loop_with(FAR_TASKS): Workload("read_then_append", CHATS, FAR_TASKS),
    }
