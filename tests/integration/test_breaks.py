"""Each break is corrected by a running Regent, told in its history, and leaves nothing to plan.

One Regent a server version takes all breaks one after the other (issue: must show 4).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared import scram
from tests.daemons import Regent, running
from tests.declared import state
from tests.integration.facts.held import held
from tests.postgres.database import Database
from tests.settings import settings_for

MANAGED = ("viewer", "editor", "scribe", "lender", "pilot", "steward")
DECLARED = """
Permission/connect: {database: mydb, actions: [CONNECT]}
Permission/read: {database: mydb, schemas: [schema1, schema2], tables: ["*"], actions: [SELECT]}
Permission/write: {database: mydb, schemas: [schema1], tables: [flights], actions: [INSERT, UPDATE]}
Permission/note:
  {database: mydb, schemas: [schema1], tables: [flights], columns: [passenger_notes],
   actions: [UPDATE]}
Permission/lend:
  {database: mydb, schemas: [schema2], tables: [crews], actions: [SELECT, INSERT],
   withGrantOption: true}
Role/viewer: {database: mydb, permissions: [connect, read]}
Role/editor:
  {database: mydb, permissions: [connect, write], defaultPrivileges: [
    {creator: app_owner, schemas: [schema2], objects: sequences, actions: [USAGE]}]}
Role/scribe: {database: mydb, permissions: [note]}
Role/lender: {database: mydb, permissions: [lend]}
User/pilot:
  {roles: [viewer], passwordSecretRef: {name: s, key: pilot}, parameters: {work_mem: 8MB},
   connectionLimit: 5}
