"""What a reading of a database says, against what was granted in it."""

from __future__ import annotations

import asyncpg
import pytest

from regent.inspect import Interest, inspect_changed, inspect_database
from regent.inspect.assemble import LastReading
from regent.kinds import KINDS
from regent.observed import AclItem, ObjectGroup, ObservedDatabase
from shared.names import quote_ident
from shared.privileges import PRIVILEGES_OF, ObjectKind
from tests.postgres.database import Database

pytestmark = pytest.mark.every_version

READER, WRITER = "intern reader", 'odd"name/=,ü'
QUOTED = {READER: '"intern reader"', WRITER: '"odd""name/=,ü"'}
INTEREST = Interest(roles=frozenset({READER, WRITER}))
relation = KINDS[ObjectKind.TABLE].at


@pytest.fixture
async def admin(database: Database) -> asyncpg.Connection:
    connection = await database.connect()
    for quoted in QUOTED.values():
        await connection.execute(f"CREATE ROLE {quoted}")
    return connection


def group_of(observed: ObservedDatabase, schema: str | None, name: str) -> ObjectGroup:
    """The only group that has this object."""
    (found,) = [g for g in observed.groups if g.schema == schema and name in g.names]
    return found


def item(group: ObjectGroup, grantee: str | None) -> AclItem:
    (found,) = [i for i in group.acl if i.grantee == grantee]
    return found


async def oid_of(connection: asyncpg.Connection, name: str) -> int:
    return int(await connection.fetchval("SELECT $1::text::regclass::oid::bigint", name))


async def catalog_items(connection: asyncpg.Connection) -> set[tuple[object, ...]]:
    """Every ACL item of ordinary schemas, as aclexplode() gives them: the slow, plain way."""
    rows = await connection.fetch(
        "SELECT n.nspname, c.relname, c.oid::bigint, c.relkind::text, o.rolname, g.rolname,"
        " r.rolname, e.privilege_type, e.is_grantable"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_roles o ON o.oid = c.relowner, aclexplode(coalesce(c.relacl, acldefault("
        " CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", c.relowner))) e"
        " LEFT JOIN pg_roles g ON g.oid = e.grantee LEFT JOIN pg_roles r ON r.oid = e.grantor"
        " WHERE c.relkind IN ('r','p','v','m','f','S') AND n.nspname !~ '^pg_'"
        " AND n.nspname <> 'information_schema'"
    )
    return {tuple(row) for row in rows}


def observed_items(observed: ObservedDatabase) -> set[tuple[object, ...]]:
    return {
        (g.schema, name, oid, g.relation_kind, g.owner, i.grantee, i.grantor, p, p in i.grantable)
        for g in observed.groups
        if g.kind in {ObjectKind.TABLE, ObjectKind.SEQUENCE}
        for name, oid in zip(g.names, g.oids, strict=True)
        for i in g.acl
        for p in i.privileges
    }


async def test_a_reading_is_what_aclexplode_says_of_every_object(
    admin: asyncpg.Connection,
) -> None:
    await admin.execute(
        f"""
        GRANT SELECT ON ALL TABLES IN SCHEMA schema1 TO {QUOTED[READER]};
        GRANT ALL ON schema1.flights, schema1.departures, schema1.routes TO {QUOTED[WRITER]};
        GRANT SELECT, UPDATE ON schema1.bookings TO {QUOTED[WRITER]} WITH GRANT OPTION;
        GRANT SELECT ON schema2.crews TO PUBLIC;
        GRANT USAGE ON SEQUENCE schema1.ticket_numbers TO {QUOTED[READER]};
        REVOKE ALL ON schema2.audit_log FROM app_owner;
        GRANT USAGE ON SCHEMA schema1 TO {QUOTED[WRITER]};
        SET ROLE {QUOTED[WRITER]};
        GRANT SELECT ON schema1.bookings TO {QUOTED[READER]};
        RESET ROLE;
        """
    )
    observed = await inspect_database(admin, INTEREST)
    expected = await catalog_items(admin)
    assert observed_items(observed) == expected
    assert len(expected) > 50


async def test_everything_of_one_schema_that_shares_owner_and_acl_is_one_group(
    admin: asyncpg.Connection,
) -> None:
    observed = await inspect_database(admin, INTEREST)
    tables = group_of(observed, "schema1", "flights")
    assert set(tables.names) == {"flights", "airports", "bookings_2025", "bookings_2026"}
    assert tables.oids == tuple(sorted(tables.oids))
    assert group_of(observed, "schema1", "bookings").relation_kind == "p"
    assert group_of(observed, "schema1", "departures").relation_kind == "v"
    assert group_of(observed, "schema1", "routes").relation_kind == "m"
    assert group_of(observed, "schema1", "ticket_numbers").kind is ObjectKind.SEQUENCE
    assert observed.name == "mydb"
    assert not observed.is_partial


