"""A message history of langchain-postgres."""

import sys

import psycopg
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_postgres import PostgresChatMessageHistory

TABLE = "chat_history"
ROME, HELLO = "5b1a3f0e-6c1d-4e0f-9a49-0d4b8a3f9c11", "6c2b4f1f-7d2e-4f10-8b5a-1e5c9b40ad22"

with psycopg.connect(sys.argv[1]) as connection:
    PostgresChatMessageHistory.create_tables(connection, TABLE)
    rome = PostgresChatMessageHistory(
        "chat_history", "5b1a3f0e-6c1d-4e0f-9a49-0d4b8a3f9c11", sync_connection=connection
    )
    rome.add_messages(
        [
            SystemMessage("You book trains."),
            HumanMessage("A train to Rome, please", name="ada"),
            AIMessage("", tool_calls=[{"id": "call_1", "name": "book", "args": {"to": "Rome"}}]),
            ToolMessage("full", tool_call_id="call_1", status="error"),
            AIMessage([{"type": "text", "text": "Sorry,"}, {"type": "text", "text": "it is full."}]),
        ]
    )
    hello = PostgresChatMessageHistory(
        "chat_history", "6c2b4f1f-7d2e-4f10-8b5a-1e5c9b40ad22", sync_connection=connection
    )
    hello.add_messages([HumanMessage("Hello?"), AIMessage("Hello!")])
