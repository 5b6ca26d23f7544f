"""The dialogues of the PyPI package chatterbot-corpus, as text and nothing but text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from chatterbot_corpus.corpus import DATA_DIRECTORY


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a user and an assistant say by turns, the user first. Its number counts from 1 in its file.

    `skipped_lines` were empty, or not text, and nobody can say them.
    """

    language: str
    file: str
    number: int
    lines: tuple[str, ...]
    skipped_lines: int = 0

    @property
    def place(self) -> str:
        """Where it stands in the corpus."""
        return f"{self.language}/{self.file}/{self.number}"


def languages() -> list[str]:
    """Return the languages of the corpus."""
    return sorted(folder.name for folder in Path(DATA_DIRECTORY).iterdir() if any(folder.glob("*.yml")))


def dialogues(*chosen: str) -> Iterator[Dialogue]:
    """Yield every dialogue of the languages, else of all: parsing the whole corpus takes a fraction of a second."""
    for language in chosen or languages():
        for file in sorted(Path(DATA_DIRECTORY, language).glob("*.yml")):
            yield from read_file(file)


def read_file(file: Path) -> Iterator[Dialogue]:
    """Yield the dialogues of one file, whose folder is named by the language."""
    # A base loader makes no types, so that `- 42`, `- no` and `- null` stay what was written.
    document = yaml.load(file.read_bytes(), getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506
    for number, written in enumerate(document["conversations"], start=1):
        lines = _lines(written)
        said = tuple(line for line in lines if isinstance(line, str) and line.strip())
        if said:
            yield Dialogue(file.parent.name, file.stem, number, said, len(lines) - len(said))


def sample(dialogues: Iterable[Dialogue], size: int) -> list[Dialogue]:
    """Return about `size` dialogues, as many of each language as it has, up to an equal share."""
    languages = [list(group) for _, group in groupby(dialogues, key=lambda dialogue: dialogue.language)]
    share = max(1, size // max(1, len(languages)))
    return [dialogue for language in languages for dialogue in _spread(language, share)]


def _lines(written: Any) -> list[Any]:
    # A few dialogues of the corpus are one string, where a line break is missing: one line.
    return written if isinstance(written, list) else [written]


def _spread(dialogues: Sequence[Dialogue], count: int) -> list[Dialogue]:
    """Return the longest and, evenly spread, some of the others."""
    longest = max(dialogues, key=lambda dialogue: len(dialogue.lines))
    step = -(-len(dialogues) // count)
    return [dialogue for place, dialogue in enumerate(dialogues) if place % step == 0 or dialogue is longest]
