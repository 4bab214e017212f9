"""What a reading of the shared catalogs says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from regent.desired import Attributes, SettingKey
from regent.inspect import inspect_server
from regent.observed import ObservedMembership
from shared.state import Verifier
from tests.postgres.database import Database

pytestmark = pytest.mark.every_version
SECRET = "SCRAM-SHA-256$4096:QUJDREVGR0hJSktMTU5PUA==$" + "A" * 43 + "=:" + "B" * 43 + "="


async def test_who_and_what_we_are(database: Database) -> None:
    connection = await database.connect()
    server = await inspect_server(connection, databases=["mydb"])
    assert server.major == database.server.version
    assert server.admin == "my-admin"
    assert server.admin_is_superuser
    assert not server.is_in_recovery
    assert server.system_identifier == await connection.fetchval(
        "SELECT system_identifier::text FROM pg_control_system()"
    )


async def test_a_role_is_read_with_attributes_password_expiry_and_settings(
    database: Database,
) -> None:
    connection = await database.connect()
    await connection.execute(
        f"""
        CREATE ROLE "Odd one" LOGIN CREATEDB BYPASSRLS NOINHERIT CONNECTION LIMIT 3
            PASSWORD '{SECRET}' VALID UNTIL '2031-02-03 04:05:06+00';
        ALTER ROLE "Odd one" SET work_mem = '8MB';
        ALTER ROLE "Odd one" IN DATABASE mydb SET search_path = schema1, "Two = 2";
        """
    )
    role = (await inspect_server(connection)).roles["Odd one"]
    assert role.login
    assert role.attributes == Attributes(createdb=True, bypassrls=True, inherit=False)
    assert role.connection_limit == 3
    assert role.valid_until == datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert role.verifier == Verifier(SECRET)
    assert role.password_is_readable
    assert role.settings == {
        SettingKey(None, "work_mem"): "8MB",
        SettingKey("mydb", "search_path"): 'schema1, "Two = 2"',
    }
    assert SECRET not in repr(role)


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("infinity", None),
        ("-infinity", datetime(1, 1, 2, tzinfo=UTC)),
        ("20000-01-01 00:00+00", datetime(9999, 12, 30, tzinfo=UTC)),
    ],
)
async def test_a_date_that_python_does_not_have_is_no_trouble(
    database: Database, until: str, expected: datetime | None
) -> None:
    connection = await database.connect()
    await connection.execute(f"CREATE ROLE dated VALID UNTIL '{until}'")
    assert (await inspect_server(connection)).roles["dated"].valid_until == expected


async def test_memberships_have_their_options_and_their_grantor(database: Database) -> None:
    connection = await database.connect()
    await connection.execute("CREATE ROLE crew; CREATE ROLE pilot; CREATE ROLE cook NOINHERIT")
    has_options = database.server.version >= 16
    options = "INHERIT FALSE, SET FALSE" if has_options else "ADMIN OPTION"
    await connection.execute(f"GRANT crew TO pilot WITH {options}; GRANT crew TO cook")
    found = {m.member: m for m in (await inspect_server(connection)).memberships}
    grantor = "postgres" if has_options else "my-admin"
    assert found["pilot"] == ObservedMembership(
        "crew",
        "pilot",
        grantor,
        admin=not has_options,
        inherit=not has_options,
        set_role=not has_options,
    )
    assert found["cook"] == ObservedMembership("crew", "cook", grantor, admin=False, inherit=False)


async def test_a_membership_of_a_role_that_is_gone_is_seen(database: Database) -> None:
    connection = await database.connect()
    await connection.execute(
        "CREATE ROLE crew; CREATE ROLE ghost; GRANT crew TO ghost;SET allow_system_table_mods = on"
    )
    oid = await connection.fetchval("SELECT 'ghost'::regrole::oid::bigint")
    await connection.execute("DELETE FROM pg_authid WHERE rolname = 'ghost'")
    (membership,) = [m for m in (await inspect_server(connection)).memberships if m.group == "crew"]
    assert membership.member == str(oid)
    await connection.execute("DELETE FROM pg_auth_members WHERE roleid = 'crew'::regrole")
    await connection.execute(
        "DELETE FROM pg_shdepend WHERE refobjid = $1 ::bigint::oid".replace("$1", str(oid))
    )


async def test_databases_that_share_owner_and_acl_are_one_group(database: Database) -> None:
    connection = await database.connect()
    await connection.execute("CREATE DATABASE second OWNER app_owner")
    await connection.execute("CREATE ROLE caller; GRANT CONNECT ON DATABASE mydb TO caller")
    groups = (await inspect_server(connection, databases=["mydb"])).databases
    (mydb,) = [g for g in groups if "mydb" in g.names]
    (second,) = [g for g in groups if "second" in g.names]
    assert mydb.names == ("mydb",)
    assert "CONNECT" in next(i for i in mydb.acl if i.grantee == "caller").privileges
    public = next(i for i in second.acl if i.grantee is None)
    assert public.privileges == {"CONNECT", "TEMPORARY"}
    assert "template1" not in {n for g in groups for n in g.names}


@pytest.mark.fact("PG-WATCH-3")
async def test_who_may_not_read_passwords_reads_everything_else(database: Database) -> None:
    connection = await database.connect()
    await connection.execute(
        f"CREATE ROLE limited LOGIN CREATEROLE PASSWORD 'limited-{database.name}';"
        f"CREATE ROLE someone LOGIN PASSWORD '{SECRET}'"
    )
    other = await database.connect("limited", f"limited-{database.name}")
    server = await inspect_server(other)
    assert server.admin == "limited"
    assert not server.admin_is_superuser
    assert server.roles["someone"].login
    assert server.roles["someone"].verifier is None
    assert not server.roles["someone"].password_is_readable
