"""A provider's URL and profile made an engine: what asyncpg would connect with, without connecting."""

import inspect
import os
import ssl
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, get_args
from urllib.parse import quote

import pytest
from asyncpg import connect_utils
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from chat_persistence.connection import (
    ConnectionSettings,
    Place,
    Profile,
    TaggedConnection,
    join_engine,
    make_engine,
    read_url,
    watch_for_dead_connections,
)
from chat_persistence.errors import ConfigurationError

PASSWORD = "s3cret"  # noqa: S105


class Target(NamedTuple):
    addresses: list[str | tuple[str, int]]
    user: str
    password: str
    database: str


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def parse(url: str) -> tuple[list[str | tuple[str, int]], Any]:
    """asyncpg has no public way to say what it understood."""
    settings = read_url(url)
    understand: Any = connect_utils._parse_connect_dsn_and_args
    arguments: dict[str, Any] = dict.fromkeys(inspect.signature(understand).parameters)
    addresses, parameters = understand(**arguments | {"dsn": settings.dsn, "ssl": settings.system_roots or None})
    return addresses, parameters


def target(url: str) -> Target:
    addresses, parameters = parse(url)
    return Target(addresses, parameters.user, parameters.password, parameters.database)


def connect_arguments(engine: AsyncEngine) -> dict[str, Any]:
    """What the engine would give to `asyncpg.connect`."""
    given: dict[str, Any] = {}

    def refuse(_: Any, __: Any, ___: Any, arguments: dict[str, Any]) -> None:
        given.update(arguments)
        raise ConnectionRefusedError

    event.listen(engine.sync_engine, "do_connect", refuse)
    with pytest.raises(ConnectionRefusedError):
        engine.sync_engine.raw_connection()
    return given


