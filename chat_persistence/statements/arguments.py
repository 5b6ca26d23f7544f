"""The bound parameters of the statements.

They are never named like a column: SQLAlchemy would add a parameter `title` to the SET of an UPDATE that
runs with it, which compiling the statement alone does not show.

Arrays cross as `text[]`, the one kind that asyncpg can write without asking the server about its type. To ask, it
would set `jit` off and on again in the session, behind a pooler in two that are not its own; and it would cost each
new connection six round trips.
"""

from typing import Any

from sqlalchemy import BindParameter, Boolean, Cast, Double, Integer, LargeBinary, Text, Uuid, bindparam, cast
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.types import TypeEngine


def _array_of(type_: TypeEngine[Any], name: str) -> Cast[Any]:
    return cast(bindparam(name, type_=ARRAY(Text())), ARRAY(type_))


owner = bindparam("owner", type_=Text())
chat = bindparam("chat", type_=Uuid())
new_chat = bindparam("new_chat", type_=Uuid())
message = bindparam("message", type_=Uuid())

heading = bindparam("heading", type_=Text())
sets_heading = bindparam("sets_heading", type_=Boolean())
# JSON crosses as text and is cast in SQL, so that no codec, the host's included, ever sees it.
notes = bindparam("notes", type_=Text())
sets_notes = bindparam("sets_notes", type_=Boolean())
key = bindparam("key", type_=Text())
swapped = bindparam("swapped", type_=Text())
guard = bindparam("guard", type_=Text())
hidden = bindparam("hidden", type_=Boolean())
of_active = bindparam("of_active", type_=Boolean())
of_archived = bindparam("of_archived", type_=Boolean())

how_many = bindparam("how_many", type_=Integer())
place = bindparam("place", type_=Integer())
expected = bindparam("expected", type_=Integer())
tokens = bindparam("tokens", type_=Integer())
moment = bindparam("moment", type_=TIMESTAMP(timezone=True))
seconds: BindParameter[float] = bindparam("seconds", type_=Double())
message_after = bindparam("message_after", type_=Uuid())
said = bindparam("said", type_=Text())
said_natively = bindparam("said_natively", type_=Text())
owner_after = bindparam("owner_after", type_=Text())
chat_after = bindparam("chat_after", type_=Uuid())
chat_from = bindparam("chat_from", type_=Uuid())
chat_upto = bindparam("chat_upto", type_=Uuid())

owner_array = bindparam("owner_array", type_=ARRAY(Text()))
chat_array = _array_of(Uuid(), "chat_array")
heading_array = bindparam("heading_array", type_=ARRAY(Text()))
how_many_array = _array_of(Integer(), "how_many_array")
place_array = _array_of(Integer(), "place_array")
origin_array = _array_of(Uuid(), "origin_array")
origin_place_array = _array_of(Integer(), "origin_place_array")
began_array = _array_of(TIMESTAMP(timezone=True), "began_array")
moved_array = _array_of(TIMESTAMP(timezone=True), "moved_array")
hidden_array = _array_of(TIMESTAMP(timezone=True), "hidden_array")

# `varchar(20)[]` would cut a longer role silently, so all text crosses as `text[]`.
id_array = _array_of(Uuid(), "id_array")
place_array = _array_of(Integer(), "place_array")
role_array = bindparam("role_array", type_=ARRAY(Text()))
content_array = bindparam("content_array", type_=ARRAY(Text()))
tool_calls_array = bindparam("tool_calls_array", type_=ARRAY(Text()))
native_array = bindparam("native_array", type_=ARRAY(Text()))
notes_array = bindparam("notes_array", type_=ARRAY(Text()))
token_count_array = _array_of(Integer(), "token_count_array")

key_id = bindparam("key_id", type_=LargeBinary())
key_wrapped = bindparam("key_wrapped", type_=LargeBinary())
wrapped_by = bindparam("wrapped_by", type_=Text())
may_be_elsewhere = bindparam("may_be_elsewhere", type_=Boolean())
key_id_array = _array_of(LargeBinary(), "key_id_array")
key_seen_array = _array_of(LargeBinary(), "key_seen_array")
key_wrapped_array = _array_of(LargeBinary(), "key_wrapped_array")
name_array = bindparam("name_array", type_=ARRAY(Text()))
