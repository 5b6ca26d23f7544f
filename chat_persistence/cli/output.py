"""Where a command writes: results to stdout, everything else to stderr."""

import json
import sys
from collections.abc import Mapping
from io import TextIOWrapper

from rich.console import Console


def accept_all_text() -> None:
    """Have both streams write what a terminal's encoding lacks as escapes, where Python would raise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def results() -> Console:
    """Return the console of what was asked for. Text is printed as it is: a user's brackets are no markup."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def notes() -> Console:
    """Return the console of progress and advice."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_json(result: Mapping[str, object]) -> None:
    """Print one object on one line, in ASCII, which no terminal or pipe can garble."""
    sys.stdout.write(json.dumps(result) + "\n")