@pytest.mark.fact("PG-ACL-1")
async def test_a_null_acl_is_the_default_and_not_empty(admin: asyncpg.Connection) -> None:
    observed = await inspect_database(admin, INTEREST)
    owner = item(group_of(observed, "schema1", "flights"), "app_owner")
    assert owner.privileges >= PRIVILEGES_OF[ObjectKind.TABLE] - {"MAINTAIN"}
    assert owner.grantor == "app_owner"


async def test_any_name_is_read_as_it_is(admin: asyncpg.Connection) -> None:
    """Thousands of names are read as one text, so what could end one of them is looked at."""
    names = {"a,b", 'say "hi"', "back\\slash", "{z}", "NULL", "two words", "a\nb", "é", "'"}
    for name in names:
        await admin.execute(f"CREATE TABLE schema1.{quote_ident(name)} (id integer)")
        await admin.execute(
            f"CREATE FUNCTION schema1.{quote_ident(name)}(integer, text) RETURNS integer"
            " LANGUAGE sql AS 'SELECT 1'"
        )
    interest = Interest(INTEREST.roles, kinds=frozenset({ObjectKind.ROUTINE}))
    last = LastReading()
    for _ in range(2):  # the second time it is the same reading
        observed = await inspect_database(admin, interest, last)
        tables = {n for g in observed.groups if g.kind is ObjectKind.TABLE for n in g.names}
        assert names <= tables
        routines = [g for g in observed.groups if g.kind is ObjectKind.ROUTINE]
        found = {pair for g in routines for pair in zip(g.names, g.arguments, strict=True)}
        assert {(name, "integer, text") for name in names} <= found


async def test_of_large_objects_those_are_read_that_are_named_or_that_a_managed_role_holds(
    admin: asyncpg.Connection,
) -> None:
    """There may be millions of others."""
    await admin.execute(
        f"""
        CREATE ROLE stranger;
        SELECT lo_create(50001), lo_create(50002), lo_create(50003), lo_create(4000000004);
        GRANT SELECT ON LARGE OBJECT 50002 TO {QUOTED[READER]};
        GRANT SELECT ON LARGE OBJECT 50003 TO stranger;
        """
    )
    kind = ObjectKind.LARGE_OBJECT
    for oids, expected in ((), {50002}), ((50001, 4000000004), {50001, 50002, 4000000004}):
        interest = Interest(INTEREST.roles, kinds=frozenset({kind}), oids=frozenset(oids))
        observed = await inspect_database(admin, interest)
        assert {oid for g in observed.groups if g.kind is kind for oid in g.oids} == expected


@pytest.mark.fact("PG-ACL-12")
async def test_all_on_a_table_is_every_privilege_that_the_server_knows(
    admin: asyncpg.Connection,
) -> None:
    await admin.execute(f"GRANT ALL ON schema1.flights TO {QUOTED[READER]}")
    held = item(group_of(await inspect_database(admin, INTEREST), "schema1", "flights"), READER)
    major = admin.get_server_version().major
    unknown = frozenset() if major >= 17 else {"MAINTAIN"}
    assert held.privileges == PRIVILEGES_OF[ObjectKind.TABLE] - unknown


@pytest.mark.fact("PG-ACL-2")
async def test_schemas_are_read_with_public_and_others(admin: asyncpg.Connection) -> None:
    await admin.execute(
        f"GRANT USAGE ON SCHEMA schema1 TO {QUOTED[READER]} WITH GRANT OPTION;"
        "GRANT CREATE ON SCHEMA schema1 TO PUBLIC"
    )
    observed = await inspect_database(admin, INTEREST)
    schema = group_of(observed, None, "schema1")
    assert schema.kind is ObjectKind.SCHEMA
    assert item(schema, READER).grantable == {"USAGE"}
    assert item(schema, None).privileges == {"CREATE"}


@pytest.mark.fact("PG-ACL-19")
async def test_a_column_with_an_acl_of_its_own_is_seen_and_others_are_not(
    admin: asyncpg.Connection,
) -> None:
    await admin.execute(
        f"GRANT SELECT (origin), UPDATE (origin) ON schema1.flights TO {QUOTED[READER]}"
    )
    (column,) = (await inspect_database(admin, INTEREST)).columns
    assert (column.schema, column.relation, column.column) == ("schema1", "flights", "origin")
    assert column.acl == (AclItem(READER, "app_owner", frozenset({"SELECT", "UPDATE"})),)
    assert column.relation_oid == await oid_of(admin, "schema1.flights")