User/steward: {roles: [viewer], memberOf: [{role: editor, admin: true}]}
"""
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Break:
    """What an intruder does, what the history says of its correction, and what tidies up after."""

    name: str
    statements: str
    said: tuple[str, ...]
    since: int = 14
    afterwards: str = ""
    is_silent: bool = False
    """No detector can see it: a full pass is asked for."""


BREAKS = (
    Break(
        "a table grant",
        "GRANT DELETE ON schema1.flights TO viewer",
        ("revoke DELETE", "schema1.flights", "viewer"),
    ),
    Break(
        "a grant on all tables of a schema",
        "GRANT ALL ON ALL TABLES IN SCHEMA schema1 TO viewer",
        ("revoke", "TRUNCATE", "viewer"),
    ),
    Break(
        "a grant option",
        "GRANT SELECT ON schema1.flights TO viewer WITH GRANT OPTION",
        ("revoke the grant option for SELECT", "viewer"),
    ),
    Break(
        "a column grant",
        "GRANT UPDATE (origin) ON schema1.flights TO viewer",
        ("revoke UPDATE (origin)", "viewer"),
    ),
    Break(
        "a table grant over a declared column",
        "GRANT UPDATE ON schema1.flights TO scribe",
        ("revoke UPDATE on table schema1.flights", "scribe"),
    ),
    Break(
        "a grant by a managed role that holds the grant option",
        "SET ROLE lender; GRANT INSERT ON schema2.crews TO viewer; RESET ROLE",
        ("revoke INSERT", "viewer", "granted by lender"),
    ),
    Break(
        "a grant by the last of a chain of strangers",
        "CREATE ROLE first; CREATE ROLE last; GRANT USAGE ON SCHEMA schema1 TO first, last;"
        " GRANT DELETE ON schema1.flights TO first WITH GRANT OPTION;"
        " SET ROLE first; GRANT DELETE ON schema1.flights TO last WITH GRANT OPTION;"
        " SET ROLE last; GRANT DELETE ON schema1.flights TO viewer; RESET ROLE",
        ("revoke DELETE", "viewer", "granted by last"),
        afterwards="DROP OWNED BY first, last; DROP ROLE first, last",
    ),
    Break(
        "a grant passed on from one managed role to another",
        "GRANT TRUNCATE ON schema1.airports TO viewer WITH GRANT OPTION; SET ROLE viewer;"
        " GRANT TRUNCATE ON schema1.airports TO scribe; RESET ROLE",
        ("revoke TRUNCATE", "schema1.airports", "viewer"),
    ),
    Break(
        "a declared privilege revoked",
        "REVOKE SELECT ON schema2.crews FROM viewer",
        ("grant SELECT", "schema2.crews", "viewer"),
    ),
    Break(
        "a declared column privilege revoked",
        "REVOKE UPDATE (passenger_notes) ON schema1.flights FROM scribe",
        ("grant UPDATE (passenger_notes)", "scribe"),
    ),
    Break(
        "a declared privilege of a database revoked",
        "REVOKE CONNECT ON DATABASE mydb FROM viewer",
        ("grant CONNECT", "mydb", "viewer"),
    ),
    Break(
        "a privilege on a database",
        "GRANT CREATE ON DATABASE mydb TO viewer",
        ("revoke CREATE", "mydb", "viewer"),
    ),
    Break(
        "the implied USAGE of a schema revoked",
        "REVOKE USAGE ON SCHEMA schema1 FROM viewer",
        ("grant USAGE", "schema1", "viewer"),
    ),
    Break(
        "CREATE on a schema",
        "GRANT CREATE ON SCHEMA schema2 TO viewer",
        ("revoke CREATE", "schema2", "viewer"),
    ),
    Break(
        "the implied USAGE of a serial column's sequence revoked",
        "REVOKE USAGE ON SEQUENCE schema1.flights_flight_id_seq FROM editor",
        ("grant USAGE", "flights_flight_id_seq", "editor"),
    ),
    Break(
        "a grant in a replica's session, which skips ordinary triggers",
        "SET session_replication_role = replica; GRANT DELETE ON schema2.crews TO viewer;"
        " RESET session_replication_role",
        ("revoke DELETE", "schema2.crews"),
    ),
    Break(
        "a table grant written into the catalog",
        "UPDATE pg_class SET relacl = array_replace(relacl, 'viewer=r/app_owner'::aclitem,"
        " 'viewer=rd/app_owner'::aclitem) WHERE oid = 'schema1.bookings'::regclass",
        ("revoke DELETE", "schema1.bookings"),
        is_silent=True,
    ),
    Break(
        "a new table that default privileges open to a managed role",
        "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA public"
        " GRANT DELETE ON TABLES TO viewer;"
        " SET ROLE app_owner; CREATE TABLE public.left_open (i int); RESET ROLE",
        ("revoke DELETE", "left_open", "viewer"),
        afterwards="DROP TABLE public.left_open; ALTER DEFAULT PRIVILEGES FOR ROLE app_owner"
        " IN SCHEMA public REVOKE DELETE ON TABLES FROM viewer",
    ),
    Break(
        "default privileges given in a schema",
        "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA public"
        " GRANT DELETE ON TABLES TO viewer",
        ("revoke DELETE on new tables of app_owner in public", "viewer"),
    ),
    Break(
        "default privileges given everywhere, by the intruder",
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO viewer",
        ("revoke EXECUTE on new routines of ", "viewer"),
    ),
    Break(
        "a declared default privilege taken",
        "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA schema2"
        " REVOKE USAGE ON SEQUENCES FROM editor",
        ("grant USAGE on new sequences of app_owner in schema2", "editor"),
    ),
    Break("a membership added", "GRANT editor TO pilot", ("take pilot out of editor",)),
    Break(
        "a membership of a built-in role",
        "GRANT pg_read_all_data TO viewer",
        ("take viewer out of pg_read_all_data",),
    ),
    Break(
        "a stranger made a member",
        "CREATE ROLE stranger; GRANT viewer TO stranger",
        ("take stranger out of viewer",),
        afterwards="DROP ROLE stranger",
    ),
    Break("a membership removed", "REVOKE viewer FROM pilot", ("make pilot a member of viewer",)),
    Break(
        "a declared ADMIN option taken",
        "REVOKE ADMIN OPTION FOR editor FROM steward",
        ("make steward a member of editor with ADMIN",),
    ),
    Break(
        "an ADMIN option given",
        "GRANT viewer TO pilot WITH ADMIN OPTION",
        ("take ADMIN over viewer from pilot",),
    ),
    Break(
        "a membership's options changed",
        "GRANT viewer TO pilot WITH INHERIT FALSE, SET FALSE",
        ("make pilot a member of viewer",),
        since=16,
    ),
    Break(
        "a membership from a second grantor",
        "CREATE ROLE helper; GRANT viewer TO helper WITH ADMIN OPTION;"
        " GRANT viewer TO steward GRANTED BY helper",
        ("take steward out of viewer", "granted by helper"),
        since=16,
        afterwards="DROP ROLE helper",
    ),
    Break(
        "attributes of a Role",
        "ALTER ROLE viewer CREATEDB CREATEROLE BYPASSRLS NOINHERIT",
        ("alter role viewer", "NOCREATEDB"),
    ),
    Break("SUPERUSER", "ALTER ROLE pilot SUPERUSER", ("alter role pilot", "NOSUPERUSER")),
    Break("LOGIN given to a Role", "ALTER ROLE viewer LOGIN", ("alter role viewer", "NOLOGIN")),
    Break("LOGIN taken from a User", "ALTER ROLE pilot NOLOGIN", ("alter role pilot", "LOGIN")),
    Break(
        "an expiry", "ALTER ROLE pilot VALID UNTIL '2001-01-01'", ("alter role pilot", "for ever")
    ),
    Break(
        "a connection limit",
        "ALTER ROLE pilot CONNECTION LIMIT 1",
        ("alter role pilot", "connection limit 5"),
    ),
    Break(
        "a declared setting changed",
        "ALTER ROLE pilot SET work_mem = '64MB'",
        ("set work_mem of pilot to 8MB",),
    ),
    Break("all settings reset", "ALTER ROLE pilot RESET ALL", ("set work_mem of pilot to 8MB",)),
    Break(
        "a setting that is not declared, in one database",
        "ALTER ROLE pilot IN DATABASE mydb SET search_path = schema2",
        ("reset search_path of pilot in mydb",),
    ),
    Break(
        "another password",
        "ALTER ROLE pilot PASSWORD 'an-intruders-password'",
        ("set the password of pilot",),
    ),
    Break(
        "a password taken away",
        "ALTER ROLE pilot PASSWORD NULL",
        ("set the password of pilot",),
    ),
    Break(
        "a password given to a Role",
        "ALTER ROLE viewer PASSWORD 'an-intruders-password'",
        ("clear the password of viewer",),
    ),
    Break(
        "a role dropped",
        "BEGIN; DROP OWNED BY viewer; DROP ROLE viewer; COMMIT",
        ("create role viewer",),
    ),
    Break(
        "a user dropped",
        "BEGIN; DROP OWNED BY pilot; DROP ROLE pilot; COMMIT",
        ("create role pilot",),
    ),
    Break(
        "a role renamed",
        "ALTER ROLE editor RENAME TO hidden_editor",
        ("rename role hidden_editor to editor",),
    ),
    Break("a user renamed", "ALTER ROLE pilot RENAME TO ghost", ("rename role ghost to pilot",)),
)


@pytest.mark.rule("8", "9", "15", "25", "29", "30")
@pytest.mark.fact("PG-ACL-4")
@pytest.mark.fact("PG-ACL-5")
@pytest.mark.fact("PG-ACL-6")
@pytest.mark.fact("PG-EVENT-13")
@pytest.mark.fact("PG-EVENT-14")
@pytest.mark.every_version
@pytest.mark.slow_versions(15, 16, 17)
async def test_every_break_is_corrected_and_told_and_leaves_nothing_to_plan(
    database: Database, tmp_path: Path
) -> None:
    """What does not hold is listed by the break's name, all of it at once."""
    trouble: list[str] = []
    async with running(settings_for(database), tmp_path) as regent:
        intruder = await _ready(regent, database)
        whole = await held(intruder, MANAGED)
        for one in BREAKS:
            if one.since <= database.server.version:
                trouble += await _broken(one, regent, intruder, whole)
    assert not trouble, "\n".join(trouble)


