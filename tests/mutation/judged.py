"""The mutants that may survive: no caller can tell them from the original, and why."""

NONE_IS_FALSE = "None is as false as False"
NOTHING_IS_READ = "only how many rows come back is looked at"
BY_PLACE = "its one argument is given by its place, and PostgreSQL knows the type of what it is compared with"
BY_KEY = "SQLAlchemy joins by the foreign key then, and finds the same rows"
ORDERED = "the plan of today reads them in this order"
NEVER_START = "`start` itself is no whole place, or nobody would look for another"

JUDGED: dict[tuple[str, str], str] = {
    (
        "conversations.ConversationRepository.unarchive",
        "return await self._fetch_one(statements.set_archived, id, hidden=None)",
    ): "CASE WHEN NULL goes to ELSE, as CASE WHEN false does",
    (
        "conversations.ConversationRepository.delete",
        "rows = await self._fetch(statements.remove, chat=id, repeatable=None)",
    ): NONE_IS_FALSE,
    ("statements.across_users.users", ".order_by(None)"): ORDERED,
    ("statements.messages.last_turns", ".order_by(None)"): ORDERED,
    ("statements.messages._from_position", ".order_by(None)"): ORDERED,
    ("statements.messages.conversation_with_last", ".join(newest, None, isouter=True)"): BY_KEY,
    ("statements.messages.conversation_with_last", ".join(newest, isouter=True)"): BY_KEY,
    (
        "statements.messages.last_turns",
        "newest = _newest(None)",
    ): "it bounds what is looked through, not what comes back: tests/integration/test_growth.py",
    (
        "statements.messages.last_whole_turns",
        "bound = _newest(None)",
    ): "it bounds what is looked through, not what comes back: tests/integration/test_growth.py",
    (
        "statements.messages._from_position",
        ".where(of_chat(), messages.c.position >= func.coalesce(start, 1))",
    ): "positions begin at 1",
    (
        "statements.sessions.prepared",
        "of_this_name = prepared_statements.c.name == bindparam(None, type_=Text)",
    ): BY_PLACE,
    (
        "statements.sessions.prepared",
        'of_this_name = prepared_statements.c.name == bindparam("statement_name", type_=None)',
    ): BY_PLACE,
    (
        "statements.sessions.prepared",
        'of_this_name = prepared_statements.c.name == bindparam("statement_name", )',
    ): BY_PLACE,
    (
        "statements.sessions.prepared",
        'of_this_name = prepared_statements.c.name == bindparam("XXstatement_nameXX", type_=Text)',
    ): BY_PLACE,
    (
        "statements.sessions.prepared",
        'of_this_name = prepared_statements.c.name == bindparam("STATEMENT_NAME", type_=Text)',
    ): BY_PLACE,
    (
        "statements.conversations.set_archived",
        "return _update(archived_at=case((hidden, archived_at), else_=None))",
    ): "a CASE without an ELSE is NULL",
    (
        "statements.conversations.set_archived",
        "return _update(archived_at=case((hidden, archived_at), ))",
    ): "a CASE without an ELSE is NULL",
    (
        "statements.conversations.remove",
        "return delete(Conversation).where(is_chat()).returning(None)",
    ): NOTHING_IS_READ,
    (
        "statements.conversations.erase",
        "gone = delete(Conversation).where(owned(), conversations.c.id.in_(some)).returning(None)",
    ): NOTHING_IS_READ,
    ("transactions.JoinedTransaction.__init__", "self._has_failed = None"): NONE_IS_FALSE,
    ("transactions.JoinedTransaction.commit", "self._is_open = None"): NONE_IS_FALSE,
    ("transactions.JoinedTransaction.roll_back", "self._is_open = None"): NONE_IS_FALSE,
    ("transactions.JoinedTransaction._forgive", "self._has_failed = None"): NONE_IS_FALSE,
    (
        "transactions._commit_by_driver",
        'if await_only(pooled.driver_connection.execute("commit")) == "ROLLBACK":',
    ): "SQL's words may be written small",
    ("turns.newest_whole_turns", "newer = [place for place in places if place > start][:1]"): NEVER_START,
    ("turns.newest_whole_turns", "older = [place for place in places if place < start][-1:]"): NEVER_START,
    (
        "turns.newest_whole_turns",
        "newer = [place for place in places if place >= start][:2]",
    ): "the first of them is taken",
}
"""Why, by function and by what its mutant says in place of the original."""
