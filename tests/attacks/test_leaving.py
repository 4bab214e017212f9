"""What a leaver leaves behind is no power of whoever gets it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from regent.apply.handing_on import NotHandedOnError, hand_on_owned
from regent.changes import HandOnOwned
from regent.one_shot import OnceReport
from regent.server.connections import Connections
from tests.integration.facts.once import applied, outcome
from tests.integration.test_home import connector_of
from tests.postgres.database import Database, flights
from tests.postgres.server import PostgresServer

pytestmark = pytest.mark.every_version

LEAVER = """
Permission/read: {database: mydb, schemas: [schema1], tables: [flights], actions: [SELECT]}
Role/heir: {database: mydb, permissions: [read]}
User/keeper: {database: mydb}
"""
"""Who stays; the keeper so that the leaver is not the last one with LOGIN."""


async def prepared(database: Database, heir: str, own: str, **regent: Any) -> None:
    """A leaver who may create in schema1, and made there what `own` says."""
    leaver = f"User/leaver: {{database: mydb, reassignOwnedTo: {heir}}}\n"
    await applied(database, LEAVER + leaver, regent=regent)
    await database.execute(
        "GRANT CREATE ON SCHEMA schema1, schema2 TO heir;"
        "GRANT USAGE, CREATE ON SCHEMA schema1 TO leaver; SET ROLE leaver;"
        f"SET search_path = schema1; {own}; RESET ROLE"
    )


async def left(database: Database, **regent: Any) -> OnceReport:
    """The leaver's resource is deleted."""
    return await applied(database, LEAVER, revision=2, regent=regent)


async def owners(database: Database, names: Iterable[str]) -> dict[str, str]:
    """Who owns these relations and functions of schema1."""
    look = await database.connect()
    rows = await look.fetch(
        "SELECT relname AS name, relowner::regrole::text AS owner FROM pg_class"
        " WHERE relnamespace = 'schema1'::regnamespace AND relname = ANY ($1::text[])"
        " UNION ALL SELECT proname, proowner::regrole::text FROM pg_proc"
        " WHERE pronamespace = 'schema1'::regnamespace AND proname = ANY ($1::text[])",
        list(names),
    )
    return {row["name"]: row["owner"] for row in rows}


def said(report: OnceReport) -> str:
    return " ".join(f"{r.message} {r.way_out}" for r in report.results if not r.done)


TRAP = (
    "CREATE FUNCTION trap(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
    " $$ BEGIN ALTER ROLE leaver SUPERUSER; RETURN 1; EXCEPTION WHEN OTHERS THEN RETURN 1; END $$"
)


@pytest.mark.found("A4")
async def test_an_index_that_autovacuum_evaluates_does_not_become_a_superusers(
    database: Database,
) -> None:
    """A pattern that happens to match the superuser does not count as naming it."""
    regent = {"allow": {"reassignOwnedTo": ["*"]}}
    await prepared(
        database,
        "postgres",
        f"{TRAP}; CREATE TABLE baited (i int); INSERT INTO baited VALUES (1);"
        "CREATE INDEX ON baited (trap(i)); CREATE TABLE plain (id serial PRIMARY KEY)",
        **regent,
    )
    report = await left(database, **regent)
    assert await owners(database, ["baited", "trap", "plain"]) == {
        "baited": "leaver",
        "trap": "leaver",
        "plain": "leaver",
    }
    assert "baited" in said(report)
    assert "spec.allow.reassignOwnedTo" in said(report)
    await database.execute("ANALYZE schema1.baited")
    look = await database.connect()
    assert await look.fetchval(
        "SELECT NOT rolsuper AND NOT rolcanlogin FROM pg_roles WHERE rolname = 'leaver'"
    )


