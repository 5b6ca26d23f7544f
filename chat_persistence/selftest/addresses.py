"""Database URLs that lead elsewhere: to another database, or through a relay on this machine."""

from urllib.parse import quote, urlencode

from chat_persistence.connection_url import take_apart


def with_database(url: str, database: str) -> str:
    """Return the URL of another database on the same server."""
    return _changed(url, dbname=database)


def through(url: str, port: int) -> str:
    """Return the URL that leads through a port of this machine; whom it reaches, a certificate cannot tell there."""
    _, said = take_apart(url)
    verifies = said.get("sslmode", "").startswith("verify-") or "sslrootcert" in said
    encryption = {"sslmode": "require", "sslrootcert": ""} if verifies else {}
    return _changed(url, host="127.0.0.1", port=str(port), **encryption)


def through_socket(url: str, folder: str, port: str) -> str:
    """Return the URL that leads through a socket in a folder."""
    return _changed(url, host=folder, port=port, sslmode="disable")


def with_parameters(url: str, **parameters: str) -> str:
    """Return the URL with parameters set, such as `application_name`."""
    return _changed(url, **parameters)


def _changed(url: str, **changes: str) -> str:
    hosts, said = take_apart(url)
    first = {"host": hosts[0].name, "port": hosts[0].port or "5432"} if hosts else {}
    said = {**first, **said, **changes}
    credentials = quote(said.pop("user", ""), safe="")
    if "password" in said:
        credentials += ":" + quote(said.pop("password"), safe="")
    database = quote(said.pop("dbname", ""), safe="")
    address = "" if said.get("host", "/").startswith("/") else f"{said.pop('host')}:{said.pop('port')}"
    # A space is `%20`: to libpq, and so to us, a plus is a plus.
    return f"postgresql://{credentials}@{address}/{database}?{urlencode(said, quote_via=quote)}".rstrip("?")