async def test_the_columns_of_a_name_are_found_in_every_relation(
    admin: asyncpg.Connection,
) -> None:
    interest = Interest(columns=frozenset({"flight_id", "no_such_column"}))
    observed = await inspect_database(admin, interest)
    with_it = ("flights", "bookings", "bookings_2025", "bookings_2026", "departures")
    assert observed.columns_present == {
        "flight_id": {
            *[await oid_of(admin, f"schema1.{name}") for name in with_it],
            await oid_of(admin, "schema2.crews"),
        }
    }


@pytest.mark.rule("15")
async def test_a_serial_column_draws_on_its_sequence_and_an_identity_column_on_none(
    admin: asyncpg.Connection,
) -> None:
    await admin.execute(
        "ALTER TABLE schema1.bookings ALTER booking_id"
        " SET DEFAULT nextval('schema1.ticket_numbers'),"
        " ALTER flight_id SET DEFAULT 'schema1.flights'::regclass::oid::bigint::int"
    )
    found = (await inspect_database(admin, INTEREST)).default_sequences
    flights, airports = (
        await oid_of(admin, "schema1.flights"),
        await oid_of(admin, "schema1.airports"),
    )
    assert found[flights] == (await oid_of(admin, "schema1.flights_flight_id_seq"),)
    assert airports not in found
    assert found[await oid_of(admin, "schema1.bookings")] == (
        await oid_of(admin, "schema1.ticket_numbers"),
    )
    without = Interest(roles=INTEREST.roles, with_sequences=False)
    assert not (await inspect_database(admin, without)).default_sequences


@pytest.mark.rule("9")
async def test_members_of_extensions_are_told_apart(
    admin: asyncpg.Connection,
) -> None:
    await admin.execute("CREATE SCHEMA ext; CREATE EXTENSION pg_stat_statements SCHEMA ext")
    await admin.execute("CREATE VIEW ext.ours AS SELECT 1 AS one")
    await admin.execute(f"GRANT SELECT ON ext.pg_stat_statements TO {QUOTED[READER]}")
    observed = await inspect_database(admin, INTEREST)
    member = group_of(observed, "ext", "pg_stat_statements")
    assert member.is_extension_member
    assert item(member, READER).privileges == {"SELECT"}
    ours = group_of(observed, "ext", "ours")
    assert not ours.is_extension_member


@pytest.mark.rule("8")
async def test_a_system_schema_appears_only_with_what_a_managed_role_holds_in_it(
    admin: asyncpg.Connection,
) -> None:
    before = await inspect_database(admin, INTEREST)
    assert {g.schema for g in before.groups} == {None, "schema1", "schema2", "public"}
    await admin.execute(
        f"GRANT SELECT ON pg_catalog.pg_authid TO {QUOTED[READER]};"
        f"GRANT SELECT (subconninfo) ON pg_catalog.pg_subscription TO {QUOTED[READER]};"
        f"GRANT USAGE ON SCHEMA information_schema TO {QUOTED[READER]};"
        "CREATE ROLE stranger; GRANT SELECT ON pg_catalog.pg_statistic TO stranger;"
        "CREATE TEMPORARY TABLE short_lived (a int)"
    )
    observed = await inspect_database(admin, INTEREST)
    system = [g for g in observed.groups if g.schema and g.schema.startswith("pg_")]
    assert [(g.schema, g.names) for g in system] == [("pg_catalog", ("pg_authid",))]
    assert [(c.relation, c.column) for c in observed.columns] == [
        ("pg_subscription", "subconninfo")
    ]
    assert item(group_of(observed, None, "information_schema"), READER).privileges == {"USAGE"}
    await admin.execute("DROP OWNED BY stranger; DROP ROLE stranger")


async def test_ignored_schemas_are_left_out_wholly(admin: asyncpg.Connection) -> None:
    await admin.execute(f"GRANT SELECT (origin) ON schema1.flights TO {QUOTED[READER]}")
    interest = Interest(roles=INTEREST.roles, ignore_schemas=("schema[1]", "public"))
    observed = await inspect_database(admin, interest)
    assert {g.schema for g in observed.groups} == {None, "schema2"}
    assert {n for g in observed.groups if g.schema is None for n in g.names} == {"schema2"}
    assert not observed.columns


async def test_a_targeted_reading_by_oid_says_of_its_objects_what_a_whole_one_says(
    admin: asyncpg.Connection,
) -> None:
    await admin.execute(f"GRANT SELECT ON schema1.airports TO {QUOTED[READER]}")
    oid = await oid_of(admin, "schema1.airports")
    partial = await inspect_changed(admin, INTEREST, objects=[relation(oid)])
    whole = await inspect_database(admin, INTEREST)
    assert partial.groups == (group_of(whole, "schema1", "airports"),)
    assert partial.is_partial