POWERS = {
    "GRANT pg_execute_server_program TO heir": "REVOKE pg_execute_server_program FROM heir",
    "CREATE ROLE strong CREATEROLE; GRANT strong TO heir": "REVOKE strong FROM heir",
    "ALTER ROLE heir CREATEDB": "ALTER ROLE heir NOCREATEDB",
    "ALTER TABLE schema1.flights OWNER TO heir": "ALTER TABLE schema1.flights OWNER TO app_owner",
    "GRANT SELECT ON schema1.flights TO heir": "REVOKE SELECT ON schema1.flights FROM heir",
    "GRANT SELECT (flight_id) ON schema1.flights TO heir": (
        "REVOKE SELECT (flight_id) ON schema1.flights FROM heir"
    ),
    "CREATE DATABASE other OWNER heir": "DROP DATABASE other",
    "GRANT CREATE ON DATABASE mydb TO heir WITH GRANT OPTION": (
        "REVOKE GRANT OPTION FOR CREATE ON DATABASE mydb FROM heir"
    ),
}
"""What makes the heir stronger, in one way each, and how it ends."""
OWNER_OF_CODE = "SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'steal'"


@pytest.mark.found("A4")
async def test_code_is_not_handed_to_a_role_that_can_do_more(database: Database) -> None:
    """By an attribute, a membership, a privilege or ownership, here or in another database."""
    look = await database.connect()
    await look.execute(
        "CREATE ROLE leaver; CREATE ROLE heir; CREATE SCHEMA s AUTHORIZATION leaver;"
        "GRANT CREATE ON DATABASE mydb TO leaver, heir; SET ROLE leaver;"
        "CREATE FUNCTION s.steal() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1';"
        "CREATE TABLE s.t (id serial); CREATE VIEW s.v AS SELECT * FROM s.t; RESET ROLE"
    )
    connections = Connections(connector_of(database.server))
    everything = HandOnOwned("mydb", "leaver", "heir")
    for power, end in POWERS.items():
        for statement in power.split("; "):
            await look.execute(statement)
        with pytest.raises(NotHandedOnError, match=r"steal.*can do more"):
            await hand_on_owned(connections, everything, set(), before_write=lambda: None)
        assert (
            await look.fetchval(
                "SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'steal'"
            )
            == "leaver"
        )
        await look.execute(end)
        await look.execute("ALTER SCHEMA s OWNER TO leaver; ALTER TABLE s.t OWNER TO leaver")
    # The twin: once it can do nothing more, all of it is handed on.
    await hand_on_owned(connections, everything, set(), before_write=lambda: None)
    assert (
        await look.fetchval("SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'steal'")
        == "heir"
    )
    await connections.close()


CODE = {
    "an index": "CREATE INDEX ON {t} (schema1.trap(i))",
    "a partial index": "CREATE INDEX ON {t} (i) WHERE schema1.trap(i) > 0",
    "statistics": "CREATE STATISTICS schema1.st_{t} ON (schema1.trap(i)), i FROM {t}",
    "a check": "ALTER TABLE {t} ADD CHECK (schema1.trap(i) > 0) NOT VALID",
    "a check of the server's": (
        "ALTER TABLE {t} ADD CHECK (table_to_xml('schema1.evil', true, true, '') IS NOT NULL)"
        " NOT VALID"
    ),
    "a default": "ALTER TABLE {t} ALTER i SET DEFAULT schema1.trap(1)",
    "a generated column": "ALTER TABLE {t} ADD g int GENERATED ALWAYS AS (schema1.trap(i)) STORED",
    "a trigger": (
        "CREATE TRIGGER x BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION schema1.tg()"
    ),
    "a rule": "CREATE RULE x AS ON INSERT TO {t} DO ALSO SELECT 1",
    "a policy": "CREATE POLICY x ON {t} USING (schema1.trap(i) > 0)",
    "a domain": "ALTER TABLE {t} ADD d schema1.dom",
    "an operator": "CREATE INDEX ON {t} ((i OPERATOR(schema1.<+>) 1))",
}
PLAIN = (
    "CREATE TABLE plain (id serial PRIMARY KEY, at timestamptz DEFAULT now(), k uuid DEFAULT"
    " gen_random_uuid(), m mood, ms mood[], n text CHECK (length(n) < 9), low text GENERATED ALWAYS"
    " AS (lower(n)) STORED, ref int REFERENCES plain ON DELETE SET NULL);"
    "CREATE INDEX ON plain (lower(n)) WHERE n <> ''; CREATE STATISTICS st ON id, n FROM plain;"
    "CREATE TABLE parted (i int, j date) PARTITION BY RANGE (i);"
    "CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9)"
)


