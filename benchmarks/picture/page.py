"""The page: both charts side by side, and what they were measured on."""

from collections.abc import Iterator

from benchmarks.findings import Findings
from benchmarks.names import OURS
from benchmarks.picture.bars import bars
from benchmarks.picture.lines import Chart, Series
from benchmarks.picture.shapes import STYLE, text
from benchmarks.scale import TASK_MESSAGES
from benchmarks.workloads import last_of, loop_with

WIDTH, HEIGHT = 980, 420
MARGIN = 20
CHART_TOP, CHART_HEIGHT = 60, 300
BARS_WIDTH = 440
TASKS = 16


def draw(findings: Findings) -> str:
    """Return the picture of a run."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img">\n<title>chat_persistence beside what a user could pick instead</title>\n'
    )
    return head + f"<style>{STYLE}</style>\n" + "\n".join(_content(findings)) + "\n</svg>\n"


def _content(findings: Findings) -> Iterator[str]:
    loop = {name: figure.per_second for name, figure in findings.near[loop_with(TASKS)].items()}
    yield text(MARGIN, 24, f"Read, then append a turn: a second, {TASKS} tasks", "title")
    yield text(MARGIN, 42, f"the last 50 of some {TASK_MESSAGES} messages; one process; more is better", "small")
    yield from bars(loop, MARGIN, CHART_TOP, BARS_WIDTH, CHART_HEIGHT)
    left = MARGIN + BARS_WIDTH + MARGIN
    yield text(left, 24, "Time of the last 50, by messages in the conversation", "title")
    yield text(left, 42, "one task; both axes by powers of ten; less is better", "small")
    yield from Chart(_series(findings), left, CHART_TOP, WIDTH - left - MARGIN, CHART_HEIGHT).draw()
    for nth, said in enumerate(caption(findings)):
        yield text(MARGIN, HEIGHT - 28 + 15 * nth, said, "small")


def _series(findings: Findings) -> Series:
    series: dict[str, dict[int, float]] = {}
    for grown in findings.conversations:
        for name, figure in findings.near.get(last_of(grown.size), {}).items():
            series.setdefault(name, {})[grown.size] = figure.wall_ms.median
    return series


def caption(findings: Findings) -> tuple[str, str]:
    """Say when, what and on what."""
    server, client, machine = findings.server, findings.client, findings.machine
    rounds = max(figure.rounds for figure in findings.near[loop_with(TASKS)].values())
    what = (
        f"{findings.date} · {OURS} {client['chat-persistence']}, asyncpg {client['asyncpg']}, SQLAlchemy "
        f"{client['sqlalchemy']}, Python {client['python']} · medians of up to {rounds} interleaved rounds"
    )
    where = (
        f"PostgreSQL {server['server_version']} ({server['kind']}, {server['reached_by']}, fsync {server['fsync']}) · "
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory']}, {machine['system']}"
    )
    return what, where
