"""Any program, told to our conversation store and to the one in memory of Pydantic AI: both answer the same."""

from random import Random
from uuid import uuid4

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic_ai.conversation_store import InMemoryConversationStore

from chat_persistence import ChatStore
from chat_persistence.integrations.pydantic_ai import ChatConversationStore
from tests.frameworks.conversation_stores import HANDLES, NAMES, Step, TwoStores
from tests.integration.test_pages_by_model import database

IN_HAND = ["new", "say", "say", "edit", "cut", "trim", "serialize", "copy", "use", "defer"]
STORED = ["load", "load_entries", "save", "save", "list", "delete", "fork", "fork"]
MOST = ["turn", "turn", "branch", "branch", "back"] * 3
MOST_STEPS = 200


def program(random: Random) -> list[Step]:
    """Return what a program does; most of it is done to one conversation."""
    return [
        Step(
            what=random.choice([*IN_HAND, *STORED, *MOST]),
            handle=random.randrange(HANDLES),
            name=random.choice([0, 0, 0, *range(len(NAMES))]),
            number=random.randrange(7),
            other=random.randrange(7),
        )
        for _ in range(random.randint(10, MOST_STEPS))
    ]


# Of Pydantic AI's own JSON, pydantic 2.12.0 warns.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@given(seed=st.integers(0, 2**64))
# What Hypothesis would make of a list of steps has few that go on from one another; nor does a seed shrink.
@settings(database, max_examples=25, phases=[Phase.explicit, Phase.generate])
async def test_any_program_is_answered_as_by_the_store_in_memory(store: ChatStore, seed: int) -> None:
    chat = store.for_user(f"model-{uuid4()}")
    processes = [ChatConversationStore(chat) for _ in range(2)]
    both = TwoStores(processes, InMemoryConversationStore(), chat.user_id)
    for number, step in enumerate(program(Random(seed))):  # noqa: S311
        await both.take(step)
        if number % 20 == 0:
            await both.compare_all()
    await both.compare_all()

    for name in NAMES:
        await processes[0].delete(name)
    assert (await chat.usage()).messages == 0