@pytest.mark.found("A4")
async def test_code_in_and_on_tables_is_found_and_plain_tables_are_handed_on(
    database: Database,
) -> None:
    """To a managed role of the same namespace without any list, though it can do more."""
    names = {f"t{n}": text.format(t=f"t{n}") for n, text in enumerate(CODE.values())}
    await prepared(
        database,
        "heir",
        f"{TRAP}; CREATE FUNCTION tg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE DOMAIN dom AS int CHECK (schema1.trap(VALUE) > 0); CREATE TYPE mood AS ENUM ('a');"
        "CREATE FUNCTION add(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';"
        "CREATE OPERATOR <+> (LEFTARG = int, RIGHTARG = int, FUNCTION = add);"
        f"CREATE VIEW evil AS SELECT trap(1); {PLAIN};"
        + ";".join(f"CREATE TABLE {name} (i int)" for name in names)
        + ";CREATE TABLE cascading (i int) PARTITION BY LIST (i); CREATE TABLE hidden PARTITION OF"
        " cascading DEFAULT; CREATE TRIGGER x BEFORE INSERT ON hidden FOR EACH ROW"
        " EXECUTE FUNCTION schema1.tg();" + ";".join(names.values()),
    )
    await left(database)
    kept = [*names, "evil", "cascading", "hidden"]
    assert await owners(database, kept) == dict.fromkeys(kept, "leaver")
    handed = ["plain", "plain_id_seq", "parted", "part"]
    assert await owners(database, handed) == dict.fromkeys(handed, "heir")


@pytest.mark.found("A4")
async def test_without_a_list_only_a_managed_role_of_the_namespace_gets_anything(
    database: Database,
) -> None:
    """It is said with the way out, before and after; a listed role gets all, code too."""
    await prepared(
        database,
        "app_owner",
        f"{TRAP}; CREATE TABLE plain (i int); CREATE INDEX ON plain (trap(i))",
    )
    here = LEAVER + "User/leaver: {database: mydb, reassignOwnedTo: app_owner}"
    notes = outcome(await applied(database, here), "User/leaver").notes
    assert any("spec.allow.reassignOwnedTo" in note for note in notes)
    report = await left(database)
    assert await owners(database, ["plain", "trap"]) == {"plain": "leaver", "trap": "leaver"}
    assert "spec.allow.reassignOwnedTo" in said(report)
    listed = {"allow": {"reassignOwnedTo": ["app_owner"]}}
    report = await applied(database, LEAVER, revision=3, regent=listed)
    assert said(report) == ""
    assert await owners(database, ["plain", "trap"]) == {"plain": "app_owner", "trap": "app_owner"}
    look = await database.connect()
    assert not await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'leaver'")


@pytest.mark.found("A4")
async def test_what_becomes_code_while_it_is_handed_on_stays(
    database: Database,
) -> None:
    """It is judged again under the object's own lock."""
    look, other = await database.connect(), await database.connect()
    await look.execute(
        "CREATE ROLE leaver; CREATE ROLE heir CREATEDB; CREATE SCHEMA s AUTHORIZATION leaver;"
        f"SET ROLE leaver; SET search_path = s; {TRAP}; CREATE TABLE t (i int); RESET ROLE"
    )
    connections = Connections(connector_of(database.server))
    await other.execute("BEGIN; CREATE INDEX ON s.t (s.trap(i))")
    handing = asyncio.create_task(
        hand_on_owned(
            connections, HandOnOwned("mydb", "leaver", "heir"), set(), before_write=lambda: None
        )
    )
    while not await look.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        await asyncio.sleep(0.01)
    await other.execute("COMMIT")
    with pytest.raises(NotHandedOnError, match="trap"):
        await handing
    assert (
        await look.fetchval("SELECT relowner::regrole::text FROM pg_class WHERE relname = 't'")
        == "leaver"
    )
    await connections.close()


