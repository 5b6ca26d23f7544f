"""What a URL's parameters mean to asyncpg: some it takes, some are nothing to it, some it cannot honour."""

import os
import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from chat_persistence.connection_url import Host
from chat_persistence.errors import ConfigurationError

APPLICATION_NAME = "chat_persistence"

# What asyncpg takes from a DSN for itself. All else that it finds there, it sends to the server as settings.
TAKEN = frozenset(
    [
        *["user", "password", "dbname", "passfile", "service", "target_session_attrs", "krbsrvname", "gsslib"],
        *["sslmode", "sslnegotiation", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl"],
        *["ssl_min_protocol_version", "ssl_max_protocol_version"],
    ]
)

DROPPED = frozenset(
    [
        # asyncpg cannot bind SCRAM to the TLS channel. Neon prints `require`; `sslmode` stays in force.
        "channel_binding",
        # Of libpq's sockets: the system's defaults hold, and a command's timeout finds a dead peer.
        *["keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"],
        # asyncpg has one way: UTF-8, protocol 3.0, the hosts in their order, no compression, no GSS encryption.
        *["client_encoding", "min_protocol_version", "max_protocol_version", "load_balance_hosts"],
        *["sslsni", "sslcompression", "sslcertmode", "gssencmode", "gssdelegation"],
        # Of Prisma's and node-postgres's own; `supa` tells Supabase where the URL was copied.
        *["connection_limit", "pool_timeout", "socket_timeout", "schema", "sslaccept", "uselibpqcompat", "supa"],
        # Read elsewhere: they choose the profile or the timeout. Other sizes than 0 would only tune.
        *["pgbouncer", "statement_cache_size", "prepared_statement_cache_size", "connect_timeout"],
        "fallback_application_name",
    ]
)

# asyncpg looks at the first three when it connects, too late. Of the rest, another value asks for what is not done.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "sslcertmode": ("disable", "allow"),
    "gssencmode": ("disable", "prefer"),
    "sslaccept": ("accept_invalid_certs",),
    "schema": ("public",),  # a store is told its schema by name
}

# Words on security, misspelt ones too, are never passed on as a server's setting.
ON_SECURITY = re.compile(r"ssl|tls|gss|krb|channel|require|scram|oauth|hostaddr", re.IGNORECASE)

FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")


def check(parameters: Mapping[str, str]) -> None:
    """Raise `ConfigurationError` for what asyncpg cannot do and would not say, or would say too late."""
    for name, value in parameters.items():
        if name in CHOICES and value not in CHOICES[name]:
            raise ConfigurationError(f"{name} in the database URL must be one of: {', '.join(CHOICES[name])}")
        if ON_SECURITY.match(name) and name not in TAKEN | DROPPED:
            raise ConfigurationError(f"the database URL asks for {name}, which asyncpg does not know")
    _check_files(parameters)
    _check_roots(parameters)


def trusts_system_roots(parameters: Mapping[str, str]) -> bool:
    """Whether libpq's `sslrootcert=system` is asked for. asyncpg would take it for the name of a file."""
    return parameters.get("sslrootcert") == "system"


def _check_files(parameters: Mapping[str, str]) -> None:
    # Found out only when connecting, it would look like an outage.
    for name in FILES:
        path = parameters.get(name)
        if path and not os.access(path, os.R_OK) and not (name == "sslrootcert" and path == "system"):
            raise ConfigurationError(f"{name} in the database URL names a file that cannot be read")


def _check_roots(parameters: Mapping[str, str]) -> None:
    mode = parameters.get("sslmode")
    if trusts_system_roots(parameters):
        # As libpq does: whoever has a public certificate could answer in the server's place.
        if mode not in (None, "verify-full"):
            raise ConfigurationError("sslrootcert=system in the database URL needs sslmode=verify-full")
        # asyncpg would leave them aside without a word.
        if any(name in parameters for name in FILES if name != "sslrootcert"):
            raise ConfigurationError("sslrootcert=system in the database URL goes with no other certificate")
    elif mode in ("verify-ca", "verify-full") and "sslrootcert" not in parameters:
        default = os.path.expanduser("~/.postgresql/root.crt")
        if not os.access(os.environ.get("PGSSLROOTCERT", default), os.R_OK):
            raise ConfigurationError(f"sslmode={mode} needs sslrootcert in the database URL: a file, or `system`")


def write_dsn(hosts: list[Host], parameters: Mapping[str, str]) -> str:
    """Write the DSN that makes asyncpg connect to these, everything encoded and after the `?`.

    There it survives: before the `?`, asyncpg cuts at the first `@` and `#`, and Python's URL parser
    refuses some brackets and characters, quoting the password.
    """
    named = {"application_name": parameters.get("fallback_application_name", APPLICATION_NAME)}
    told = {name: value for name, value in (named | dict(parameters)).items() if name not in DROPPED}
    return "postgresql://?" + urlencode(_host_parameters(hosts) | told, quote_via=quote, safe="")


def _host_parameters(hosts: list[Host]) -> dict[str, str]:
    told = {"host": ",".join(f"[{name}]" if _is_ipv6(name) else name for name, _ in hosts)}
    if any(port for _, port in hosts):
        told["port"] = ",".join(port or "5432" for _, port in hosts)
    return told if hosts else {}


def _is_ipv6(name: str) -> bool:
    return ":" in name and not name.startswith("/")
