"""Google ADK: `DatabaseSessionService`, one event a message, reading with `num_recent_events`."""

import json
import time
from typing import Any

from google.adk.events import Event
from google.adk.sessions import DatabaseSessionService
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai import types
from sqlalchemy import text

from benchmarks import dialogue
from benchmarks.contender import Contender
from benchmarks.loops import LAST, LISTED
from benchmarks.peers.serving import serve, sqlalchemy_url

APPLICATION = "bench"
FEW = 8

# It takes one event a call: longer conversations are the first turns again, and older.
MULTIPLY = text("""
    INSERT INTO events (id, app_name, user_id, session_id, invocation_id, timestamp, event_data)
    SELECT gen_random_uuid()::text, app_name, user_id, session_id, invocation_id,
           timestamp - interval '30 days' + nth * interval '1 second', event_data
    FROM events, generate_series(1, :times) AS nth
    WHERE app_name = :application AND user_id = :user AND session_id = :conversation
""")


class GoogleADK(Contender):
    """Sessions are kept, as its runner keeps one: an append to one that is stale is refused."""

    lists = True

    async def open(self, url: str) -> None:
        self._service = DatabaseSessionService(sqlalchemy_url(url))
        self._sessions: dict[str, Any] = {}

    async def close(self) -> None:
        await self._service.close()

    async def begin(self, conversation: str) -> None:
        self._sessions[conversation] = await self._service.create_session(
            app_name=APPLICATION, user_id=user_of(conversation), session_id=conversation
        )

    async def fill(self, conversation: str, messages: int) -> None:
        await self.begin(conversation)
        for number in range(min(messages, FEW) // 2):
            await self.append(conversation, number)
        if messages > FEW:
            times = messages // FEW - 1
            place = {"application": APPLICATION, "user": user_of(conversation), "conversation": conversation}
            async with self._service.db_engine.begin() as connection:
                await connection.execute(MULTIPLY, {**place, "times": times})

    async def append(self, conversation: str, number: int) -> None:
        if conversation not in self._sessions:
            await self.last(conversation)
        for event in turn_events(number):
            await self._service.append_event(self._sessions[conversation], event)

    async def last(self, conversation: str) -> list[Event]:
        session = await self._service.get_session(
            app_name=APPLICATION,
            user_id=user_of(conversation),
            session_id=conversation,
            config=GetSessionConfig(num_recent_events=LAST),
        )
        self._sessions[conversation] = session
        return list(session.events)

    def contents(self, messages: list[Any]) -> list[str]:
        return [message.content.parts[0].text for message in messages]

    async def list_conversations(self) -> list[Any]:
        response = await self._service.list_sessions(app_name=APPLICATION, user_id="lister")
        return response.sessions[: -LISTED - 1 : -1]  # oldest first, all of them


def user_of(conversation: str) -> str:
    return "lister" if conversation.startswith("listed-") else "ada"


def turn_events(number: int) -> list[Event]:
    turn = dialogue.turn(number)
    calls = [
        types.Part(
            function_call=types.FunctionCall(id=call["id"], name=call["name"], args=json.loads(call["arguments"]))
        )
        for call in turn.calls()
    ]
    question = types.Content(role="user", parts=[types.Part(text=turn.question)])
    answer = types.Content(role="model", parts=[types.Part(text=turn.answer), *calls])
    return [
        Event(author="user", invocation_id=f"i{number}", content=question, timestamp=time.time()),
        Event(author="assistant", invocation_id=f"i{number}", content=answer, timestamp=time.time() + 1e-5),
    ]


if __name__ == "__main__":
    serve(GoogleADK(), ["google-adk", "sqlalchemy", "asyncpg"])
