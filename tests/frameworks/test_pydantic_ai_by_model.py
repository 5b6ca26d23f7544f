"""Any program, told to our conversation store and to the one in memory of Pydantic AI: both answer the same."""

from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_ai.conversation_store import InMemoryConversationStore

from chat_persistence import ChatStore
from chat_persistence.integrations.pydantic_ai import ChatConversationStore
from tests.frameworks.conversation_stores import HANDLES, NAMES, Step, TwoStores
from tests.integration.test_pages_by_model import database

IN_HAND = ["new", "say", "say", "edit", "cut", "trim", "serialize", "copy", "use", "defer"]
STORED = ["load", "load_entries", "save", "save", "list", "delete", "fork", "fork"]
MOST = ["turn", "turn", "branch", "branch", "back"] * 3
STEPS = st.builds(
    Step,
    what=st.sampled_from([*IN_HAND, *STORED, *MOST]),
    handle=st.integers(0, HANDLES - 1),
    name=st.sampled_from([0, 0, 0, *range(len(NAMES))]),
    number=st.integers(0, 6),
    other=st.integers(0, 6),
)


# Of Pydantic AI's own JSON, pydantic 2.12.0 warns.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@given(steps=st.lists(STEPS, min_size=20, max_size=80))
@settings(database, max_examples=100)
async def test_any_program_is_answered_as_by_the_store_in_memory(store: ChatStore, steps: list[Step]) -> None:
    user_id = f"model-{uuid4()}"
    processes = [ChatConversationStore(store.for_user(user_id)) for _ in range(2)]
    both = TwoStores(processes, InMemoryConversationStore(), user_id)
    for step in steps:
        await both.take(step)
    await both.compare_all()