@pytest.mark.parametrize(
    ("url", "address", "user", "database", "sslmode", "profile"),
    [
        pytest.param(
            f"postgresql://neondb_owner:{PASSWORD}@ep-cool-name-a1b2c3-pooler.eu-central-1.aws.neon.tech/neondb"
            "?sslmode=require&channel_binding=require",
            ("ep-cool-name-a1b2c3-pooler.eu-central-1.aws.neon.tech", 5432),
            *("neondb_owner", "neondb", "require", "neon"),
            id="Neon, pooled",
        ),
        pytest.param(
            f"postgresql://neondb_owner:{PASSWORD}@ep-cool-name-a1b2c3.eu-central-1.aws.neon.tech/neondb"
            "?sslmode=require&channel_binding=require",
            ("ep-cool-name-a1b2c3.eu-central-1.aws.neon.tech", 5432),
            *("neondb_owner", "neondb", "require", "direct"),
            id="Neon, direct",
        ),
        pytest.param(
            f"postgresql://postgres:{PASSWORD}@db.abcdefghijkl.supabase.co:5432/postgres",
            ("db.abcdefghijkl.supabase.co", 5432),
            *("postgres", "postgres", "prefer", "direct"),
            id="Supabase, direct",
        ),
        pytest.param(
            f"postgresql://postgres.ref:{PASSWORD}@aws-0-eu-central-1.pooler.supabase.com:5432/postgres",
            ("aws-0-eu-central-1.pooler.supabase.com", 5432),
            *("postgres.ref", "postgres", "prefer", "direct"),
            id="Supabase, session pooler",
        ),
        pytest.param(
            f"postgresql://postgres.ref:{PASSWORD}@aws-0-eu-central-1.pooler.supabase.com:6543/postgres",
            ("aws-0-eu-central-1.pooler.supabase.com", 6543),
            *("postgres.ref", "postgres", "prefer", "pgbouncer"),
            id="Supabase, transaction pooler",
        ),
        pytest.param(
            f"postgres://postgres.ref:{PASSWORD}@aws-0-us-east-1.pooler.supabase.com:6543/postgres"
            "?sslmode=require&supa=base-pooler.x&pgbouncer=true&connection_limit=1",
            ("aws-0-us-east-1.pooler.supabase.com", 6543),
            *("postgres.ref", "postgres", "require", "pgbouncer"),
            id="Supabase, as Vercel prints it",
        ),
        pytest.param(
            f"postgres://u1:{PASSWORD}@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d1",
            ("ec2-1-2-3-4.compute-1.amazonaws.com", 5432),
            *("u1", "d1", "prefer", "direct"),
            id="Heroku",
        ),
        pytest.param(
            f"postgresql://chat:{PASSWORD}@dpg-abc123-a.frankfurt-postgres.render.com/chat_x1",
            ("dpg-abc123-a.frankfurt-postgres.render.com", 5432),
            *("chat", "chat_x1", "prefer", "direct"),
            id="Render",
        ),
        pytest.param(
            f"postgresql://postgres:{PASSWORD}@viaduct.proxy.rlwy.net:31245/railway",
            ("viaduct.proxy.rlwy.net", 31245),
            *("postgres", "railway", "prefer", "direct"),
            id="Railway",
        ),
        pytest.param(
            f"postgresql://app:{PASSWORD}@chat.abc123.eu-west-1.rds.amazonaws.com:5432/chat?sslmode=require",
            ("chat.abc123.eu-west-1.rds.amazonaws.com", 5432),
            *("app", "chat", "require", "direct"),
            id="RDS",
        ),
        pytest.param(
            f"postgres://ada%40chatsrv:{PASSWORD}@chatsrv.postgres.database.azure.com:5432/chat?sslmode=require",
            ("chatsrv.postgres.database.azure.com", 5432),
            *("ada@chatsrv", "chat", "require", "direct"),
            id="Azure, the user with its server",
        ),
        pytest.param(
            f"postgres://ada:{PASSWORD}@chatsrv.postgres.database.azure.com:6432/chat?sslmode=require",
            ("chatsrv.postgres.database.azure.com", 6432),
            *("ada", "chat", "require", "pgbouncer"),
            id="Azure, its PgBouncer",
        ),
        pytest.param(
            f"postgresql+asyncpg://app:{PASSWORD}@/chat?host=/cloudsql/project:europe-west1:instance",
            "/cloudsql/project:europe-west1:instance/.s.PGSQL.5432",
            *("app", "chat", "disable", "direct"),
            id="Cloud SQL",
        ),
        pytest.param(
            f"postgres://avnadmin:{PASSWORD}@pg-chat-ada.a.aivencloud.com:12691/defaultdb?sslmode=require",
            ("pg-chat-ada.a.aivencloud.com", 12691),
            *("avnadmin", "defaultdb", "require", "direct"),
            id="Aiven",
        ),
        pytest.param(
            f"postgresql://doadmin:{PASSWORD}@db-pg-fra1-1.b.db.ondigitalocean.com:25060/defaultdb?sslmode=require",
            ("db-pg-fra1-1.b.db.ondigitalocean.com", 25060),
            *("doadmin", "defaultdb", "require", "direct"),
            id="DigitalOcean",
        ),
        pytest.param(
            f"postgresql://fly-user:{PASSWORD}@pgbouncer.abc123.flympg.net/fly-db",
            ("pgbouncer.abc123.flympg.net", 5432),
            *("fly-user", "fly-db", "prefer", "pgbouncer"),
            id="Fly, pooled",
        ),
        pytest.param(
            f"postgres://chat:{PASSWORD}@chat-db.flycast:5432/chat?sslmode=disable",
            ("chat-db.flycast", 5432),
            *("chat", "chat", "disable", "direct"),
            id="Fly, unmanaged",
        ),
        pytest.param(
            f"postgresql://ada:{PASSWORD}@eu-central-1.pg.psdb.cloud:6432/postgres?sslmode=verify-full&sslrootcert=system",
            ("eu-central-1.pg.psdb.cloud", 6432),
            *("ada", "postgres", "verify_full", "pgbouncer"),
            id="PlanetScale, pooled",
        ),
        pytest.param(
            f"postgresql+psycopg2://ada:{PASSWORD}@localhost:5432/chat?schema=public&client_encoding=utf8\n",
            ("localhost", 5432),
            *("ada", "chat", "prefer", "direct"),
            id="a developer's own",
        ),
    ],
)
def test_a_providers_url_works_as_it_was_pasted(
    url: str, address: str | tuple[str, int], user: str, database: str, sslmode: str, profile: Profile
) -> None:
    addresses, parameters = parse(url)

    assert Target(addresses, parameters.user, parameters.password, parameters.database) == Target(
        [address], user, PASSWORD, database
    )
    assert parameters.sslmode.name == sslmode
    assert parameters.server_settings == {"application_name": "chat_persistence"}
    assert read_url(url).profile == profile


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("p%40ss%2Fw%23rd%25%3A%3F", "p@ss/w#rd%:?"),
        ("p%2Bs+s", "p+s+s"),
        ("%C3%A9t%C3%A9", "été"),
        ("été", "été"),
        ("%2540", "%40"),
        ("p@ss", "p@ss"),
        ("p#ss", "p#ss"),
        ("100%", "100%"),
        ("a:b[c]d&e=f;g", "a:b[c]d&e=f;g"),
        ("℀", "℀"),  # Python's URL parser refuses it, quoting the password
    ],
)
def test_a_password_survives(written: str, meant: str) -> None:
    assert target(f"postgresql://ada:{written}@host/chat").password == meant
    assert target(f"postgresql://ada:{written}@host/chat").addresses == [("host", 5432)]


