"""What another program calls a conversation, and the id that it has here."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_persistence import InvalidInput, conversation_id_of
from chat_persistence.identifiers import uuid7


def test_a_written_uuid_is_itself() -> None:
    id = uuid7()

    assert conversation_id_of(str(id)) == id


@given(st.text(min_size=1, max_size=40))
def test_any_other_name_gives_the_same_id_every_time(name: str) -> None:
    id = conversation_id_of(name)

    assert id == conversation_id_of(name)
    assert id == UUID(str(id))


def test_names_that_differ_in_case_are_two_conversations() -> None:
    id = str(uuid7())

    assert len({conversation_id_of(name) for name in ("support", "Support", id.upper(), id, f"{{{id}}}")}) == 5


def test_the_id_of_a_name_never_changes() -> None:
    # It is stored: another derivation would lose every conversation that a framework has named.
    assert conversation_id_of("support-42") == UUID("a4338408-7226-88f6-8289-da9ed9201f50")


@pytest.mark.parametrize("name", ["", "x" * 1_001, None, 7])
def test_what_is_no_name_is_refused(name: Any) -> None:
    with pytest.raises(InvalidInput):
        conversation_id_of(name)
