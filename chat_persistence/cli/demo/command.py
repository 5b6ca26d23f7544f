"""The command `demo`: which dialogues, on which database, and what is printed."""

import asyncio
import shlex
from collections.abc import Sequence
from dataclasses import asdict

import typer

from chat_persistence.cli.database import Database, open_database
from chat_persistence.cli.demo.corpus import Dialogue, dialogues, languages, sample
from chat_persistence.cli.demo.erase import erase
from chat_persistence.cli.demo.report import print_failures, print_outcome
from chat_persistence.cli.demo.run import Outcome, run
from chat_persistence.cli.demo.script import write_scripts
from chat_persistence.cli.outcome import FAILED
from chat_persistence.cli.output import notes, print_json, results

SAMPLE = 1100


def choose(wanted: Sequence[str], *, everything: bool) -> list[Dialogue]:
    """Return the dialogues to play; a language that the corpus has not is wrong usage."""
    known = languages()
    if unknown := sorted(set(wanted).difference(known)):
        raise typer.BadParameter(f"no {', '.join(unknown)} in the corpus, which has: {', '.join(known)}")
    chosen = list(dialogues(*sorted(set(wanted))))
    return chosen if everything else sample(chosen, SAMPLE)


def play(url: str, chosen: Sequence[Dialogue], *, users: int, migrate: bool, as_json: bool) -> None:
    """Play, verify and tell; exits with 1 when anything is not as it should be."""
    with open_database(url) as database:
        _tell_where(database)
        scripts = write_scripts(chosen, users)
        outcome = asyncio.run(run(database.url, scripts, migrate=migrate or database.is_embedded))
    if as_json:
        print_json(_as_json(database, outcome))
    else:
        print_outcome(results(), outcome, is_embedded=database.is_embedded)
    if outcome.failures:
        print_failures(notes(), outcome.failures)
        raise typer.Exit(FAILED)


def remove(url: str, *, migrate: bool, as_json: bool) -> None:
    """Remove what the demo stored, in whatever run."""
    with open_database(url) as database:
        erased = asyncio.run(erase(database.url, migrate=migrate or database.is_embedded))
    if as_json:
        print_json(asdict(erased))
    else:
        results().print(f"removed {erased.conversations:,} conversations of {erased.users} users")


def _tell_where(database: Database) -> None:
    if database.data_directory is not None:
        folder = shlex.quote(str(database.data_directory))
        notes().print(
            f"the server keeps its data in {folder}; `chat-persistence demo --erase` removes what the demo stores, "
            f"`rm -r {folder}` everything"
        )


def _as_json(database: Database, outcome: Outcome) -> dict[str, object]:
    return {
        "ok": not outcome.failures,
        **asdict(outcome.measures),
        "failures": outcome.failures,
        "data_directory": None if database.data_directory is None else str(database.data_directory),
    }
