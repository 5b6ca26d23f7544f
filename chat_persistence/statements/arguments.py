"""The bound parameters of the statements.

They are never named like a column: SQLAlchemy would add a parameter `title` to the SET of an UPDATE that
runs with it, which compiling the statement alone does not show.
"""

from sqlalchemy import Boolean, Integer, Text, Uuid, bindparam
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

owner = bindparam("owner", type_=Text())
chat = bindparam("chat", type_=Uuid())
message = bindparam("message", type_=Uuid())

heading = bindparam("heading", type_=Text())
sets_heading = bindparam("sets_heading", type_=Boolean())
# JSON crosses as text and is cast in SQL, so that no codec, the host's included, ever sees it.
notes = bindparam("notes", type_=Text())
sets_notes = bindparam("sets_notes", type_=Boolean())
hidden = bindparam("hidden", type_=Boolean())

how_many = bindparam("how_many", type_=Integer())
place = bindparam("place", type_=Integer())
expected = bindparam("expected", type_=Integer())
moment = bindparam("moment", type_=TIMESTAMP(timezone=True))
owner_after = bindparam("owner_after", type_=Text())

owner_array = bindparam("owner_array", type_=ARRAY(Text()))
chat_array = bindparam("chat_array", type_=ARRAY(Uuid()))
heading_array = bindparam("heading_array", type_=ARRAY(Text()))
how_many_array = bindparam("how_many_array", type_=ARRAY(Integer()))
began_array = bindparam("began_array", type_=ARRAY(TIMESTAMP(timezone=True)))
moved_array = bindparam("moved_array", type_=ARRAY(TIMESTAMP(timezone=True)))
hidden_array = bindparam("hidden_array", type_=ARRAY(TIMESTAMP(timezone=True)))

# `varchar(20)[]` would cut a longer role silently, so all text crosses as `text[]`.
id_array = bindparam("id_array", type_=ARRAY(Uuid()))
role_array = bindparam("role_array", type_=ARRAY(Text()))
content_array = bindparam("content_array", type_=ARRAY(Text()))
tool_calls_array = bindparam("tool_calls_array", type_=ARRAY(Text()))
native_array = bindparam("native_array", type_=ARRAY(Text()))
notes_array = bindparam("notes_array", type_=ARRAY(Text()))
token_count_array = bindparam("token_count_array", type_=ARRAY(Integer()))
