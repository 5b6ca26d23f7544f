"""The commands and their options."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from chat_persistence.cli import drafts as draft_commands
from chat_persistence.cli import (
    erasing,
    exporting,
    importing,
    key_rotation,
    pruning,
    row_level_security,
    search_index,
    tables,
    user_links,
)
from chat_persistence.cli import follow as following
from chat_persistence.cli import usage as user_usage
from chat_persistence.cli.importing import FileFormat, Library
from chat_persistence.cli.outcome import told_in_one_line
from chat_persistence.errors import ConfigurationError
from chat_persistence.foreign_keys import OnDelete
from chat_persistence.opening import EMBEDDED
from chat_persistence.search_languages import DEFAULT_LANGUAGE
from chat_persistence.statements.user_links import UserIdType
from chat_persistence.transfer.export_files import ExportFormat
from chat_persistence.transfer.importing import OnError

URL_VARIABLES = ["CHAT_PERSISTENCE_DATABASE_URL", "DATABASE_URL"]
"""In the order in which the settings ask them, so that the command line and an application mean the same database."""

Url = Annotated[
    str | None,
    typer.Option(envvar=URL_VARIABLES, help="The database; `embedded` is the library's own server."),
]
Schema = Annotated[
    str | None,
    typer.Option(envvar="CHAT_PERSISTENCE_SCHEMA", help="The schema of the tables, when it is not the search path's."),
]
OnErrorOption = Annotated[
    OnError, typer.Option(help="Whether a record that cannot be imported stops the import, or is told and skipped.")
]
Language = Annotated[
    str,
    typer.Option(
        envvar="CHAT_PERSISTENCE_SEARCH_LANGUAGE",
        help="A text search configuration of PostgreSQL's, as the store has it.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def make_app() -> typer.Typer:
    """Return the command line."""
    app = typer.Typer(
        help="Durable memory for async chatbots: its tables, a demo, and a selftest.",
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for command in (
        upgrade,
        downgrade,
        status,
        drafts,
        export,
        prune,
        erase,
        usage,
        follow,
        drafts,
        rotate_keys,
        link_users,
        unlink_users,
        demo,
        selftest,
    ):
        app.command()(told_in_one_line()(command))
    app.command("import")(told_in_one_line()(import_file))
    app.command()(told_in_one_line()(import_tables))
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
        tables.upgrade(_given(url), schema, revision)


def downgrade(
    revision: Annotated[str, typer.Argument(help="The revision to go back to; `base` drops the tables.")],
    url: Url = None,
    schema: Schema = None,
) -> None:
    """Take the tables back to a revision, and what only later ones can hold is lost."""
    tables.downgrade(_given(url), schema, revision)


def status(url: Url = None, schema: Schema = None, json: Json = False) -> None:
    """Tell which revision the tables have; exit with 3 when it is not this version's."""
    tables.status(_given(url), schema, as_json=json)


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
        row_level_security.enable(_given(url), role, maintenance_role, schema, append_only=append_only)


def disable_row_level_security(
    url: Url = None,
    schema: Schema = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL, and run nothing.")] = False,
) -> None:
    """Take the policies away; roles and their grants stay."""
    if sql:
        row_level_security.disable_sql(schema)
    else:
        row_level_security.disable(_given(url), schema)


def drafts(
    quiet_for: Annotated[
        float, typer.Option(min=0.001, help="Seconds for which nothing was added: more than a model is ever silent.")
    ] = 3_600.0,
    end: Annotated[
        draft_commands.End | None,
        typer.Option(help="Make each a message, said to be aborted or not, or throw it away; else they are listed."),
    ] = None,
    url: Url = None,
    schema: Schema = None,
    json: Json = False,
) -> None:
    """List the replies that were being received by processes that are gone, and end them."""
    draft_commands.drafts(_given(url), schema, quiet_for, end, as_json=json)


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
        search_index.create(_given(url), language, schema)


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
        search_index.drop(_given(url), language, schema)


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
        user_links.link(_given(url), table, column, user_schema, on_delete, schema)


def unlink_users(
    url: Url = None,
    schema: Schema = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL, and run nothing.")] = False,
) -> None:
    """Take the foreign key to your users away."""
    if sql:
        user_links.unlink_sql(schema)
    else:
        user_links.unlink(_given(url), schema)


