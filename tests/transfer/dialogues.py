"""Dialogues as each format writes them: what an import has to find again."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from hypothesis import strategies as st

from chat_persistence.transfer import ChatGPTExport, ClaudeExport, OpenAIChat, ShareGPT
from chat_persistence.transfer.records import Format
from tests.integration.test_any_text import any_text
from tests.transfer.reading import Line, lines

Dialogue = Sequence[Line]
Write = Callable[[Sequence[Dialogue]], str]

# Two surrogates that make a pair are one character to JSON.
text_in_json = any_text.filter(bool).map(lambda text: json.loads(json.dumps(text)))
said: st.SearchStrategy[Line] = st.tuples(st.sampled_from(["user", "assistant"]), text_in_json)
dialogues = st.lists(st.lists(said, min_size=1, max_size=6), max_size=6)

EPOCH = 1_700_000_000


def as_openai(given: Sequence[Dialogue]) -> str:
    return lines(*({"messages": [{"role": role, "content": text} for role, text in dialogue]} for dialogue in given))


def as_sharegpt(given: Sequence[Dialogue]) -> str:
    names = {"user": "human", "assistant": "gpt"}
    return json.dumps(
        [{"conversations": [{"from": names[role], "value": text} for role, text in dialogue]} for dialogue in given]
    )


def as_claude(given: Sequence[Dialogue]) -> str:
    return json.dumps(
        [
            {
                "uuid": identity("claude", number),
                "name": f"Dialogue {number}",
                "created_at": "2025-03-04T09:10:11.123456Z",
                "updated_at": "2025-03-04T09:10:11.123456Z",
                "chat_messages": [
                    {
                        "uuid": identity("claude", number, place),
                        "sender": "human" if role == "user" else "assistant",
                        "text": text,
                        "content": [{"type": "text", "text": text}],
                        "created_at": f"2025-03-04T09:{place // 60 % 60:02}:{place % 60:02}Z",
                        "parent_message_uuid": identity("claude", number, place - 1),
                    }
                    for place, (role, text) in enumerate(dialogue)
                ],
            }
            for number, dialogue in enumerate(given)
        ]
    )


def as_chatgpt(given: Sequence[Dialogue]) -> str:
    return json.dumps(
        [
            chatgpt_tree(
                identity("chatgpt", number),
                {
                    f"{number}-{place}": Node(f"{number}-{place - 1}", role, text, EPOCH + place / 4)
                    for place, (role, text) in enumerate(dialogue)
                },
            )
            for number, dialogue in enumerate(given)
        ]
    )


@dataclass(frozen=True)
class Node:
    parent: str | None
    role: str
    text: str
    time: float | None = None
    weight: float = 1.0


def chatgpt_tree(id: str, nodes: dict[str, Node]) -> dict[str, Any]:
    """Return a conversation whose current node is the last."""
    return {
        "id": id,
        "title": f"Dialogue {id}",
        "create_time": EPOCH,
        "update_time": EPOCH + 1000,
        "current_node": next(reversed(nodes)),
        "mapping": {
            key: {
                "id": key,
                "parent": node.parent,
                "message": {
                    "id": key,
                    "author": {"role": node.role},
                    "create_time": node.time,
                    "content": {"content_type": "text", "parts": [node.text]},
                    "weight": node.weight,
                    "recipient": "all",
                },
            }
            for key, node in nodes.items()
        },
    }


def identity(*of: object) -> str:
    return str(uuid5(NAMESPACE_URL, repr(of)))


FORMATS: dict[str, tuple[Write, Callable[[str], Format]]] = {
    "openai": (as_openai, lambda user_id: OpenAIChat(user_id=user_id)),
    "sharegpt": (as_sharegpt, lambda user_id: ShareGPT(user_id=user_id)),
    "claude": (as_claude, lambda user_id: ClaudeExport(user_id=user_id)),
    "chatgpt": (as_chatgpt, lambda user_id: ChatGPTExport(user_id=user_id)),
}
