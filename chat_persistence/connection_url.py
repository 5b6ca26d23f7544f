"""A provider's database URL taken apart: the hosts, and every parameter by libpq's name."""

import re
from typing import NamedTuple
from urllib.parse import unquote

from chat_persistence.errors import ConfigurationError

URL = re.compile(
    r"""(?i:postgres(?:ql)?(?:\+\w+)?)://
    (?:(?P<user>[^:/?]*)(?::(?P<password>[^/?]*))?@)?   # up to the last `@`: no host has one
    (?P<hosts>[^@/?]*)
    (?:/(?P<dbname>[^@?]*))?
    (?:\?(?P<query>.*))?""",
    re.VERBOSE | re.DOTALL,
)

HOST = re.compile(
    r"""(?P<whole>/.*|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)  # a socket's directory, or IPv6 without a port
    |(?:\[(?P<address>[^\[\]]+)\]|(?P<name>[^:/\[\]]*))(?::(?P<port>[0-9]*))?""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)

SYNONYMS = {"database": "dbname", "ssl": "sslmode"}  # `ssl`: SQLAlchemy's for asyncpg, and libpq's own for JDBC

SSLMODES_OF_SSL = {"true": "require", "1": "require", "false": "disable", "0": "disable"}

# No message quotes the URL: any piece of it may be a piece of the password.
NOT_POSTGRESQL = "the database URL is not PostgreSQL's: write postgresql://user:password@host:5432/database"
NOT_ENCODED = (
    "the database URL cannot be taken apart: percent-encode what is special in the user, the password and"
    " the parameters (%40 for @, %2F for /, %3F for ?, %25 for %)"
)


class Host(NamedTuple):
    """A name, an IP address without brackets, or the directory of a socket; an empty port is the default."""

    name: str
    port: str


class Said(NamedTuple):
    """What a URL says, decoded. Without hosts, the client is to look for them as it is used to."""

    hosts: list[Host]
    parameters: dict[str, str]


def take_apart(url: str) -> Said:
    """Read as libpq reads: what stands after the `?` wins over what stands before it.

    A `#`, a `@` or a lone `%` in a password need no encoding, a `/` or a `?` does. Raises `ConfigurationError`.
    """
    match = URL.fullmatch(url.strip())
    if match is None:
        raise ConfigurationError(NOT_ENCODED if URL.match(url.strip()) else NOT_POSTGRESQL)
    said = {name: _decoded(match[name]) for name in ("user", "password", "dbname") if match[name]}
    said |= _read_query(match["query"] or "")
    hosts = _read_hosts(match["hosts"], said.pop("host", ""))
    return Said(_with_ports(hosts, said.pop("port", "")), said)


def _read_query(query: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for item in filter(None, query.split("&")):
        name, separator, value = item.partition("=")
        # A `@` here means that the `?` was one of the password's.
        if not separator or ("@" in item and name not in ("user", "password")):
            raise ConfigurationError(NOT_ENCODED)
        _say(said, _decoded(name), _decoded(value))
    return said


def _say(said: dict[str, str], name: str, value: str) -> None:
    if name == "ssl":
        value = SSLMODES_OF_SSL.get(value, value)
    if name == "host" and name in said:
        value = f"{said[name]},{value}"  # SQLAlchemy repeats `host` for several hosts
    if value:
        said[SYNONYMS.get(name, name)] = value


def _decoded(text: str) -> str:
    # A `+` stays a `+`: libpq knows no encoding but `%`.
    decoded = unquote(text, errors="surrogateescape")
    if re.search("[\0\ud800-\udfff]", decoded):
        raise ConfigurationError("the database URL has bytes that are not UTF-8, or a zero byte")
    return decoded


def _read_hosts(authority: str, listed: str) -> list[Host]:
    if listed:
        return [_read_host(host) for host in listed.split(",")]
    if not authority:
        return []
    return [Host(_decoded(name), port) for name, port in map(_read_host, authority.split(","))]


def _read_host(text: str) -> Host:
    match = HOST.fullmatch(text)
    if match is None:
        raise ConfigurationError(NOT_ENCODED)
    return Host(match["whole"] or match["address"] or match["name"], match["port"] or "")


def _with_ports(hosts: list[Host], listed: str) -> list[Host]:
    if listed:
        hosts = hosts or [Host("", "")]
        ports = listed.split(",") if "," in listed else [listed] * len(hosts)
        if len(ports) != len(hosts):
            raise ConfigurationError("the database URL names another number of ports than of hosts")
        hosts = [Host(host.name, port) for host, port in zip(hosts, ports, strict=True)]
    # asyncpg 0.30 refuses a port without a host.
    hosts = [Host("localhost", hosts[0].port)] if len(hosts) == 1 and not hosts[0].name else hosts
    if not all(map(_is_reachable, hosts)):
        raise ConfigurationError("the database URL names a host or a port that cannot be one")
    return hosts


def _is_reachable(host: Host) -> bool:
    if host.port and not (re.fullmatch(r"[0-9]{1,5}", host.port) and 0 < int(host.port) < 65536):
        return False
    if "/" in host.name or ":" in host.name:
        return True
    try:
        return bool(host.name.encode("idna"))  # asyncio does it too, and its UnicodeError is no OSError
    except UnicodeError:
        return False
