"""The corpus of the demo: every dialogue is there, as text."""

from itertools import groupby
from pathlib import Path

import pytest

from chat_persistence.cli.demo.corpus import Dialogue, dialogues, read_file, sample


@pytest.fixture(scope="module")
def corpus() -> list[Dialogue]:
    return list(dialogues())


def read(folder: Path, written: str) -> list[Dialogue]:
    file = folder / "smalltalk.yml"
    file.write_text(f"categories: [smalltalk]\nconversations:\n{written}", encoding="utf-8")
    return list(read_file(file))


def longest_of_languages(dialogues: list[Dialogue]) -> dict[str, int]:
    languages = groupby(dialogues, key=lambda dialogue: dialogue.language)
    return {language: max(len(dialogue.lines) for dialogue in of_it) for language, of_it in languages}


def test_every_dialogue_of_all_languages_is_read(corpus: list[Dialogue]) -> None:
    assert len({dialogue.language for dialogue in corpus}) >= 28
    assert len(corpus) >= 7_644
    assert sum(len(dialogue.lines) for dialogue in corpus) >= 19_597
    assert sum(dialogue.skipped_lines for dialogue in corpus) == 0


def test_each_dialogue_has_a_place_of_its_own(corpus: list[Dialogue]) -> None:
    assert len({dialogue.place for dialogue in corpus}) == len(corpus)


def test_what_yaml_would_take_for_another_type_stays_what_was_written(tmp_path: Path) -> None:
    (dialogue,) = read(tmp_path, "- - 1e3\n  - no\n  - null\n  - 2024-01-01\n")
    assert dialogue.lines == ("1e3", "no", "null", "2024-01-01")


def test_lines_that_nobody_can_say_are_left_out_and_counted(tmp_path: Path) -> None:
    (dialogue,) = read(tmp_path, "- - Hello\n  - ''\n  - a: mapping\n  - Bye\n- - ''\n")
    assert (dialogue.lines, dialogue.skipped_lines) == (("Hello", "Bye"), 2)


def test_a_dialogue_without_its_line_break_is_one_line(tmp_path: Path) -> None:
    (dialogue,) = read(tmp_path, "- Who are you? - A program.\n")
    assert dialogue.lines == ("Who are you? - A program.",)


def test_a_sample_has_every_language_and_its_longest_dialogue(corpus: list[Dialogue]) -> None:
    chosen = sample(corpus, 280)
    assert len(chosen) <= 28 * 11
    assert longest_of_languages(chosen) == longest_of_languages(corpus)