def test_user_and_database_survive_as_the_password_does() -> None:
    read = target(f"postgresql://a%3Ad%40a:{PASSWORD}@host/my%2Fchats%3F%C3%A9")

    assert read == Target([("host", 5432)], "a:d@a", PASSWORD, "my/chats?é")


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(user=NAMES, password=NAMES, database=NAMES)
def test_whatever_is_percent_encoded_survives(user: str, password: str, database: str) -> None:
    written = [quote(name, safe="") for name in (user, password, database)]

    read = target("postgresql://{}:{}@host/{}".format(*written))

    assert read == Target([("host", 5432)], user, password, database)


@given(st.text())
@example("a@b,c:1e9/d?host=::1:2&port=" + "9" * 5000)
def test_whatever_is_pasted_is_read_or_refused(pasted: str) -> None:
    with suppress(ConfigurationError):
        assert read_url("postgresql://" + pasted).dsn.isascii()


@pytest.mark.parametrize(
    ("location", "addresses"),
    [
        ("[::1]:5433/chat", [("::1", 5433)]),
        ("/chat?host=::1&port=5433", [("::1", 5433)]),
        ("%2Fvar%2Frun%2Fpostgresql:5433/chat", ["/var/run/postgresql/.s.PGSQL.5433"]),
        ("/chat?host=/var/run&port=5433", ["/var/run/.s.PGSQL.5433"]),
        ("localhost/chat?host=/var/run", ["/var/run/.s.PGSQL.5432"]),
        (":5433/chat", [("localhost", 5433)]),
        ("host:/chat", [("host", 5432)]),
        ("host/chat?port=5433", [("host", 5433)]),
        ("h1:5432,h2:5433/chat", [("h1", 5432), ("h2", 5433)]),
        ("h1:5433,[::1],h3/chat", [("h1", 5433), ("::1", 5432), ("h3", 5432)]),
        ("/chat?host=h1,h2&port=,5433", [("h1", 5432), ("h2", 5433)]),
        ("/chat?host=h1,h2&port=5433", [("h1", 5433), ("h2", 5433)]),
        ("/chat?host=h1:5433&host=h2:5434", [("h1", 5433), ("h2", 5434)]),
    ],
)
def test_hosts_are_found_wherever_libpq_and_sqlalchemy_write_them(
    location: str, addresses: list[str | tuple[str, int]]
) -> None:
    assert target(f"postgresql://ada:{PASSWORD}@{location}") == Target(addresses, "ada", PASSWORD, "chat")


def test_what_the_url_leaves_out_is_left_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGHOST": "h1", "PGPORT": "5433", "PGUSER": "ada", "PGPASSWORD": "pw"}.items():
        monkeypatch.setenv(name, value)

    assert target("postgresql://") == Target([("h1", 5433)], "ada", "pw", "ada")
    assert target("postgresql:///") == target("postgresql://?") == target("postgresql://")


