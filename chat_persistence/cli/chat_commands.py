"""The commands on what is stored: moving it, following it, counting it, keeping it and deleting it."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from chat_persistence.cli import drafts as draft_commands
from chat_persistence.cli import erasing, exporting, importing, key_rotation, pruning
from chat_persistence.cli import follow as following
from chat_persistence.cli import fork as forking
from chat_persistence.cli import history as reading
from chat_persistence.cli import search as searching
from chat_persistence.cli import usage as user_usage
from chat_persistence.cli.importing import FileFormat, Library
from chat_persistence.cli.options import Json, Language, Schema, Url, given
from chat_persistence.search_languages import DEFAULT_LANGUAGE
from chat_persistence.transfer.export_files import ExportFormat
from chat_persistence.transfer.importing import OnError

OnErrorOption = Annotated[
    OnError, typer.Option(help="Whether a record that cannot be imported stops the import, or is told and skipped.")
]
User = Annotated[str, typer.Argument(help="The user's id.")]
ConversationId = Annotated[UUID, typer.Argument(help="The conversation's id.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object a message.")]


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
    exporting.export(given(url), schema, output, user, format, resume=resume)


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
    importing.import_file(given(url), schema, source, on_error=on_error, as_json=json)


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
    importing.import_tables(given(url), schema, tables, from_url, on_error=on_error, as_json=json)


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
    pruning.prune(given(url), schema, pruning.read_age(older_than), kinds, dry_run=dry_run, as_json=json)


def erase(
    user: Annotated[str, typer.Argument(help="Whose everything is deleted.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and delete nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    url: Url = None,
    schema: Schema = None,
    json: Json = False,
) -> None:
    """Delete all that is stored of one user, and print a receipt."""
    erasing.erase(given(url), schema, user, dry_run=dry_run, is_sure=yes, as_json=json)


def history(
    user: User,
    conversation: ConversationId,
    limit: Annotated[
        int | None, typer.Option(min=1, max=1000, help="How many at most; 50, or 1,000 with --max-tokens.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="The newest that fit into so many tokens.")] = None,
    url: Url = None,
    schema: Schema = None,
    json: JsonLines = False,
) -> None:
    """Print the newest messages of a conversation, oldest first."""
    reading.history(given(url), schema, user, conversation, limit, max_tokens, as_json=json)


def search(
    user: User,
    query: Annotated[str, typer.Argument(help="The words; quoted, as they stand; `or`; `-word` leaves out.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20,
    after: Annotated[str | None, typer.Option(help="The `next_cursor` of the page before.")] = None,
    language: Language = DEFAULT_LANGUAGE,
    url: Url = None,
    schema: Schema = None,
    json: Json = False,
) -> None:
    """Print where a user's messages have some words, newest first; it needs the index of `search-index create`."""
    searching.search(given(url), schema, language, user, query, limit, after, as_json=json)


def fork(
    user: User,
    conversation: ConversationId,
    at_position: Annotated[int, typer.Argument(min=0, help="The last position that both share.")],
    fork_id: Annotated[UUID | None, typer.Option(help="The id of the fork, by which it can be repeated.")] = None,
    url: Url = None,
    schema: Schema = None,
    json: Json = False,
) -> None:
    """Make a conversation of what was said up to a position, and print its id."""
    forking.fork(given(url), schema, user, conversation, at_position, fork_id, as_json=json)


def usage(
    user: User,
    url: Url = None,
    schema: Schema = None,
    json: Json = False,
) -> None:
    """Tell how many messages a user has, and of how many tokens."""
    user_usage.usage(given(url), user, schema, as_json=json)


def follow(
    user: User,
    conversation: ConversationId,
    after: Annotated[
        int | None, typer.Option(help="Begin after this position; 0 is the beginning. Without it, with what is new.")
    ] = None,
    url: Url = None,
    schema: Schema = None,
    json: JsonLines = False,
) -> None:
    """Print the messages of a conversation as they are stored, until interrupted."""
    following.follow(given(url), schema, user, conversation, after, as_json=json)


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
    draft_commands.drafts(given(url), schema, quiet_for, end, as_json=json)


def rotate_keys(
    url: Url = None,
    schema: Schema = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the keys that are to be wrapped.")] = False,
    json: Json = False,
) -> None:
    """Wrap all users' keys anew with the first of $CHAT_PERSISTENCE_ENCRYPTION_KEYS, while everybody goes on."""
    key_rotation.rotate_keys(given(url), schema, dry_run=dry_run, as_json=json)
