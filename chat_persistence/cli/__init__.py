"""The command line, `chat-persistence`: its way in, which needs the extra `cli` and says so."""

import sys


def main() -> None:
    """Run the command that was asked for, and exit with its code: 0, 1, 2 for wrong usage, 3 for old tables."""
    try:
        from chat_persistence.cli.app import make_app
        from chat_persistence.cli.output import accept_all_text
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in {"typer", "rich"}:
            raise
        sys.exit("error: the command line is an extra: pip install 'chat-persistence[cli]'")
    except KeyboardInterrupt:
        sys.exit(130)
    accept_all_text()
    make_app()()
