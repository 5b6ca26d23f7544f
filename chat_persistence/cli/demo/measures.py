"""What was counted and measured, in figures that a script or a person can read."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Self

from chat_persistence.cli.demo.play import Performance
from chat_persistence.cli.demo.script import Script


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """The middle of many durations, and what 95 of 100 stay below."""

    median: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        """Sum up durations, of which there is at least one."""
        highest = quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
        return cls(round(1000 * median(seconds), 2), round(1000 * highest, 2))


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast the turns of one way of playing were."""

    turns: int
    turns_per_second: float
    last_ms: Milliseconds
    append_ms: Milliseconds

    @classmethod
    def of(cls, performance: Performance) -> Self | None:
        """Sum up what was played; None when nothing was."""
        turns = len(performance.appends)
        if not turns:
            return None
        return cls(
            turns,
            round(turns / performance.seconds, 1),
            Milliseconds.of(performance.reads),
            Milliseconds.of(performance.appends),
        )


@dataclass(frozen=True, slots=True)
class Measures:
    """The whole demo in figures; the fields are the keys of `--json`."""

    users: int
    languages: int
    conversations: int
    messages: int
    tool_calls: int
    skipped_lines: int
    stored: int
    found: int
    alone: Speed | None
    at_once: Speed | None
    seconds: float


def measure(scripts: Sequence[Script], alone: Performance, at_once: Performance, seconds: float) -> Measures:
    """Sum up a run."""
    messages = [message for script in scripts for message in script.messages]
    return Measures(
        users=len({script.user_id for script in scripts}),
        languages=len({script.dialogue.language for script in scripts}),
        conversations=len(scripts),
        messages=len(messages),
        tool_calls=sum(len(message.tool_calls) for message in messages),
        skipped_lines=sum(script.dialogue.skipped_lines for script in scripts),
        stored=alone.stored + at_once.stored,
        found=alone.found + at_once.found,
        alone=Speed.of(alone),
        at_once=Speed.of(at_once),
        seconds=round(seconds, 2),
    )