DETECTOR = {
    "a trigger dropped": "DROP EVENT TRIGGER {trigger}",
    "a trigger disabled": "ALTER EVENT TRIGGER {trigger} DISABLE",
    "a trigger that a replica skips": "ALTER EVENT TRIGGER {trigger} ENABLE",
    "the event table dropped": "DROP TABLE {table} CASCADE",
    "the function replaced": "CREATE OR REPLACE FUNCTION {function}() RETURNS event_trigger"
    " LANGUAGE plpgsql AS 'BEGIN END'",
    "the schema dropped": "DROP SCHEMA postgregent CASCADE",
}


@pytest.mark.rule("5")
@pytest.mark.fact("PG-EVENT-12")
@pytest.mark.fact("PG-EVENT-25")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_a_detector_that_was_tampered_with_is_whole_again_and_detects(
    database: Database, tmp_path: Path
) -> None:
    """Whatever was done to it, the next intruder's GRANT is seen, attributed and corrected."""
    trouble: list[str] = []
    async with running(settings_for(database), tmp_path) as regent:
        intruder = await _ready(regent, database)
        whole = await held(intruder, MANAGED)
        installed = await intruder.fetch(
            "SELECT evtname, evtfoid::regproc::text AS routine FROM pg_event_trigger"
            " WHERE evtevent = 'ddl_command_end'"
        )
        trigger, function = installed[0]["evtname"], installed[0]["routine"]
        table = await intruder.fetchval(
            "SELECT oid::regclass::text FROM pg_class"
            " WHERE relnamespace = 'postgregent'::regnamespace AND relkind = 'r'"
        )
        for name, statement in DETECTOR.items():
            harm = statement.format(trigger=trigger, function=function, table=table)
            await intruder.execute(harm)
            trouble += await _until_whole(name, intruder, whole)
            grant = Break(
                f"a GRANT after {name}",
                "GRANT DELETE ON schema1.flights TO viewer",
                ("revoke DELETE", "schema1.flights"),
            )
            trouble += await _broken(grant, regent, intruder, whole)
    assert not trouble, "\n".join(trouble)


