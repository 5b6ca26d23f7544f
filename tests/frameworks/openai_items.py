"""Items of OpenAI's Responses, as an agent's runner stores them."""

from typing import Any

Item = dict[str, Any]


def asked(text: str) -> Item:
    return {"role": "user", "content": text}


def said(text: str) -> Item:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}


def thought(id: str) -> Item:
    return {"type": "reasoning", "id": id, "summary": [], "encrypted_content": "gAAA\u0000"}


def call(id: str) -> Item:
    return {"type": "function_call", "call_id": id, "name": "book", "arguments": '{"to": "Rome"}'}


def output(id: str) -> Item:
    return {"type": "function_call_output", "call_id": id, "output": "12A"}
