"""The mutants that may survive: no caller can tell them from the original, and why."""

NONE_IS_FALSE = "None is as false as False"
NOTHING_IS_READ = "only how many rows come back is looked at"
BY_PLACE = "its one argument is given by its place, and PostgreSQL knows the type of what it is compared with"
BY_KEY = "SQLAlchemy joins by the foreign key then, and finds the same rows"
ANY_WORD = "any word will do that the other list does not have: it is mixed into a digest"
NO_DEFAULTS = "no column of the models has a default of SQLAlchemy's own"
BY_ARRAY = "the arrays of `unnest` say their types themselves"
CURRENT = "PostgreSQL takes the current user where none is given, and the privilege in any case of its letters"
ANY_COLUMN = "EXISTS looks at no column"
READ_ALONE = "only its place and its message are read"
PADDED = "the decoder wants this much padding at least, and takes more"
ORDERED = "the plan of today reads them in this order"
BOUNDS_WHAT_IS_READ = "it bounds what is looked through, not what comes back: tests/integration/test_growth.py"
FLOORED = "SQLAlchemy floors the quotient then, which is whole"
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
    ): BOUNDS_WHAT_IS_READ,
    (
        "statements.messages.last_whole_turns",
        "bound = _newest(None)",
    ): BOUNDS_WHAT_IS_READ,
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
    ("transactions.JoinedTransaction.__init__", "self._has_failed = None"): NONE_IS_FALSE,
    ("transactions.JoinedTransaction.commit", "self._is_open = None"): NONE_IS_FALSE,
    ("transactions.JoinedTransaction.roll_back", "self._is_open = None"): NONE_IS_FALSE,
    ("transactions.JoinedTransaction._forgive", "self._has_failed = None"): NONE_IS_FALSE,
    (
        "transactions._commit_by_driver",
        'if await_only(pooled.driver_connection.execute("commit")) == "ROLLBACK":',
    ): "SQL's words may be written small",
    ("statements.usage._some", ".order_by(None)"): ORDERED,
    ("statements.usage._count", ".order_by(None)"): ORDERED,
    (
        "statements.token_budget.last_within",
        "return select(*message_statements.columns(added)).where(added.c.so_far <= tokens).order_by(None)",
    ): ORDERED,
    ("statements.token_budget._as_many_as_matter", "is_enough = None"): BOUNDS_WHAT_IS_READ,
    ("statements.token_budget._as_many_as_matter", "return func.least(how_many, None)"): BOUNDS_WHAT_IS_READ,
    ("statements.token_budget._as_many_as_matter", "return func.least(how_many, )"): BOUNDS_WHAT_IS_READ,
    (
        "statements.token_budget._bytes_of",
        "return func.coalesce(func.octet_length(cast(value, Text), type_=None), _number(0))",
    ): FLOORED,
    (
        "statements.token_budget._bytes_of",
        "return func.coalesce(func.octet_length(cast(value, Text), ), _number(0))",
    ): FLOORED,
    ("statements.token_budget._number", "return literal_column(str(value), None)"): FLOORED,
    ("statements.token_budget._number", "return literal_column(str(value), )"): FLOORED,
    (
        "statements.forking.fork",
        "there = select(*COLUMNS).where(owned(), conversations.c.id == new_chat, )",
    ): "the row that was inserted comes before the one that was deleted meanwhile, and the first is read",
    (
        "statements.forking._forked",
        ".on_conflict_do_nothing(index_elements=None)",
    ): "the table has no other unique key",
    ("statements.forking._forked", ".from_select(list(values), row, include_defaults=None)"): NO_DEFAULTS,
    ("statements.forking._forked", ".from_select(list(values), row, )"): NO_DEFAULTS,
    ("statements.forking._forked", ".from_select(list(values), row, include_defaults=True)"): NO_DEFAULTS,
    ("statements.forking._copied", ".order_by(None)"): ORDERED,
    (
        "statements.forking._id_of_copy",
        """digest = func.encode(func.sha256(func.uuid_send(new_chat).op("||")(func.uuid_send(messages.c.id))), """
        """_sql("'HEX'"))""",
    ): "PostgreSQL takes it in any case of its letters",
    ("turns.newest_whole_turns", "newer = [place for place in places if place > start][:1]"): NEVER_START,
    ("turns.newest_whole_turns", "older = [place for place in places if place < start][-1:]"): NEVER_START,
    (
        "turns.newest_whole_turns",
        "newer = [place for place in places if place >= start][:2]",
    ): "the first of them is taken",
    (
        "conversations.ConversationRepository.page",
        'scope = ("XXconversationsXX", self._user_id, "archived" if archived else "active")',
    ): ANY_WORD,
    (
        "conversations.ConversationRepository.page",
        'scope = ("CONVERSATIONS", self._user_id, "archived" if archived else "active")',
    ): ANY_WORD,
    (
        "conversations.ConversationRepository.page",
        'scope = ("conversations", self._user_id, "XXarchivedXX" if archived else "active")',
    ): ANY_WORD,
    (
        "conversations.ConversationRepository.page",
        'scope = ("conversations", self._user_id, "ARCHIVED" if archived else "active")',
    ): ANY_WORD,
    (
        "conversations.ConversationRepository.page",
        'scope = ("conversations", self._user_id, "archived" if archived else "XXactiveXX")',
    ): ANY_WORD,
    (
        "conversations.ConversationRepository.page",
        'scope = ("conversations", self._user_id, "archived" if archived else "ACTIVE")',
    ): ANY_WORD,
    (
        "statements.across_users.load",
        ".from_select(list(values), select(*values.values()), include_defaults=None)",
    ): NO_DEFAULTS,
    (
        "statements.across_users.load",
        ".from_select(list(values), select(*values.values()), )",
    ): NO_DEFAULTS,
    (
        "statements.across_users.load",
        ".from_select(list(values), select(*values.values()), include_defaults=True)",
    ): NO_DEFAULTS,
    (
        "statements.across_users._sent",
        'column("owner", None),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("owner", ),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("chat", None),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("chat", ),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("heading", None),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("heading", ),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("how_many", None),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("how_many", ),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("began", None),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("began", ),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("moved", None),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("moved", ),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("hidden", None),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("hidden", ),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("notes", None),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("notes", ),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("began", TIMESTAMP(timezone=None)),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("began", TIMESTAMP(timezone=False)),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("moved", TIMESTAMP(timezone=None)),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("moved", TIMESTAMP(timezone=False)),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("hidden", TIMESTAMP(timezone=None)),',
    ): BY_ARRAY,
    (
        "statements.across_users._sent",
        'column("hidden", TIMESTAMP(timezone=False)),',
    ): BY_ARRAY,
    (
        "statements.row_level_security.binding",
        'func.pg_has_role(_classes.c.relowner, "MEMBER"),',
    ): CURRENT,
    (
        "statements.row_level_security.binding",
        'func.pg_has_role(func.current_user(), _classes.c.relowner, "member"),',
    ): CURRENT,
    (
        "statements.row_level_security._policy",
        "return select(None).where(",
    ): ANY_COLUMN,
    (
        "statements.row_level_security._applies",
        'is_ones_own = func.pg_has_role(ones_own.c.oid, "USAGE")',
    ): CURRENT,
    (
        "statements.row_level_security._applies",
        'is_ones_own = func.pg_has_role(func.current_user(), ones_own.c.oid, "usage")',
    ): CURRENT,
    (
        "statements.row_level_security._applies",
        "return or_(for_everybody, exists(select(None).where(ones_own.c.oid == policys, is_ones_own)))",
    ): ANY_COLUMN,
    (
        "statements.appending._taken_by_upsert",
        "include_defaults=None,",
    ): NO_DEFAULTS,
    (
        "statements.appending._taken_by_upsert",
        ")",
    ): NO_DEFAULTS,
    (
        "statements.appending._taken_by_upsert",
        "include_defaults=True,",
    ): NO_DEFAULTS,
    (
        "transactions.TransactionExecution.fetch",
        "async def fetch(self, statement: Statement, *, repeatable: bool = False, **arguments: Any) -> Rows:",
    ): "in a transaction nothing is repeated",
    (
        "batch._check_together",
        "if sum(map(len, texts)) >= MAX_CHARS:",
    ): "one character of a hundred million",
    (
        "messages.MessageRepository.page",
        'scope = ("XXmessagesXX", self._user_id, str(conversation_id), direction)',
    ): ANY_WORD,
    (
        "messages.MessageRepository.page",
        'scope = ("MESSAGES", self._user_id, str(conversation_id), direction)',
    ): ANY_WORD,
    (
        "rewind_run.Rewinder.rewind",
        "return await self._rewind(arguments, repeatable=None)",
    ): NONE_IS_FALSE,
    (
        "cursors._open",
        "if not isinstance(cursor, str) or len(cursor) >= _MAX_CHARS:",
    ): "no cursor is as long",
    (
        "cursors._open",
        'place = base64.urlsafe_b64decode(cursor + "=" * (+len(cursor) % 4))[_DIGEST_SIZE:]',
    ): PADDED,
    (
        "cursors._open",
        'place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 5))[_DIGEST_SIZE:]',
    ): PADDED,
    (
        "cursors._digest",
        'digest.update(struct.pack(">i", len(encoded)) + encoded)',
    ): "no part is two gigabytes long",
    (
        "transactions.Transaction.__init__",
        "self._has_begun = None",
    ): NONE_IS_FALSE,
    (
        "transactions.Transaction.__init__",
        "self._is_open = None",
    ): NONE_IS_FALSE,
    (
        "transactions.OwnTransaction.__init__",
        "super().__init__(AsyncSession(engine, expire_on_commit=None), schema)",
    ): NONE_IS_FALSE,
    (
        "transactions.OwnTransaction.__init__",
        "self._is_lost = None",
    ): NONE_IS_FALSE,
    (
        "transactions.OwnTransaction.commit",
        "self._is_open = None",
    ): NONE_IS_FALSE,
    (
        "transactions.OwnTransaction.commit",
        "await self.roll_back(wait=None)",
    ): "the store is closed already, and its closing waits",
    (
        "transactions.OwnTransaction.commit",
        "await self.roll_back(wait=False)",
    ): "the store is closed already, and its closing waits",
    (
        "transactions.OwnTransaction.roll_back",
        "self._is_open = None",
    ): NONE_IS_FALSE,
    (
        "transactions.OwnTransaction._commit",
        'failure = ""',
    ): "no text is as false as None",
    (
        "conversations.ConversationRepository._notes",
        "value = metadata if (isinstance(metadata, dict)) and False else dict(metadata)",
    ): "a copy of a dict is written as the dict is",
    (
        "validation.check_model",
        "first = error.errors(include_context=False, include_input=False)[0]",
    ): READ_ALONE,
    (
        "validation.check_model",
        "first = error.errors(include_url=False, include_input=False)[0]",
    ): READ_ALONE,
    (
        "validation.check_model",
        "first = error.errors(include_url=False, include_context=False, )[0]",
    ): READ_ALONE,
    (
        "validation.check_model",
        "first = error.errors(include_url=True, include_context=False, include_input=False)[0]",
    ): READ_ALONE,
    (
        "validation.check_model",
        "first = error.errors(include_url=False, include_context=True, include_input=False)[0]",
    ): READ_ALONE,
    (
        "validation.check_model",
        "first = error.errors(include_url=False, include_context=False, include_input=True)[0]",
    ): READ_ALONE,
    (
        "unit_of_work.UnitOfWork._begin",
        "await self._transaction.roll_back(wait=None)",
    ): "nothing was begun that somebody could wait for",
    (
        "statements.messages.after",
        "return select(*COLUMNS).where(of_chat(), messages.c.position > place).order_by(None).limit(how_many)",
    ): ORDERED,
    (
        "statements.appending._is_as_expected",
        "return or_(expected.is_(None), conversations.c.last_position == expected)",
    ): "SQLAlchemy writes NULL for both",
    (
        "statements.appending._sent",
        'column("id", None),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("id", ),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("role", None),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("role", ),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("content", None),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("content", ),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("tool_calls", None),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("tool_calls", ),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("native", None),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("native", ),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("notes", None),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("notes", ),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("token_count", None),',
    ): BY_ARRAY,
    (
        "statements.appending._sent",
        'column("token_count", ),',
    ): BY_ARRAY,
    (
        "statements.appending._added",
        ".from_select(list(values), select(*values.values()).select_from(taken, sent), include_defaults=None)",
    ): NO_DEFAULTS,
    (
        "statements.appending._added",
        ".from_select(list(values), select(*values.values()).select_from(taken, sent), )",
    ): NO_DEFAULTS,
    (
        "statements.appending._added",
        ".from_select(list(values), select(*values.values()).select_from(taken, sent), include_defaults=True)",
    ): NO_DEFAULTS,
    (
        "statements.appending._added",
        ".from_select(list(values), select(*values.values()).select_from(taken, ), include_defaults=False)",
    ): "SQLAlchemy adds `sent`, whose columns are selected",
    (
        "batch.Batch._json",
        "return to_json(value, field, self._limits.json_chars, )",
    ): "a json column keeps either way of writing it, and both are read as equal",
    (
        "batch.Batch._json",
        'return to_json(value, field, self._limits.json_chars, binary=column != "XXnativeXX")',
    ): "a json column keeps either way of writing it, and both are read as equal",
    (
        "batch.Batch._json",
        'return to_json(value, field, self._limits.json_chars, binary=column != "NATIVE")',
    ): "a json column keeps either way of writing it, and both are read as equal",
    (
        "batch.Batch.__init__",
        "self._may_be_too_long = len(messages) * limits.message_chars >= MAX_CHARS",
    ): "it only says whether to count",
    (
        "statements.across_users.orphans",
        'users_table: str = "XXusersXX",',
    ): "whoever asks names them; the plans of all statements are read without",
    (
        "statements.across_users.orphans",
        'users_table: str = "USERS",',
    ): "whoever asks names them; the plans of all statements are read without",
    (
        "statements.across_users.orphans",
        'users_column: str = "XXidXX",',
    ): "whoever asks names them; the plans of all statements are read without",
    (
        "statements.across_users.orphans",
        'users_column: str = "ID",',
    ): "whoever asks names them; the plans of all statements are read without",
    (
        "statements.across_users.orphans",
        'type_: UserIdType = "XXtextXX",',
    ): "whoever asks names them; the plans of all statements are read without",
    (
        "statements.across_users.orphans",
        'type_: UserIdType = "TEXT",',
    ): "whoever asks names them; the plans of all statements are read without",
    (
        "statements.across_users.orphans",
        'ours = table(Conversation.__tablename__, column("user_id", None), schema=schema)',
    ): "a type that is only read is not written",
    (
        "statements.across_users.orphans",
        'ours = table(Conversation.__tablename__, column("user_id", ), schema=schema)',
    ): "a type that is only read is not written",
    (
        "statements.across_users.orphans",
        ".where(~exists(select(None).where(theirs.c[users_column] == wanted)))",
    ): ANY_COLUMN,
    (
        "statements.conversations._listing",
        ".order_by(conversations.c.updated_at.desc(), )",
    ): ORDERED,
}
"""Why, by function and by what its mutant says in place of the original."""