def test_every_parameter_of_libpq_is_taken_or_harmless() -> None:
    _, parameters = parse(
        "postgresql://h1:5432,h2:5432/chat?sslmode=allow&channel_binding=require&gssencmode=prefer&keepalives=1"
        "&keepalives_idle=30&keepalives_interval=5&keepalives_count=3&tcp_user_timeout=0&connect_timeout=10"
        "&target_session_attrs=read-write&load_balance_hosts=random&sslnegotiation=postgres&sslcompression=0"
        "&sslsni=1&sslcertmode=allow&client_encoding=UTF8&gssdelegation=0&krbsrvname=postgres&gsslib=gssapi"
        "&ssl_min_protocol_version=TLSv1.2&application_name=bot&fallback_application_name=other"
        "&options=-c%20statement_timeout%3D5s"
    )

    assert parameters.server_settings == {"application_name": "bot", "options": "-c statement_timeout=5s"}
    assert parameters.target_session_attrs == "read-write"
    assert parameters.sslmode.name == "allow"
    assert parameters.ssl.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("written", ["ssl=true", "ssl=require", "sslmode=require"])
def test_tls_is_in_force_however_it_is_asked_for(written: str) -> None:
    _, parameters = parse(f"postgresql+asyncpg://ada@host/chat?{written}")

    assert parameters.sslmode.name == "require"


def test_the_systems_root_certificates_can_verify_the_server() -> None:
    engine = make_engine(read_url("postgresql://ada@host/chat?sslmode=verify-full&sslrootcert=system"))

    _, parameters = parse("postgresql://ada@host/chat?sslmode=verify-full&sslrootcert=system")

    assert connect_arguments(engine)["ssl"] is True
    assert parameters.ssl.verify_mode == ssl.CERT_REQUIRED
    assert parameters.ssl.check_hostname


def test_an_unknown_parameter_is_a_setting_for_the_server_to_judge() -> None:
    _, parameters = parse("postgresql://ada@host/chat?search_path=chats&fallback_application_name=bot")

    assert parameters.server_settings == {"application_name": "bot", "search_path": "chats"}


@pytest.mark.parametrize(
    ("url", "profile"),
    [
        ("postgresql://ada@host:6543/chat", "pgbouncer"),
        ("postgresql://ada@h1:5432,h2:6432/chat", "pgbouncer"),
        ("postgresql://ada@pgbouncer/chat", "pgbouncer"),
        ("postgresql://ada@chat-pooler.default.svc/chat", "pgbouncer"),
        ("postgresql://ada@ep-cool-name-pooler.eu-central-1.aws.neon.tech/chat", "neon"),
        ("postgresql://ada@ep-cool-name.eu-central-1.aws.neon.tech/chat?pgbouncer=true", "neon"),
        ("postgresql://ada@pooled.db.prisma.io:5432/chat", "pgbouncer"),
        ("postgresql://ada@host/chat?pgbouncer=true", "pgbouncer"),
        ("postgresql+asyncpg://ada@host/chat?prepared_statement_cache_size=0", "pgbouncer"),
        ("postgresql://ada@host/chat?statement_cache_size=0", "pgbouncer"),
        ("postgresql://ada@host/chat?statement_cache_size=200&pgbouncer=false", "direct"),
        ("postgresql://ada-pooler@my-pooler-host/ada-pooler", "direct"),
        ("postgresql://", "direct"),
    ],
)
def test_the_profile_is_read_off_the_url(url: str, profile: Profile) -> None:
    assert read_url(url).profile == profile


