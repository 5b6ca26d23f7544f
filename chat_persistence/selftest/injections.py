"""Five hundred strings that mean something to SQL, to a format, to a template, or to who builds SQL from strings."""

from itertools import product

OPENINGS = ("'", '"', "')", "$$", "\\'", "1", "\u2019", "\uff07", "%27", "\x00'", "E'\\'", "*/ ", "\r\n;")
ATTACKS = (
    " OR 1=1",
    " OR user_id <> ''",
    " UNION SELECT user_id, content FROM messages",
    "; DROP TABLE messages CASCADE",
    "; DELETE FROM conversations",
    "; UPDATE messages SET content = 'owned'",
    "; COPY messages TO PROGRAM 'cat'",
    "; SELECT pg_sleep(60)",
    "; SET ROLE postgres",
    " || (SELECT string_agg(content, '') FROM messages) || ",
)
ENDINGS = ("", "--", "/*", "#")

ODDITIES = (
    *("'", '"', ";", "\\", "--", "/*", "*/", "$1", "$2", "$$", "$tag$", "%", "%%", "_", "\x00", "\x1a", "\b", "\ud800"),
    *(
        "%s",
        "%(owner)s",
        "%(schema)s",
        "%n",
        ":owner",
        "::text",
        "::uuid",
        ":1",
        "?",
        "?|",
        "@>",
        "@?",
        "#>>",
        "->>'a'",
    ),
    *("{}", "{0}", "{0.__class__.__mro__}", "{owner!r}", "{{7*7}}", "${7*7}", "<script>", "\\u0000", "\\x27", "\\047"),
    *("U&'\\0027'", "E'\\047'", "null", "NULL", "true", "NaN", "DEFAULT", "'::text", "\u02bc", "\u2018", "\uff02"),
    *("__[SCHEMA__none]", "__[POSTCOMPILE_owner]", "messages", "user_id", "conversations.user_id", "current_user"),
    *("$.a ? (@ > 1)", "{user_id}", "a.b", "a[0]", "-1", "1e309", "(select 1)", "\u202e'", "\ufdd00027", "\ufdd00000"),
)


def strings(how_many: int) -> tuple[str, ...]:
    """Return so many of them, evenly chosen; 500 are all."""
    attacks = [opening + attack + ending for ending, attack, opening in product(ENDINGS, ATTACKS, OPENINGS)]
    all_of_them = (*ODDITIES, *attacks)[:500]
    return all_of_them[:: len(all_of_them) // how_many]
