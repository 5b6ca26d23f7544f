"""The run as JSON, under names that stay."""

import json
from dataclasses import asdict
from pathlib import Path

from benchmarks import budgets
from benchmarks.findings import Findings

FORMAT = 1


def write(findings: Findings, path: Path) -> None:
    """Write everything that was found, and every budget, to a file."""
    held = [{**asdict(budget), "is_met": budget.is_met} for budget in budgets.of(findings)]
    said = {"format": FORMAT, **asdict(findings), "budgets": held}
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