async def test_a_targeted_reading_finds_what_a_transaction_wrote(
    admin: asyncpg.Connection,
) -> None:
    async with admin.transaction():
        await admin.execute(
            f"GRANT SELECT ON schema2.crews TO {QUOTED[READER]};"
            f"GRANT SELECT (entry) ON schema2.audit_log TO {QUOTED[READER]}"
        )
        xid = int(await admin.fetchval("SELECT pg_current_xact_id()::text"))
    observed = await inspect_changed(admin, INTEREST, xids=[xid + 2**32])
    tables = [n for g in observed.groups if g.kind is ObjectKind.TABLE for n in g.names]
    assert tables == ["crews"]
    assert item(group_of(observed, "schema2", "crews"), READER).privileges == {"SELECT"}


async def test_a_targeted_reading_finds_a_column_grant_and_its_revocation(
    admin: asyncpg.Connection,
) -> None:
    grant = f"GRANT SELECT (entry) ON schema2.audit_log TO {QUOTED[READER]}"
    revoke = f"REVOKE SELECT (entry) ON schema2.audit_log FROM {QUOTED[READER]}"
    for statement, columns in ((grant, ["entry"]), (revoke, [])):
        async with admin.transaction():
            await admin.execute(statement)
            xid = int(await admin.fetchval("SELECT pg_current_xact_id()::text"))
        observed = await inspect_changed(admin, INTEREST, xids=[xid])
        assert "audit_log" in group_of(observed, "schema2", "audit_log").names
        assert [c.column for c in observed.columns] == columns


@pytest.mark.rule("15")
async def test_a_sequence_is_never_read_without_the_tables_that_draw_on_it(
    admin: asyncpg.Connection,
) -> None:
    await admin.execute(
        "ALTER TABLE schema2.crews ALTER flight_id"
        " SET DEFAULT nextval('schema1.flights_flight_id_seq')"
    )
    oid = await oid_of(admin, "schema1.flights_flight_id_seq")
    observed = await inspect_changed(admin, INTEREST, objects=[relation(oid)])
    assert {n for g in observed.groups for n in g.names} == {
        "flights_flight_id_seq", "flights", "crews",
    }  # fmt: skip
    flights, crews = [await oid_of(admin, n) for n in ("schema1.flights", "schema2.crews")]
    assert observed.default_sequences == {flights: (oid,), crews: (oid,)}


@pytest.mark.rule("15")
@pytest.mark.found("E312")
async def test_a_schema_that_was_written_is_read_with_all_that_is_in_it(
    admin: asyncpg.Connection,
) -> None:
    """That of a new table is read alone: what others in it imply is neither given nor taken."""
    async with admin.transaction():
        await admin.execute(f"GRANT USAGE ON SCHEMA schema2 TO {QUOTED[READER]}")
        xid = int(await admin.fetchval("SELECT pg_current_xact_id()::text"))
    by_schema = await inspect_changed(admin, INTEREST, xids=[xid])
    crews = await oid_of(admin, "schema2.crews")
    by_table = await inspect_changed(admin, INTEREST, objects=[relation(crews)], with_schemas=True)
    names, of_table = ({n for g in one.groups for n in g.names} for one in (by_schema, by_table))
    assert names >= {"schema2", "crews", "audit_log", "crews_crew_id_seq"}
    assert "flights" not in names
    assert of_table == {"schema2", "crews", "crews_crew_id_seq"}


async def test_nothing_asked_for_and_nothing_written_is_an_empty_reading(
    admin: asyncpg.Connection,
) -> None:
    observed = await inspect_changed(
        admin, INTEREST, objects=[relation(4_000_000_000)], xids=[4_000_000_000]
    )
    assert observed.groups == ()
    assert observed.columns == ()


async def test_what_users_put_in_the_search_path_is_not_asked(admin: asyncpg.Connection) -> None:
    before = await inspect_database(admin, INTEREST)  # and the driver knows all types
    await admin.execute(
        "CREATE SCHEMA trap; CREATE TABLE trap.pg_class AS SELECT 1 AS oid;"
        "CREATE TABLE trap.pg_namespace AS SELECT 1 AS oid;"
        "CREATE FUNCTION trap.cardinality(text[]) RETURNS int LANGUAGE sql AS 'SELECT 1/0';"
        "SET search_path = trap, pg_catalog"
    )
    observed = await inspect_database(admin, INTEREST)
    assert group_of(observed, "trap", "pg_class").names == ("pg_class", "pg_namespace")
    assert group_of(observed, "schema1", "flights") == group_of(before, "schema1", "flights")
