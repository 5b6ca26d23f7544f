"""The pieces of a message around what was searched for."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from chat_persistence import MessageRead, MessageRole, SearchHit, SnippetPart
from chat_persistence.snippets import CONTEXT_CHARS, LEFT_OUT, MAX_FRAGMENTS, MAX_SHARED_CHARS, snippet_of
from chat_persistence.statements.searching import MARK_END, MARK_START


def shown(content: str, marked: str) -> str:
    """Return a snippet with brackets around its matches; `marked` has them around what PostgreSQL found."""
    parts = snippet_of(content, marked.replace("[", MARK_START).replace("]", MARK_END))
    return "".join(f"[{part.text}]" if part.is_match else part.text for part in parts)


def test_of_a_short_message_all_is_shown() -> None:
    assert shown("A train to Rome", "A [train] to [Rome]") == "A [train] to [Rome]"


def test_without_a_match_the_beginning_is_shown() -> None:
    content = "word " * 100

    assert shown(content, content) == content[:CONTEXT_CHARS].rstrip() + LEFT_OUT


def test_what_is_far_from_a_match_is_left_out_where_a_word_ends() -> None:
    before, after = "before " * 40, " after" * 40
    snippet = shown(f"{before}Rome{after}", f"{before}[Rome]{after}")

    assert snippet == LEFT_OUT + before[-56:] + "[Rome]" + after[:60] + LEFT_OUT


def test_where_no_word_ends_it_is_cut_in_its_midst() -> None:
    snippet = shown("字" * 100 + "。火車。" + "字" * 100, "字" * 100 + "。[火車]。" + "字" * 100)

    assert snippet == LEFT_OUT + "字" * 59 + "。[火車]。" + "字" * 59 + LEFT_OUT


def test_of_many_matches_the_first_few_are_shown() -> None:
    content = ("Rome" + " far" * 100) * 10
    parts = snippet_of(content, content.replace("Rome", f"{MARK_START}Rome{MARK_END}"))

    assert sum(part.is_match for part in parts) == MAX_FRAGMENTS


def test_matches_that_are_near_share_their_surroundings() -> None:
    assert shown("a b c a b c", "[a] b c [a] b c") == "[a] b c [a] b c"


@pytest.mark.parametrize(
    "content", ["Rome " * 20_000, "Rome " * 30, "Rome far far far far far far far far far far " * 99]
)
def test_a_snippet_is_short_whatever_is_found(content: str) -> None:
    parts = snippet_of(content, content.replace("Rome", f"{MARK_START}Rome{MARK_END}"))
    text = "".join(part.text for part in parts)

    assert len(text) <= MAX_FRAGMENTS * (MAX_SHARED_CHARS + len(LEFT_OUT)) + len(LEFT_OUT)
    assert any(part.is_match for part in parts)
    assert all(piece in content for piece in text.split(LEFT_OUT))


def test_places_are_those_of_the_content_whatever_stands_between() -> None:
    """PostgreSQL was given spaces for what it should not read."""
    assert shown("x\x00a.b\ud800<c>\ufdd0d", "x [a] b  [c]  [d]") == "x\x00[a].b\ud800<[c]>\ufdd0[d]"


def test_after_a_word_that_postgresql_left_out_the_next_match_is_found_all_the_same() -> None:
    long_word = "x" * 3000

    assert shown(f"a {long_word} b", "[a]  [b]").endswith("[b]")


def test_a_match_that_is_not_in_the_content_ends_it() -> None:
    assert shown("a b", "[a] [c]") == "[a] b"


def test_as_html_everything_of_the_user_is_escaped() -> None:
    parts = (SnippetPart("<b>&\ud800", False), SnippetPart('"Rome"', True))
    noon = datetime(2020, 2, 2, 12, tzinfo=UTC)
    message = MessageRead(UUID(int=1), "ada", 1, UUID(int=2), MessageRole.USER, "", [], None, None, None, noon)

    assert SearchHit(message, parts).html() == "&lt;b&gt;&amp;\ufffd<mark>&quot;Rome&quot;</mark>"
