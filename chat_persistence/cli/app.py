"""The command line: every command by its name, and those on the tables with their options."""

from typing import Annotated

import typer

from chat_persistence.cli import chat_commands, row_level_security, search_index, tables, user_links
from chat_persistence.cli.options import Json, Language, Schema, Url, given
from chat_persistence.cli.outcome import told_in_one_line
from chat_persistence.errors import ConfigurationError
from chat_persistence.foreign_keys import OnDelete
from chat_persistence.opening import EMBEDDED
from chat_persistence.search_languages import DEFAULT_LANGUAGE
from chat_persistence.statements.user_links import UserIdType


def make_app() -> typer.Typer:
    """Return the command line."""
    app = typer.Typer(
        help="Durable memory for async chatbots: its tables, what is in them, a demo, and a selftest.",
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for command in (
        upgrade,
        downgrade,
        status,
        chat_commands.export,
        chat_commands.import_tables,
        chat_commands.prune,
        chat_commands.erase,
        chat_commands.history,
        chat_commands.search,
        chat_commands.fork,
        chat_commands.usage,
        chat_commands.follow,
        chat_commands.drafts,
        chat_commands.rotate_keys,
        link_users,
        unlink_users,
        demo,
        selftest,
    ):
        app.command()(told_in_one_line()(command))
    app.command("import")(told_in_one_line()(chat_commands.import_file))
    second_wall = typer.Typer(help="A second wall between users, which PostgreSQL itself holds.", no_args_is_help=True)
    second_wall.command("enable")(told_in_one_line()(enable_row_level_security))
    second_wall.command("disable")(told_in_one_line()(disable_row_level_security))
    app.add_typer(second_wall, name="row-level-security")
    search = typer.Typer(
        help="The index that search in messages needs; each language has its own.", no_args_is_help=True
    )
    search.command("create")(told_in_one_line()(create_search_index))
    search.command("drop")(told_in_one_line()(drop_search_index))
    app.add_typer(search, name="search-index")
    return app


def upgrade(
    revision: Annotated[str, typer.Argument(help="The revision to go up to.")] = "head",
    url: Url = None,
    schema: Schema = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL for an empty database, and run nothing.")] = False,
) -> None:
    """Bring the tables to a revision; nothing is done when they are there."""
    if sql:
        tables.upgrade_sql(schema, revision)
    else:
        tables.upgrade(given(url), schema, revision)


def downgrade(
    revision: Annotated[str, typer.Argument(help="The revision to go back to; `base` drops the tables.")],
    url: Url = None,
    schema: Schema = None,
) -> None:
    """Take the tables back to a revision, and what only later ones can hold is lost."""
    tables.downgrade(given(url), schema, revision)


def status(url: Url = None, schema: Schema = None, json: Json = False) -> None:
    """Tell which revision the tables have; exit with 3 when it is not this version's."""
    tables.status(given(url), schema, as_json=json)


def enable_row_level_security(
    role: Annotated[str, typer.Option(help="The application's role; created, without login, when it is not there.")],
    maintenance_role: Annotated[
        str | None, typer.Option(help="The role that rewinds, erases and lists users; created when it is not there.")
    ] = None,
    append_only: Annotated[
        bool, typer.Option("--append-only", help="Do not let the application delete conversations either.")
    ] = False,
    url: Url = None,
    schema: Schema = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL, and run nothing.")] = False,
) -> None:
    """Bind the application's role to one user's rows at a time, and leave it the rights that a chatbot needs."""
    if sql:
        row_level_security.enable_sql(role, maintenance_role, schema, append_only=append_only)
    else:
        row_level_security.enable(given(url), role, maintenance_role, schema, append_only=append_only)


def disable_row_level_security(
    url: Url = None,
    schema: Schema = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL, and run nothing.")] = False,
) -> None:
    """Take the policies away; roles and their grants stay."""
    if sql:
        row_level_security.disable_sql(schema)
    else:
        row_level_security.disable(given(url), schema)


def create_search_index(
    language: Language = DEFAULT_LANGUAGE,
    url: Url = None,
    schema: Schema = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL, and run nothing.")] = False,
) -> None:
    """Create the index while reads and writes go on; nothing is done when it is there."""
    if sql:
        search_index.create_sql(language, schema)
    else:
        search_index.create(given(url), language, schema)


def drop_search_index(
    language: Language = DEFAULT_LANGUAGE,
    url: Url = None,
    schema: Schema = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL, and run nothing.")] = False,
) -> None:
    """Drop the index while reads and writes go on."""
    if sql:
        search_index.drop_sql(language, schema)
    else:
        search_index.drop(given(url), language, schema)


def link_users(
    table: Annotated[str, typer.Option(help="The table of your users.")],
    column: Annotated[str, typer.Option(help="Its key, which a conversation's `user_id` holds as text.")] = "id",
    user_schema: Annotated[
        str | None, typer.Option(help="The schema of that table, when it is not the search path's.")
    ] = None,
    on_delete: Annotated[
        OnDelete, typer.Option(help="Whether a user who is deleted takes all conversations along, or is kept by them.")
    ] = "cascade",
    url: Url = None,
    schema: Schema = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL, and run nothing.")] = False,
    type: Annotated[
        UserIdType, typer.Option(help="For --sql: the column's type; `text` also for varchar, `bigint` for integers.")
    ] = "text",
) -> None:
    """Add a foreign key from conversations to your users; first list who is missing there."""
    if sql:
        user_links.link_sql(table, column, type, user_schema, on_delete, schema)
    else:
        user_links.link(given(url), table, column, user_schema, on_delete, schema)


def unlink_users(
    url: Url = None,
    schema: Schema = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL, and run nothing.")] = False,
) -> None:
    """Take the foreign key to your users away."""
    if sql:
        user_links.unlink_sql(schema)
    else:
        user_links.unlink(given(url), schema)


def demo(
    url: Annotated[str, typer.Option(help="The database; without it, the library's own server.")] = EMBEDDED,
    migrate: Annotated[bool, typer.Option("--migrate", help="Make or change the tables at the URL.")] = False,
    users: Annotated[int, typer.Option(min=1, max=1000, help="How many users play at once.")] = 50,
    all: Annotated[bool, typer.Option("--all", help="Play every dialogue, not a sample.")] = False,
    language: Annotated[list[str] | None, typer.Option(help="Play this language only; may be repeated.")] = None,
    erase: Annotated[bool, typer.Option("--erase", help="Remove what the demo stored, and play nothing.")] = False,
    json: Json = False,
) -> None:
    """Play real dialogues as a chatbot would, verify every message, and measure."""
    try:
        from chat_persistence.cli.demo import command
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in {"chatterbot_corpus", "yaml"}:
            raise
        raise ConfigurationError("the demo is an extra: pip install 'chat-persistence[demo]'") from missing
    if erase:
        command.remove(url, migrate=migrate, as_json=json)
    else:
        command.play(url, command.choose(language or [], everything=all), users=users, migrate=migrate, as_json=json)


def selftest(
    url: Annotated[str | None, typer.Argument(help="The server; without it, one of the library's own.")] = None,
    check: Annotated[list[str] | None, typer.Option(help="Make this check only; may be repeated.")] = None,
    json: Json = False,
) -> None:
    """Cancel, cut, restart and kill, and count what broke; exit with 1 when a figure is not as promised.

    A server that is given is used as an application uses it, in a schema that is dropped at the end.

    Without one, a server in a temporary folder is restarted and killed, too. It takes a few minutes.
    """
    from chat_persistence.cli import selftest as command

    command.selftest(url, command.choose(check or []), as_json=json)
