"""Two sessions, kept by Google's ADK."""

import asyncio
import sys
import time

from google.adk.events import Event
from google.adk.sessions import DatabaseSessionService
from google.genai import types

CALL = types.FunctionCall(id="adk-1", name="book", args={"to": "Rome"})
RESULT = types.FunctionResponse(id="adk-1", name="book", response={"seat": "12A"})


def said(author: str, role: str, *parts: types.Part) -> Event:
    return Event(
        author=author, invocation_id="i1", content=types.Content(role=role, parts=[*parts]), timestamp=time.time()
    )


async def main(url: str) -> None:
    service = DatabaseSessionService(url)
    rome = await service.create_session(app_name="trains", user_id="ada", session_id="rome", state={"topic": "rome"})
    for event in (
        said("user", "user", types.Part(text="A train to Rome, please")),
        said("booker", "model", types.Part(text="I look.", thought=True), types.Part(function_call=CALL)),
        said("booker", "user", types.Part(function_response=RESULT)),
        said("booker", "model", types.Part(text="Booked:"), types.Part(text="12A.")),
    ):
        await service.append_event(rome, event)
    hello = await service.create_session(app_name="trains", user_id="grace", session_id="hello")
    await service.append_event(hello, said("user", "user", types.Part(text="Hello?")))
    await service.close()


asyncio.run(main(sys.argv[1].replace("postgresql:", "postgresql+asyncpg:")))
