"""The command that erases one user, and prints a receipt."""

import sys

import typer

from chat_persistence import ChatStore, ErasureReceipt
from chat_persistence.cli.database import on_store
from chat_persistence.cli.output import print_json, results

TABLES = ("conversations", "messages", "drafts", "user_keys")


def erase(url: str, schema: str | None, user_id: str, *, dry_run: bool, is_sure: bool, as_json: bool) -> None:
    """Erase, and print the receipt; unless it is sure, show first what there is and ask."""

    async def work(store: ChatStore) -> ErasureReceipt:
        chat = store.for_user(user_id)
        if not dry_run and not is_sure:
            _ask(await chat.erase(dry_run=True))
        return await chat.erase(dry_run=dry_run)

    receipt = on_store(url, schema, work)
    if as_json:
        print_json(receipt.to_dict())
    else:
        results().print(_told(receipt))


def _ask(there: ErasureReceipt) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody is there to ask: say --yes")
    typer.confirm(f"{_told(there)}. Erase all of it?", abort=True, err=True)


def _told(receipt: ErasureReceipt) -> str:
    done = "would be erased" if receipt.dry_run else f"erased at {receipt.finished_at:%Y-%m-%d %H:%M:%S} UTC"
    counts = ", ".join(f"{getattr(receipt, table):,} {table}" for table in TABLES)
    return f"{done}: {counts}"
