"""Who leaves keeps no attribute, and no session, be it a superuser's (rules 24 and 27)."""

from __future__ import annotations

import asyncpg
import pytest

from regent.one_shot import OnceReport
from tests.attacks.test_adoption import passwords
from tests.integration.facts.once import all_ready, applied, is_settled, refused
from tests.postgres.database import Database

pytestmark = [pytest.mark.every_version, pytest.mark.found("E108"), pytest.mark.rule("27")]

ATTRIBUTES = ("superuser", "createrole", "createdb", "replication", "bypassrls")
ALL = ", ".join(f"{one}: true" for one in ATTRIBUTES)
ALLOWED = {"allow": {"attributes": list(ATTRIBUTES)}}
KEEPER = "User/keeper: {database: mydb}\n"
CODE = """
CREATE FUNCTION schema1.door(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    AS 'BEGIN EXECUTE $1; END';
ALTER FUNCTION schema1.door OWNER TO leaver;
GRANT USAGE ON SCHEMA schema1 TO PUBLIC;
CREATE ROLE stranger
"""
HELD = """
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
FROM pg_roles WHERE rolname = 'leaver'
"""


def leaver(attributes: str, more: str = "") -> str:
    """The manifest of the one who leaves, or is disabled."""
    secret = "passwordSecretRef: {name: s, key: k}"
    return f"User/leaver: {{database: mydb, {secret}, attributes: {{{attributes}}}{more}}}\n"


async def declared(database: Database, text: str, revision: int = 1) -> OnceReport:
    """Bring the server to it, and to one who stays."""
    more = passwords("leaver", "a password") if "leaver" in text else {}
    return await applied(database, KEEPER + text, revision, regent=ALLOWED, **more)


async def is_over(session: asyncpg.Connection) -> bool:
    """Whether the server has ended it."""
    try:
        await session.fetchval("SELECT 1")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return True
    return False


async def test_a_leaver_who_stays_for_what_it_owns_keeps_no_attribute_and_its_code_none(
    database: Database,
) -> None:
    """Seen: whoever may execute its function made himself a superuser."""
    await declared(database, leaver(ALL))
    await database.execute(CODE)
    look = await database.connect()
    await look.execute("SET ROLE stranger")
    assert not await refused(look, "SELECT schema1.door('CREATE ROLE before CREATEROLE')"), "twin"
    await look.execute("RESET ROLE")
    await declared(database, "", 2)
    assert await look.fetchval(HELD) is False
    await look.execute("SET ROLE stranger")
    for power in ("CREATE ROLE x", "ALTER ROLE stranger SUPERUSER", "CREATE DATABASE x"):
        assert await refused(look, f"SELECT schema1.door('{power}')")


@pytest.mark.rule("24")
async def test_the_session_of_a_leaver_who_was_a_superuser_ends(database: Database) -> None:
    """Seen: it made roles for ever, and the role was dropped under it."""
    await declared(database, leaver("superuser: true"))
    session = await database.connect("leaver", "a password")
    report = await declared(database, "", 2)
    assert await is_over(session)
    assert [one for one in report.results if not one.done] == []
    look = await database.connect()
    assert not await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'leaver'")
    assert await is_settled(database, KEEPER, 2, regent=ALLOWED)


@pytest.mark.rule("24")
async def test_a_disabled_superuser_keeps_what_is_declared_and_no_session(
    database: Database,
) -> None:
    """The twin: it comes back with all that it had; a session of one that goes on is left alone."""
    await declared(database, leaver(ALL))
    session = await database.connect("leaver", "a password")
    assert all_ready(await declared(database, leaver(ALL), 2))
    assert not await is_over(session), "nothing has changed"
    disabled = leaver(ALL, ", enabled: false")
    assert all_ready(await declared(database, disabled, 3))
    assert await is_over(session)
    look = await database.connect()
    assert await look.fetchval(HELD) is True
    assert all_ready(await declared(database, leaver(ALL), 4))
    again = await database.connect("leaver", "a password")
    assert await again.fetchval("SHOW is_superuser") == "on"


@pytest.mark.rule("24")
async def test_a_superuser_who_holds_its_own_row_does_not_stay(database: Database) -> None:
    """Its sessions are told to end in the transaction that takes LOGIN, like anybody's."""
    await declared(database, leaver("superuser: true"))
    session = await database.connect("leaver", "a password")
    await session.execute("BEGIN; ALTER ROLE leaver PASSWORD 'mine'")
    await declared(database, "", 2)
    assert await is_over(session)
    look = await database.connect()
    assert not await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'leaver'")