def test_a_given_profile_wins() -> None:
    assert read_url("postgresql://host:6543/chat?pgbouncer=true", "direct").profile == "direct"
    assert read_url("postgresql://host/chat", "pgbouncer").profile == "pgbouncer"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "not PostgreSQL's"),
        ("garbage", "not PostgreSQL's"),
        (f"mysql://ada:{PASSWORD}@host/chat", "not PostgreSQL's"),
        (f"sqlite:///{PASSWORD}.db", "not PostgreSQL's"),
        (f"prisma+postgres://accelerate.prisma-data.net/?api_key={PASSWORD}", "not PostgreSQL's"),
        (f"host=localhost password={PASSWORD}", "not PostgreSQL's"),
        (f"postgresql://ada:x/{PASSWORD}@host/chat", "percent-encode"),
        (f"postgresql://ada:12/{PASSWORD}@host/chat", "percent-encode"),
        (f"postgresql://ada:x?{PASSWORD}@host/chat", "percent-encode"),
        (f"postgresql://ada:x?a={PASSWORD}@host/chat", "percent-encode"),
        (f"postgresql://ada:x@{PASSWORD}/y@host/chat", "percent-encode"),
        (f"postgresql://ada:{PASSWORD}@host:port/chat", "percent-encode"),
        (f"postgresql://ada:{PASSWORD}%FF@host/chat", "UTF-8"),
        (f"postgresql://ada:{PASSWORD}\udcff@host/chat", "UTF-8"),
        (f"postgresql://ada:{PASSWORD}%00@host/chat", "zero byte"),
        (f"postgresql://ada:{PASSWORD}@host:65536/chat", "cannot be one"),
        (f"postgresql://ada:{PASSWORD}@host/chat?port=five", "cannot be one"),
        (f"postgresql://ada:{PASSWORD}@a..b/chat", "cannot be one"),
        (f"postgresql://ada:{PASSWORD}@h1,,h2/chat", "cannot be one"),
        (f"postgresql://ada:{PASSWORD}@h1,h2,h3/chat?port=1,2", "number of ports"),
        (f"postgresql://ada:{PASSWORD}@host/chat?sslmode=no-verify", "sslmode .* require, verify-ca"),
        (f"postgresql://ada:{PASSWORD}@host/chat?sslmod=require", "sslmod,"),
        (f"postgresql://ada:{PASSWORD}@host/chat?sslMode=require", "sslMode,"),
        (f"postgresql://ada:{PASSWORD}@host/chat?require_auth=scram-sha-256", "require_auth"),
        (f"postgresql://ada:{PASSWORD}@host/chat?gssencmode=require", "gssencmode"),
        (f"postgresql://ada:{PASSWORD}@host/chat?sslaccept=strict", "sslaccept"),
        (f"postgresql://ada:{PASSWORD}@host/chat?schema=bots", "schema"),
        (f"postgresql://ada:{PASSWORD}@host/chat?target_session_attrs=leader", "target_session_attrs"),
        (f"postgresql://ada:{PASSWORD}@host/chat?connect_timeout=soon", "connect_timeout"),
        (f"postgresql://ada:{PASSWORD}@host/chat?sslmode=verify-full", "sslrootcert"),
        (f"postgresql://ada:{PASSWORD}@host/chat?sslmode=require&sslrootcert=/absent.pem", "cannot be read"),
        (f"postgresql://ada:{PASSWORD}@host/chat?sslmode=require&sslrootcert=system", "verify-full"),
    ],
)
def test_what_cannot_be_honoured_is_refused_and_not_quoted(url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as raised:
        read_url(url)

    assert PASSWORD not in f"{raised.value!r}{raised.value}{raised.value.__context__!r}"


def test_a_certificate_besides_the_systems_roots_is_refused(tmp_path: Path) -> None:
    certificate = tmp_path / "client.crt"
    certificate.touch()

    with pytest.raises(ConfigurationError, match="no other certificate"):
        read_url(f"postgresql://ada@host/chat?sslrootcert=system&sslcert={certificate}")


def test_an_unknown_profile_is_refused() -> None:
    unknown: Any = "odyssey"

    with pytest.raises(ConfigurationError, match="direct, pgbouncer, neon"):
        read_url("postgresql://host/chat", unknown)


def test_no_repr_shows_the_password() -> None:
    settings = read_url(f"postgresql://ada:{PASSWORD}@host/chat")
    engine = make_engine(settings)

    assert PASSWORD in settings.dsn
    assert PASSWORD not in f"{settings!r} {engine!r} {engine.url!r} {engine.sync_engine.pool!r} {engine.dialect!r}"


def test_a_pool_without_a_connection_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least one"):
        make_engine(read_url("postgresql://host/chat"), pool_size=0)


def test_asyncpg_is_given_the_dsn_the_timeouts_and_our_class() -> None:
    settings = read_url("postgresql://host/chat")

    arguments = connect_arguments(make_engine(settings))

    assert arguments == {
        "dsn": settings.dsn,
        "timeout": 5.0,
        "command_timeout": 15.0,
        "connection_class": TaggedConnection,
        "max_cached_statement_lifetime": 0,
    }


@pytest.mark.parametrize("profile", ["pgbouncer", "neon"])
def test_behind_a_pooler_nothing_is_prepared_by_name(profile: Profile) -> None:
    arguments = connect_arguments(make_engine(read_url("postgresql://host/chat", profile)))

    assert arguments["statement_cache_size"] == arguments["prepared_statement_cache_size"] == 0
    assert arguments["prepared_statement_name_func"]() == ""


@pytest.mark.parametrize("profile", get_args(Profile))
def test_every_wait_has_an_end_by_default(profile: Profile) -> None:
    engine = make_engine(read_url("postgresql://host/chat", profile))
    arguments = connect_arguments(engine)

    assert isinstance(engine.pool, AsyncAdaptedQueuePool)
    limits = [arguments["timeout"], arguments["command_timeout"], engine.pool.timeout()]
    assert all(0 < limit <= 60 for limit in limits)


@pytest.mark.parametrize(("written", "timeout"), [("15", 15.0), ("0", None), ("-1", None)])
def test_the_urls_own_connect_timeout_wins(written: str, timeout: float | None) -> None:
    settings = read_url(f"postgresql://host/chat?connect_timeout={written}")

    assert connect_arguments(make_engine(settings, connect_timeout=3.0))["timeout"] == timeout


@pytest.mark.parametrize(
    ("settings", "timeout"),
    [
        (read_url("postgresql://ada@ep-cool-name-pooler.eu-central-1.aws.neon.tech/chat"), 15.0),
        (read_url("postgresql://ada@ep-cool-name.eu-central-1.aws.neon.tech/chat"), 15.0),
        (read_url("postgresql://ada@EP-COOL-NAME.eu-central-1.aws.NEON.tech/chat", "pgbouncer"), 15.0),
        (read_url("postgresql://ada@host/chat", "neon"), 15.0),
        (read_url("postgresql://ada@neon.tech.example.com/chat"), 5.0),
        (read_url("postgresql://ada@host:6432/chat"), 5.0),
    ],
)
def test_a_server_that_may_be_asleep_is_given_time_to_wake(settings: ConnectionSettings, timeout: float) -> None:
    assert connect_arguments(make_engine(settings))["timeout"] == timeout
    assert connect_arguments(make_engine(settings, connect_timeout=2.0))["timeout"] == 2.0


def test_settings_are_values() -> None:
    settings = read_url("postgresql://host/chat")

    assert settings == read_url("postgresql://host/chat")
    assert replace(settings, profile="pgbouncer") == ConnectionSettings(settings.dsn, "pgbouncer", settings.place)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://ada:secret@host:5433/chat", Place("chat", "host", 5433)),
        ("postgresql://ada@host/chat", Place("chat", "host")),
        ("postgresql:///chat?host=/run/postgresql", Place("chat", "/run/postgresql")),
        ("postgresql://ada@[::1]/", Place(None, "::1")),
        ("postgresql://first,second/chat", Place("chat")),
        ("postgresql://", Place()),
    ],
)
def test_the_place_is_what_the_url_tells_of_one_host(url: str, place: Place) -> None:
    assert read_url(url).place == place


def test_an_engine_on_another_driver_is_refused() -> None:
    other: Any = SimpleNamespace(dialect=SimpleNamespace(driver="psycopg_async"))

    join_engine(create_async_engine("postgresql+asyncpg://"))
    with pytest.raises(ConfigurationError, match="runs on psycopg_async"):
        join_engine(other)


async def test_two_who_watch_one_engine_each_stop_their_own() -> None:
    engine = create_async_engine("postgresql+asyncpg://")
    first, second = watch_for_dead_connections(engine), watch_for_dead_connections(engine)

    first()
    await engine.dispose()

    assert len(list(engine.sync_engine.pool.dispatch.checkout)) == 1
    second()
    assert not list(engine.sync_engine.pool.dispatch.checkout)