@pytest.mark.found("C29")
async def test_a_prepared_transaction_brings_no_login_back_after_the_end_was_told(
    launch_server: Callable[..., PostgresServer],
) -> None:
    """Until it is over the roles stay managed, and their resources say that access goes on."""
    async with flights(launch_server(max_prepared_transactions="2")) as database:
        look, other = await database.connect(), await database.connect()
        await look.execute("CREATE ROLE adopted LOGIN")
        ended = ("created", "adopted")
        leavers = "".join(
            f"User/{name}: {{database: mydb, adopt: true, enabled: false}}\n" for name in ended
        )
        await applied(database, LEAVER + leavers)
        await look.execute(
            "BEGIN; ALTER ROLE created LOGIN; ALTER ROLE adopted LOGIN; PREPARE TRANSACTION 'late'"
        )
        await other.execute(
            "BEGIN; CREATE TABLE public.harmless (i int); PREPARE TRANSACTION 'harmless'"
        )
        report = await applied(database, LEAVER, revision=2)
        for name in ended:
            said = outcome(report, f"User/{name}")
            assert said.reason == "AccessGoesOn"
            assert "'late'" in said.message
        assert await managed(database) >= set(ended)
        await look.execute("COMMIT PREPARED 'late'")
        logins = "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname = ANY ($1::text[])"
        assert len(await look.fetch(logins, ended)) == 2
        report = await applied(database, LEAVER, revision=2)
        assert [o.resource for o in report.outcomes if not o.is_ready] == []
        assert (await managed(database)).isdisjoint(ended)
        assert await look.fetch(logins, ended) == []
        await other.execute("ROLLBACK PREPARED 'harmless'")


@pytest.mark.found("E22")
@pytest.mark.every_version
@pytest.mark.parametrize(
    ("change", "gid"),
    [("ALTER ROLE adopted LOGIN", "a\\xff"), ("GRANT SELECT ON public.t TO adopted", "plain")],
)
async def test_what_is_prepared_is_told_whatever_its_name_and_its_change(
    launch_server: Callable[..., PostgresServer], change: str, gid: str
) -> None:
    """A name that is not UTF-8 hides nothing, nor does a privilege that is granted so."""
    async with flights(launch_server(max_prepared_transactions="2")) as database:
        look = await database.connect()
        await look.execute("CREATE ROLE adopted LOGIN")
        await look.execute("CREATE DATABASE raw TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
        leaver = "User/adopted: {database: mydb, adopt: true, enabled: false}\n"
        await applied(database, LEAVER + leaver)
        raw = await database.server.connect("raw")
        await raw.execute("CREATE TABLE public.t (i int); SET client_encoding = 'SQL_ASCII'")
        await raw.execute(f"BEGIN; {change}; PREPARE TRANSACTION E'{gid}'")
        for _ in range(2):
            report = await applied(database, LEAVER, revision=2)
            said = outcome(report, "User/adopted")
            assert said.reason == "AccessGoesOn"
            assert ("61ff" if "xff" in gid else "a prepared transaction grants it") in said.message
        await raw.execute(f"ROLLBACK PREPARED E'{gid}'")
        await raw.close()
        report = await applied(database, LEAVER, revision=2)
        assert [o.resource for o in report.outcomes if not o.is_ready] == []


async def managed(database: Database) -> set[str]:
    """The roles that the Regent manages."""
    home = await database.server.connect("postgregent")
    try:
        rows = await home.fetch("SELECT role FROM postgregent.marks WHERE NOT released")
    finally:
        await home.close()
    return {row["role"] for row in rows}
