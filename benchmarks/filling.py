"""How tables are filled quickly, on the server's side, with the turns of the dialogue."""

import json
import time
from uuid import UUID

import asyncpg

from benchmarks import dialogue
from benchmarks.names import conversation_id, owner_of
from chat_persistence.connection import read_url

MESSAGES_EACH = 100
"""How many messages a conversation of a whole table has."""

EPOCH = 1_577_836_800_000
"""The milliseconds of the first made-up id, long before those that are made now."""

CONVERSATION = """
    INSERT INTO conversations (user_id, id, last_position, message_count) VALUES ($2, $1, $3, $3)
"""

_SAID = """
    CASE said % 2 WHEN 0 THEN 'user' ELSE 'assistant' END,
    CASE said % 2 WHEN 0 THEN ($4::text[])[said / 2 % 16 + 1] ELSE ($5::text[])[said / 2 % 16 + 1] END,
    CASE said % 2 WHEN 1 THEN ($6::text[])[said / 2 % 16 + 1]::jsonb END,
    now() - ($3 - said) * interval '1 millisecond'
    FROM generate_series(0, $3::integer - 1) AS said
"""

MESSAGES = f"""
    INSERT INTO messages (conversation_id, user_id, position, id, role, content, tool_calls, created_at)
    SELECT $1::uuid, $2::text, said + 1,
           (lpad(to_hex({EPOCH} + said), 12, '0') || '70008000' || substr(md5($1::text), 1, 12))::uuid, {_SAID}
"""

TUTORIAL_MESSAGES = f"""
    INSERT INTO messages (conversation_id, user_id, role, content, tool_calls, created_at)
    SELECT $1::integer, $2::text, {_SAID}
"""

# Short ones, a hundred to a conversation, each of another user.
TABLE_CONVERSATIONS = f"""
    INSERT INTO conversations (user_id, id, last_position, message_count)
    SELECT 'user-' || n, (lpad(to_hex({EPOCH} + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
           {MESSAGES_EACH}, {MESSAGES_EACH}
    FROM generate_series($1::integer, $2::integer) AS n
"""  # noqa: S608 (our own constants)

TABLE_MESSAGES = f"""
    INSERT INTO messages (conversation_id, user_id, position, id, role, content)
    SELECT (lpad(to_hex({EPOCH} + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid, 'user-' || n, said,
           (lpad(to_hex({EPOCH} + n), 12, '0') || '7' || lpad(to_hex(said), 3, '0') || '8000'
            || lpad(to_hex(n), 12, '0'))::uuid,
           CASE said % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'What was said in one of very many conversations'
    FROM generate_series($1::integer, $2::integer) AS n
    CROSS JOIN LATERAL generate_series(1, {MESSAGES_EACH} + 0 * n) AS said
"""  # noqa: S608

CONVERSATIONS_AT_ONCE = 2_000


def variants() -> tuple[list[str], list[str], list[str | None]]:
    """Return the questions, the answers and the calls, each in the order of their turns."""
    turns = [dialogue.turn(number) for number in range(dialogue.VARIANTS)]
    calls = [json.dumps(turn.calls()) if turn.call else None for turn in turns]
    return [turn.question for turn in turns], [turn.answer for turn in turns], calls


async def fill(url: str, conversation: str, messages: int) -> None:
    """Make one of our conversations."""
    place = (conversation_id(conversation), owner_of(conversation), messages)
    connection = await asyncpg.connect(read_url(url).dsn)
    try:
        async with connection.transaction():
            await connection.execute(CONVERSATION, *place)
            await connection.execute(MESSAGES, *place, *variants())
    finally:
        await connection.close()


async def fill_tutorial(url: str, conversation: int, owner: str, messages: int) -> None:
    """Fill one of the tutorial's conversations."""
    connection = await asyncpg.connect(read_url(url).dsn)
    try:
        await connection.execute(TUTORIAL_MESSAGES, conversation, owner, messages, *variants())
    finally:
        await connection.close()


async def fill_table(url: str, rows: int, seconds: float) -> int:
    """Fill our tables with so many messages, or as many as go into the time, and return how many they are."""
    deadline = time.monotonic() + seconds
    connection = await asyncpg.connect(read_url(url).dsn)
    done, wanted = 0, rows // MESSAGES_EACH
    try:
        while done < wanted and time.monotonic() < deadline:
            until = min(done + CONVERSATIONS_AT_ONCE, wanted)
            async with connection.transaction():
                await connection.execute(TABLE_CONVERSATIONS, done + 1, until)
                await connection.execute(TABLE_MESSAGES, done + 1, until)
            done = until
    finally:
        await connection.close()
    return done * MESSAGES_EACH


def table_place(number: int) -> tuple[str, UUID]:
    """Return the owner and the id of one of a table's conversations; they count from 1."""
    return f"user-{number}", UUID(f"{EPOCH + number:012x}70008000{number:012x}")