def import_file(
    format: Annotated[FileFormat, typer.Argument(help="What kind of file it is.")],
    file: Annotated[Path, typer.Argument(help="The file, as it is or by gzip; or the ZIP that it came in.")],
    user: Annotated[str | None, typer.Option(help="Whose the conversations become, unless it is `ndjson`.")] = None,
    on_error: OnErrorOption = "stop",
    url: Url = None,
    schema: Schema = None,
    json: Json = False,
) -> None:
    """Import the conversations of a file. Run it again, also after a kill, and what is there is left as it is."""
    source = importing.read_file(format, file, user)
    importing.import_file(_given(url), schema, source, on_error=on_error, as_json=json)


def export(
    output: Annotated[
        Path | None,
        typer.Option(help="The file; compressed if it ends in .gz. Without it, stdout."),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Whose conversations; without it, everybody's.")] = None,
    format: Annotated[ExportFormat, typer.Option(help="`ndjson` can be imported again exactly.")] = "ndjson",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what an interrupted export has left.")] = False,
    url: Url = None,
    schema: Schema = None,
) -> None:
    """Export the conversations of one user, or of everybody."""
    exporting.export(_given(url), schema, output, user, format, resume=resume)


def prune(
    older_than: Annotated[str, typer.Option(help="An age by the last activity (90d; also w, h, m), or a date.")],
    archived_only: Annotated[bool, typer.Option("--archived-only", help="Leave the active ones.")] = False,
    active_only: Annotated[bool, typer.Option("--active-only", help="Leave the archived ones.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and delete nothing.")] = False,
    url: Url = None,
    schema: Schema = None,
    json: Json = False,
) -> None:
    """Delete the conversations of all users that nobody has used for so long. Interrupted, it is simply run again."""
    kinds = pruning.read_kinds(archived_only=archived_only, active_only=active_only)
    pruning.prune(_given(url), schema, pruning.read_age(older_than), kinds, dry_run=dry_run, as_json=json)


def erase(
    user: Annotated[str, typer.Argument(help="Whose everything is deleted.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and delete nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    url: Url = None,
    schema: Schema = None,
    json: Json = False,
) -> None:
    """Delete all that is stored of one user, and print a receipt."""
    erasing.erase(_given(url), schema, user, dry_run=dry_run, is_sure=yes, as_json=json)


def import_tables(
    library: Annotated[Library, typer.Argument(help="Whose tables they are.")],
    from_url: Annotated[str | None, typer.Option(help="The database of the tables, when it is another one.")] = None,
    from_schema: Annotated[str | None, typer.Option(help="Their schema, when it is not the search path's.")] = None,
    table: Annotated[str | None, typer.Option(help="The table of the messages, when it has a name of its own.")] = None,
    user: Annotated[
        str | None, typer.Option(help="Whose the conversations become, when the library knows no users.")
    ] = None,
    user_pattern: Annotated[
        str | None, typer.Option(help="Or the regular expression whose first group is the user, in a session's id.")
    ] = None,
    on_error: OnErrorOption = "stop",
    url: Url = None,
    schema: Schema = None,
    json: Json = False,
) -> None:
    """Import the conversations in another library's tables, which stay as they are. It can be run again, too."""
    user_of = user if user_pattern is None else importing.user_by(user_pattern)
    tables = importing.tables_of(library, user_of, table, from_schema)
    importing.import_tables(_given(url), schema, tables, from_url, on_error=on_error, as_json=json)


def rotate_keys(
    url: Url = None,
    schema: Schema = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the keys that are to be wrapped.")] = False,
    json: Json = False,
) -> None:
    """Wrap all users' keys anew with the first of $CHAT_PERSISTENCE_ENCRYPTION_KEYS, while everybody goes on."""
    key_rotation.rotate_keys(_given(url), schema, dry_run=dry_run, as_json=json)


def usage(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    url: Url = None,
    schema: Schema = None,
    json: Json = False,
) -> None:
    """Tell how many messages a user has, and of how many tokens."""
    user_usage.usage(_given(url), user, schema, as_json=json)


def follow(
    user: Annotated[str, typer.Argument(help="The id of the user whose conversation it is.")],
    conversation: Annotated[UUID, typer.Argument(help="The id of the conversation.")],
    after: Annotated[
        int | None, typer.Option(help="Begin after this position; 0 is the beginning. Without it, with what is new.")
    ] = None,
    url: Url = None,
    schema: Schema = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a message.")] = False,
) -> None:
    """Print the messages of a conversation as they are stored, until interrupted."""
    following.follow(_given(url), schema, user, conversation, after, as_json=json)


def _given(url: str | None) -> str:
    if url is None:
        raise typer.BadParameter("no database: give --url, set DATABASE_URL (.env is not read), or say --url embedded")
    return url


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
