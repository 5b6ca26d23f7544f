"""What a dialogue becomes when it is played: whose it is, and its turns, under ids that are always the same."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

from chat_persistence import MessageCreate, MessageRole, ToolCall
from chat_persistence.cli.demo.corpus import Dialogue

USER_PREFIX = "demo-"

NAMESPACE = UUID("0d5a1c62-6f0e-5d0f-9d7e-2b7f4a1c8e33")

TURNS_PER_TOOL_CALL = 20

Turn = list[MessageCreate]


@dataclass(frozen=True, slots=True)
class Script:
    """One conversation to play. The same dialogue and user make the same ids, so nothing is stored twice."""

    user_id: str
    conversation_id: UUID
    dialogue: Dialogue
    turns: list[Turn]

    @property
    def messages(self) -> list[MessageCreate]:
        """All turns, one after another."""
        return [message for turn in self.turns for message in turn]


def write_scripts(dialogues: Iterable[Dialogue], users: int) -> list[Script]:
    """Give every dialogue to one of so many users, by its place: more dialogues move none to another user."""
    return [_write(dialogue, users) for dialogue in dialogues]


def _write(dialogue: Dialogue, users: int) -> Script:
    user_id = f"{USER_PREFIX}{uuid5(NAMESPACE, dialogue.place).int % users + 1:02d}"
    # With the lines: another release of the corpus, with another text in this place, is another conversation.
    conversation_id = uuid5(NAMESPACE, json.dumps([user_id, dialogue.place, dialogue.lines]))
    starts = range(0, len(dialogue.lines), 2)
    return Script(user_id, conversation_id, dialogue, [_turn(dialogue, conversation_id, start) for start in starts])


def _turn(dialogue: Dialogue, conversation_id: UUID, start: int) -> Turn:
    question, *answers = dialogue.lines[start : start + 2]
    said = MessageCreate(id=uuid5(conversation_id, str(start)), role=MessageRole.USER, content=question)
    return [said, *(_answer(dialogue, conversation_id, start + 1) for _ in answers)]


def _answer(dialogue: Dialogue, conversation_id: UUID, place: int) -> MessageCreate:
    message_id = uuid5(conversation_id, str(place))
    return MessageCreate(
        id=message_id,
        role=MessageRole.ASSISTANT,
        content=dialogue.lines[place],
        tool_calls=[_look_up(dialogue, place)] if message_id.int % TURNS_PER_TOOL_CALL == 0 else [],
    )


def _look_up(dialogue: Dialogue, place: int) -> ToolCall:
    """Return what this chatbot does to find its answer: it looks the question up in the corpus."""
    arguments = json.dumps({"question": dialogue.lines[place - 1]}, ensure_ascii=False)
    return ToolCall(
        id=f"call_{place}",
        name="look_up",
        arguments=arguments,
        result={"dialogue": dialogue.place, "line": place + 1},
    )
