"""What `initdb` and `postgres` are told."""

import sys

# macOS has no C.UTF-8 of its own. The collation is PostgreSQL's own everywhere, so it sorts the same.
LOCALE = "C" if sys.platform == "darwin" else "C.UTF-8"

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    # Relative to the data directory, which nobody else can enter.
    "unix_socket_directories": ".",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # A refused statement, and often the error too, holds what a user wrote: neither goes to a log file.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
}

NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def initdb_options(*, durable: bool) -> list[str]:
    """Return the options of `initdb`. The superuser has no password: only this user can reach the socket."""
    return [
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        f"--locale={LOCALE}",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    ]


def postgres_options(*, durable: bool) -> list[str]:
    """Return the options of `postgres`; whatever they leave open can be set in `postgresql.conf`."""
    settings = SETTINGS if durable else SETTINGS | NOT_DURABLE
    return [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
