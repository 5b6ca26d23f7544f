"""The statement that wakes those who follow: it touches no table of ours, and says nothing of a user's."""

from typing import Any

from sqlalchemy import Select, Text, column, func, literal_column, select

from chat_persistence.statements.arguments import name_array

CHANNEL = "chat_persistence"
"""One for all: what is announced is told apart by its name, so that a listener never has to change what it hears."""


def announce() -> Select[Any]:
    """Announce some names. It writes nothing, so that its commit waits for no disk under the lock that it takes."""
    names = func.unnest(name_array).table_valued(column("name", Text)).render_derived(name="names")
    return select(func.count(func.pg_notify(literal_column(f"'{CHANNEL}'"), names.c.name)))