async def _ready(regent: Regent, database: Database) -> asyncpg.Connection:
    passwords = {"User/pilot": {"verifier": scram.build("the pilot's own").value}}
    assert (await regent.push(state(DECLARED, passwords=passwords))).status_code == 202
    status = await regent.settled(1)
    assert {one["reason"] for one in status["resources"]} == {"Applied"}, status
    return await database.connect()


async def _broken(
    one: Break, regent: Regent, intruder: asyncpg.Connection, whole: frozenset[str]
) -> list[str]:
    """Break it; what is wrong with the correction, nothing when all is well."""
    before = await _last_drift(regent)
    await intruder.execute(one.statements)
    if one.is_silent:
        await regent.ask("POST", "/v1/reconcile")
    trouble = await _until_whole(one.name, intruder, whole)
    trouble += await _until_told(one, regent, before)
    plan = (await regent.ask("POST", "/v1/plan")).json()
    if plan["changes"]:
        trouble.append(f"{one.name}: a second plan is not empty: {plan['changes']}")
    if one.afterwards:
        await intruder.execute(one.afterwards)
    return trouble


async def _until_whole(name: str, intruder: asyncpg.Connection, whole: frozenset[str]) -> list[str]:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (now := await held(intruder, MANAGED)) != whole:
                await asyncio.sleep(0.01)
    except TimeoutError:
        return [f"{name}: missing {sorted(whole - now)}, spurious {sorted(now - whole)}"]
    return []


async def _until_told(one: Break, regent: Regent, after: int) -> list[str]:
    items: list[dict[str, Any]] = []

    def is_told() -> bool:
        return any(all(word in item["what"] for word in one.said) for item in items)

    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_told():
                await asyncio.sleep(0.01)
                answer = await regent.ask("GET", "/v1/history", params={"after": after})
                items = answer.json()["items"]
    except TimeoutError:
        return [f"{one.name}: {one.said} is not in the history, which says {_whats(items)}"]
    if any(item.get("correctedAt") is None for item in items):
        return [f"{one.name}: told as not corrected: {items}"]
    return []


async def _last_drift(regent: Regent) -> int:
    answer = await regent.ask("GET", "/v1/history", params={"limit": 500})
    return max((item["id"] for item in answer.json()["items"]), default=0)


def _whats(items: list[dict[str, Any]]) -> list[str]:
    return [item["what"] for item in items]
