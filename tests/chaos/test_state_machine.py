"""Any calls of any users, met by any faults: the store cannot be told apart from its model."""

import asyncio
import gc
import random
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from chat_persistence import OutcomeUnknown
from tests.chaos.actions import (
    Action,
    Pages,
    appends,
    appends_of,
    changes,
    dialogues,
    erasures,
    outcome,
    pages,
    reads,
    reads_by_turns,
    single_calls,
)
from tests.chaos.model import ModelChats
from tests.chaos.relay_thread import RelayThread, relay_thread
from tests.chaos.world import NOTHING, UNDONE, USERS, Fault, World, has_failed
from tests.told import everything, told

# One after another: each wants the machine for itself.
pytestmark = pytest.mark.xdist_group("chaos")

TIMED = settings(
    deadline=None,
    print_blob=True,
    phases=[Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
FEW = settings(TIMED, max_examples=25, stateful_step_count=30)
MANY = settings(TIMED, max_examples=2_000, stateful_step_count=50)
"""As the design asks of a release."""

NO_FAULT = Fault("none")

users = st.integers(0, USERS - 1)
milliseconds = st.integers(0, 40).map(lambda tenths: tenths / 10)
faults = st.one_of(
    st.builds(Fault, st.sampled_from(["cancel", "drop"]), milliseconds),
    st.builds(Fault, st.just("cut"), calls=st.integers(0, 4)),
)

Possible = tuple[Any, ModelChats]
"""What may be told, and what is there then."""


class ChatMachine(RuleBasedStateMachine):
    """Three users who use the same few ids, and make every call that there is."""

    sent = Bundle("sent")

    def __init__(self, database_url: str, relay: RelayThread) -> None:
        super().__init__()
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._world = World(database_url, relay)
        self._places: dict[tuple[int, bool], tuple[str | None, str | None]] = {}
        self._run(self._world.open())

    def teardown(self) -> None:
        self._run(self._world.close())
        self._runner.close()
        # Hypothesis keeps what it tried. To look through all of that took Python seconds, and time limits ran out.
        gc.collect()
        gc.freeze()

    @rule(user=users, action=changes)
    def change(self, user: int, action: Action) -> None:
        self._run(self._call(user, action))

    @rule(user=users, action=st.one_of(reads, pages))
    def read(self, user: int, action: Action | Pages) -> None:
        self._run(self._call(user, action))

    @rule(target=sent, user=users, action=appends)
    def append(self, user: int, action: Action) -> Action:
        self._run(self._call(user, action))
        return action

    @rule(user=users, action=sent)
    def append_again(self, user: int, action: Action) -> None:
        self._run(self._call(user, action))

    @rule(user=users, action=st.one_of(changes, reads, erasures), fault=faults)
    def call_under_fault(self, user: int, action: Action, fault: Fault) -> None:
        self._run(self._call_under(user, action, fault))

    @rule(user=users, action=appends_of(dialogues))
    def read_by_turns(self, user: int, action: Action) -> None:
        self._run(self._read_by_turns(user, action))

    @rule(user=users, actions=st.lists(single_calls, min_size=2, max_size=2))
    def call_at_once(self, user: int, actions: list[Action]) -> None:
        self._run(self._call_at_once(user, actions))

    @rule(user=users, action=appends)
    def append_twice_at_once(self, user: int, action: Action) -> None:
        self._run(self._call_at_once(user, [action, action]))

    @rule(user=users, actions=st.lists(single_calls, max_size=4), undone=st.booleans())
    def unit_of_work(self, user: int, actions: list[Action], undone: bool) -> None:
        self._run(self._unit(user, actions, undone=undone))

    @rule(user=users, actions=st.lists(changes, min_size=1, max_size=4), fault=faults, stubborn=st.booleans())
    def unit_of_work_under_fault(self, user: int, actions: list[Action], fault: Fault, stubborn: bool) -> None:
        self._run(self._unit_under(user, actions, fault, stubborn=stubborn))

    @rule(user=users, actions=st.lists(single_calls, max_size=4), undone=st.booleans())
    def joined_session(self, user: int, actions: list[Action], undone: bool) -> None:
        self._run(self._joined(user, actions, undone=undone))

    @rule(user=users, archived=st.booleans(), limit=st.integers(1, 2))
    def turn_page(self, user: int, archived: bool, limit: int) -> None:
        self._run(self._turn_page(user, archived, limit))

    async def _call(self, user: int, action: Action | Pages) -> None:
        model = self._world.models[user]
        action = action.for_model(model)
        [told], after = await _played(model, [action])
        await self._is_one_of(user, await self._world.call(user, action), [(told, after)])

    async def _call_under(self, user: int, action: Action, fault: Fault) -> None:
        model = self._world.models[user]
        action = action.for_model(model)
        [told], after = await _played(model, [action])
        answer = await self._world.under(fault, self._world.call(user, action))
        if answer == NOTHING or has_failed(answer):
            self._forget_places(user)
            await self._is_one_of(user, answer, [(answer, model), (answer, after)])
        else:
            await self._is_one_of(user, answer, [(each, after) for each in _told_after_repetition(action, told)])
        if action.method == "messages.append":
            await self._call(user, action)

    async def _read_by_turns(self, user: int, action: Action) -> None:
        await self._call(user, action)
        for read in reads_by_turns(action.arguments[0]):
            assert await self._world.call(user, read) == await outcome(read, self._world.models[user]), read

    async def _call_at_once(self, user: int, actions: Sequence[Action]) -> None:
        model = self._world.models[user]
        actions = [action.for_model(model) for action in actions]
        answers = await self._world.call_at_once(user, actions)
        self._forget_places(user)
        one_way, (told, after) = await _in_turn(model, actions), await _in_turn(model, actions[::-1])
        await self._is_one_of(user, answers, [one_way, (told[::-1], after)])

    async def _unit(self, user: int, actions: Sequence[Action], *, undone: bool) -> None:
        model = self._world.models[user]
        actions = [action.for_model(model) for action in actions]
        answer = await self._world.unit(user, actions, NO_FAULT, undone=undone)
        await self._is_one_of(user, answer, [(UNDONE, model) if undone else await _played(model, actions)])

    async def _unit_under(self, user: int, actions: Sequence[Action], fault: Fault, *, stubborn: bool) -> None:
        model = self._world.models[user]
        actions = [action.for_model(model) for action in actions]
        answers, after = await _played(model, actions)
        answer = await self._world.under(fault, self._world.unit(user, actions, fault, stubborn=stubborn))
        if answer == NOTHING or (has_failed(answer) and answer[0] is OutcomeUnknown):
            self._forget_places(user)
            await self._is_one_of(user, answer, [(answer, model), (answer, after)])
        elif answer == UNDONE or has_failed(answer):
            await self._is_one_of(user, answer, [(answer, model)])
        else:
            await self._is_one_of(user, answer, [(answers, after)])

    async def _joined(self, user: int, actions: Sequence[Action], *, undone: bool) -> None:
        model = self._world.models[user]
        actions = [action.for_model(model) for action in actions]
        answers, after = await _played(model, actions)
        answer = await self._world.joined(user, actions, undone=undone)
        await self._is_one_of(user, answer, [(answers, model if undone else after)])

    async def _turn_page(self, user: int, archived: bool, limit: int) -> None:
        places = self._places.get((user, archived), (None, None))
        worlds = self._world.chats(user), self._world.models[user]
        page, expected = [
            await chats.conversations.page(limit, after=place, archived=archived)
            for chats, place in zip(worlds, places, strict=True)
        ]
        self._places[user, archived] = page.next_cursor, expected.next_cursor
        assert told(page) == told(expected)

    def _forget_places(self, user: int) -> None:
        # What was not told may have moved a conversation or not, where no list shows it.
        self._places.pop((user, False), None)
        self._places.pop((user, True), None)

    async def _is_one_of(self, user: int, answer: Any, possible: Sequence[Possible]) -> None:
        """See that what was told and what is there now agree with one of the models, which is the model from now on."""
        found = answer, await self._world.state(user)
        expected = [(told, await everything(model)) for told, model in possible]
        assert found in expected
        self._world.models[user] = possible[expected.index(found)][1]
        for other in set(range(USERS)) - {user}:
            assert await self._world.state(other) == await everything(self._world.models[other])

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._runner.run(work)


async def _played(model: ModelChats, actions: Sequence[Action | Pages]) -> Possible:
    """Return what is told by calls in one transaction, and what is there then."""
    after = model.copy()
    return [await outcome(action, after) for action in actions], after


async def _in_turn(model: ModelChats, actions: Sequence[Action]) -> Possible:
    """Return what is told by calls one after the other, and what is there then."""
    answers = []
    for action in actions:
        [answer], model = await _played(model, [action])
        answers.append(answer)
    return answers, model


def _told_after_repetition(action: Action, told: Any) -> Sequence[Any]:
    """Return what may be told of a call that was perhaps made twice, since its first answer was lost."""
    if action.method == "erase":
        return range(told + 1)
    return [told, None] if action.method == "conversations.delete" else [told]


@pytest.fixture(scope="module")
def relay(migrated_database: str) -> Iterator[RelayThread]:
    with relay_thread(migrated_database) as relay:
        yield relay


@pytest.mark.parametrize("size", [FEW, pytest.param(MANY, marks=pytest.mark.chaos)], ids=["few", "many"])
def test_the_store_cannot_be_told_apart_from_its_model(
    migrated_database: str, relay: RelayThread, size: settings, pytestconfig: pytest.Config
) -> None:
    number = pytestconfig.getoption("--hypothesis-seed") or random.randrange(2**32)  # noqa: S311
    print(f"to make the same calls again: --hypothesis-seed={number}")

    @seed(int(number))
    class Machine(ChatMachine):
        def __init__(self) -> None:
            super().__init__(migrated_database, relay)

    try:
        run_state_machine_as_test(Machine, settings=size)
    finally:
        gc.unfreeze()
