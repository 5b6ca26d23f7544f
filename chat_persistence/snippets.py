"""The pieces of a message around the words that were searched for."""

from collections.abc import Iterator
from itertools import pairwise

from chat_persistence.search_values import SnippetPart
from chat_persistence.statements.searching import MARK_END, MARK_START

CONTEXT_CHARS = 60
"""Shown on either side of a match, and cut where a word ends."""

MAX_FRAGMENTS = 3
MAX_SHARED_CHARS = 300
"""Of the surroundings that matches near each other share."""

LEFT_OUT = "…"

_Span = tuple[int, int]


def snippet_of(content: str, marked: str) -> tuple[SnippetPart, ...]:
    """Return what to show of a message; `marked` is what the statement made of the beginning of its content."""
    matches = list(_matches(content, marked))
    fragments = _fragments(content, matches) or [_widened(content, 0, 0)]
    parts: list[SnippetPart] = []
    shown_until = 0
    for start, end in fragments:
        parts += _text(LEFT_OUT if start > shown_until else "")
        parts += _parts_of(content, start, end, matches)
        shown_until = end
    return tuple(parts + _text(LEFT_OUT if shown_until < len(content) else ""))


def _matches(content: str, marked: str) -> Iterator[_Span]:
    # Each character of `marked` stands where it stands in the content, but for words that were too long for
    # PostgreSQL, which it leaves out: what comes after one is found a little further.
    before, *found = marked.split(MARK_START)
    position = len(before)
    for piece in found:
        word, _, rest = piece.partition(MARK_END)
        start = content.find(word, position)
        if start < 0:
            return
        yield start, start + len(word)
        position = start + len(word) + len(rest)


def _fragments(content: str, matches: list[_Span]) -> list[_Span]:
    fragments: list[_Span] = []
    for match in matches:
        start, end = _widened(content, *match)
        last_start, last_end = fragments[-1] if fragments else (0, -1)
        if start <= last_end and end - last_start <= MAX_SHARED_CHARS:
            fragments[-1] = (last_start, end)
        elif match[0] < last_end:
            continue
        elif len(fragments) == MAX_FRAGMENTS:
            break
        else:
            fragments.append((max(start, last_end), end))
    return fragments


def _widened(content: str, first: int, last: int) -> _Span:
    start, end = max(first - CONTEXT_CHARS, 0), min(last + CONTEXT_CHARS, len(content))
    words_start = next((i for i in range(start, first) if i == 0 or content[i - 1].isspace()), start)
    words_end = next((i for i in range(end, last, -1) if i == len(content) or content[i].isspace()), end)
    return words_start, words_end


def _parts_of(content: str, start: int, end: int, matches: list[_Span]) -> list[SnippetPart]:
    parts: list[SnippetPart] = []
    inside = [match for match in matches if start <= match[0] and match[1] <= end]
    for (_, before), (first, last) in pairwise([(start, start), *inside]):
        parts += [*_text(content[before:first]), SnippetPart(content[first:last], True)]
    return parts + _text(content[inside[-1][1] if inside else start : end])


def _text(text: str) -> list[SnippetPart]:
    return [SnippetPart(text, False)] if text else []
