"""The detector in a served database: schema, event table, function and event triggers.

It is looked at as a whole and compared with what these very files install, so an older version is
only another kind of damage. All of it is replaced in one transaction, so there is no moment without
a detector. What is in the event table is a hint, and goes when the table has to be made anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import asyncpg

import sql
from regent.kinds import recorded_tags
from regent.server.lenient_text import legible, shown
from shared.errors import PostgRegentError
from shared.names import quote_ident, quote_literal

SCHEMA = "postgregent"
VERSION = 1
MARK = "PostgRegent's detector"
COMMENT = f"{MARK}, version {VERSION}. `postgregent uninstall` takes it away."
LOCK_TIMEOUT = "2s"
NOT_OURS = (
    f'The schema "{SCHEMA}" is not PostgRegent\'s: it belongs to "{{owner}}", and is not marked as '
    "PostgRegent's by an admin of its own."
)
RELATIONS = ("event ru", "event_id_seq S", "event_overflow S", "event_pkey i", "event_taken S")
INDEX = "event_xid i"
DUMP_PRIVILEGES = 5  # USAGE on the schema, SELECT on the table and its three sequences
COLUMNS = (
    "id bigint not null identity",
    "at timestamp with time zone not null",
    "xid xid8 not null",
    "command_tag text not null",
    "object_type text",
    "classid oid",
    "objid oid",
    "in_extension boolean not null",
    "session_user_name name not null",
    "role name",
    "pid integer not null",
    "application_name text not null",
    "client_addr inet",
    "backend_type text",
)


@dataclass(frozen=True, slots=True)
class DetectorStatus:
    """How local changes are found in one database. Polling says why there are no triggers."""

    kind: Literal["Triggers", "Polling"]
    why: str = ""
    repaired: tuple[str, ...] = ()
    """What was missing or damaged, and is right again."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One part of the detector that is not as it was installed."""

    part: Literal["schema", "table", "function", "trigger"]
    what: str

    def __str__(self) -> str:
        return self.what


class DetectorDoesNotHold(PostgRegentError):
    """The detector was installed and is not as it was installed."""


async def install(connection: asyncpg.Connection) -> DetectorStatus:
    """Make the detector whole: install, repair or upgrade it; writes nothing when it is whole.

    Polling, with nothing left behind, where the admin may not create event triggers. Anything else
    that goes wrong (a lock that is not to be had, a read-only server) is raised as asyncpg says it.
    """
    row = await _inspect(connection)
    found = _damage_in(row)
    if not found:
        return DetectorStatus("Triggers")
    if whose := _whose(row):
        return DetectorStatus(
            "Polling",
            f"{whose} Nothing in it is touched, and local changes are found by polling; rename or "
            f"drop it (ALTER SCHEMA {SCHEMA} RENAME TO another) to find them at once.",
        )
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            await _replace(connection, found, is_there=row["schema_owner"] is not None)
            if left := await damage(connection):
                raise DetectorDoesNotHold(
                    "It was installed anew and is damaged all the same: "
                    f"{'; '.join(map(str, left))}.",
                    way_out="Look for an event trigger or a setting that alters what is installed.",
                )
    except asyncpg.LockNotAvailableError as error:
        raise DetectorDoesNotHold(
            f'Somebody holds a lock on what is in the schema "{SCHEMA}" ({error}).',
            way_out=f"It is tried again; end the session that pg_locks names for {SCHEMA}.event.",
        ) from error
    except asyncpg.InsufficientPrivilegeError as error:
        said = f"The admin may not install event triggers ({shown(str(error))})."
        return DetectorStatus("Polling", f"{said} {await _what_helps(connection)}")
    except (
        asyncpg.WrongObjectTypeError,
        asyncpg.DependentObjectsStillExistError,
        asyncpg.DuplicateTableError,
        asyncpg.DuplicateObjectError,
        asyncpg.DuplicateFunctionError,
    ) as error:
        return DetectorStatus(
            "Polling",
            f'The schema "{SCHEMA}" holds what is not ours ({shown(str(error))}). Local changes are'
            " found by polling; move it to another schema to find them at once.",
        )
    return DetectorStatus("Triggers", repaired=tuple(str(one) for one in found))


async def _what_helps(connection: asyncpg.Connection) -> str:
    """A managed service lets its own admin make event triggers; elsewhere only a superuser may."""
    row = await connection.fetchrow(sql.load("install/rights"))
    if row is None:
        raise RuntimeError("install/rights gives exactly one row")
    admin, database = quote_ident(row["admin"]), quote_ident(row["database"])
    if not row["may_create"]:
        helps = f"Run GRANT CREATE ON DATABASE {database} TO {admin}; as its owner, and see"
    else:
        helps = f"Run ALTER ROLE {admin} SUPERUSER; as a superuser, or see"
    return (
        f"Local changes are found by polling. To find them at once: {helps} what your provider"
        " allows in docs/managed-postgresql.md; then start the Regent again."
    )


async def damage(connection: asyncpg.Connection, *, admin: str = "") -> tuple[Damage, ...]:
    """What is missing or not as installed; empty when the detector is intact.

    `admin` owns it where another role looks than the one that installed it.
    """
    return _damage_in(await _inspect(connection), admin)


async def _inspect(connection: asyncpg.Connection) -> asyncpg.Record:
    row = await connection.fetchrow(sql.load("install/inspect"))
    if row is None:
        raise RuntimeError("install/inspect gives exactly one row")
    return row


def _damage_in(row: asyncpg.Record, admin: str = "") -> tuple[Damage, ...]:
    if row["schema_owner"] is None:
        return (Damage("schema", 'the schema "postgregent" is missing'),)
    return (
        *_damage_of_schema(row, admin),
        *_damage_of_table(row["relations"] or (), row["columns"] or ()),
        *_damage_of_function(row),
        *_damage_of_triggers(row["triggers"] or (), row["major"]),
    )


async def remove(connection: asyncpg.Connection) -> str:
    """Take the detector out, triggers first. Returns what had to stay, in words, or nothing.

    The triggers are gone for good before anything else is tried: nothing may keep them.
    """
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        if whose := _whose(await _inspect(connection)):
            await connection.execute(
                "DROP EVENT TRIGGER IF EXISTS postgregent_change;"
                "DROP EVENT TRIGGER IF EXISTS postgregent_drop;"
                "DROP EVENT TRIGGER IF EXISTS postgregent_prevent"
            )
            return f"{whose[0].lower()}{whose[1:]} It was left as it is."
        await connection.execute(sql.load("install/drop_triggers"))
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        if not await connection.fetchval(
            "SELECT pg_catalog.to_regnamespace($1) IS NOT NULL", SCHEMA
        ):
            return ""
        await connection.execute(sql.load("prevent/drop"))
        await connection.execute(sql.load("install/drop_function"))
        await connection.execute(sql.load("install/make_room"))
        await connection.execute(sql.load("install/drop_table"))
        try:
            async with connection.transaction():
                await connection.execute(f"DROP SCHEMA {SCHEMA}")
        except asyncpg.DependentObjectsStillExistError as error:
            hanging = "; ".join(shown(str(error.detail)).splitlines())
            return (
                f'the schema "{SCHEMA}" holds what is not ours, or what others hang on: {hanging}.'
                " Nothing is recorded any more. Drop these, then the schema."
            )
    return ""


def _whose(row: asyncpg.Record) -> str:
    """Says whose the schema is; empty where it is ours, or there is none.

    The comment alone could be written by anybody who may create a schema.
    """
    if row["schema_owner"] is None or row["is_called"]:
        return ""
    if row["owner_is_admin"] and (row["comment"] or "").startswith(MARK):
        return ""
    return NOT_OURS.format(owner=row["schema_owner"])


async def _replace(
    connection: asyncpg.Connection, found: Sequence[Damage], *, is_there: bool
) -> None:
    """Everything but a sound table is made anew; an unsound table too.

    Whatever has a name of ours gives way: the schema is ours, or is made here. One that somebody
    else makes at this moment fails the installation, and is not taken over.
    """
    await connection.execute(sql.load("install/drop_triggers"))
    if not is_there:
        await connection.execute(f"CREATE SCHEMA {SCHEMA}")
    await connection.execute(sql.load("install/schema"))
    await connection.execute(f"COMMENT ON SCHEMA {SCHEMA} IS {quote_literal(COMMENT)}")
    await _revoke_from_strangers(connection)
    await connection.execute(sql.load("install/drop_function"))
    if any(one.part in ("schema", "table") for one in found):
        await connection.execute(sql.load("install/make_room"))
        await connection.execute(sql.load("install/drop_table"))
        await connection.execute(sql.load("install/event_table"))
        unlogged = connection.get_server_version().major >= 15
        await connection.execute(
            sql.load("install/sequences" if unlogged else "install/sequences_before_15")
        )
    await connection.execute(sql.load("install/record_change"))
    await _revoke_from_strangers(connection)
    tags = ", ".join(map(quote_literal, recorded_tags(connection.get_server_version().major)))
    await connection.execute(sql.compose("install/triggers", tags=tags))


async def _revoke_from_strangers(connection: asyncpg.Connection) -> None:
    """Default privileges of the admin, or a person, may have given something away."""
    for name in (await _inspect(connection))["strangers"]:
        grantee = "PUBLIC" if name == "PUBLIC" else quote_ident(name)
        await connection.execute(
            f"REVOKE ALL ON SCHEMA {SCHEMA} FROM {grantee} CASCADE;"
            f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM {grantee} CASCADE;"
            f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {SCHEMA} FROM {grantee} CASCADE;"
            f"REVOKE ALL ON ALL ROUTINES IN SCHEMA {SCHEMA} FROM {grantee} CASCADE"
        )


def _damage_of_schema(row: asyncpg.Record, admin: str) -> Iterator[Damage]:
    if row["comment"] != COMMENT:
        yield Damage("schema", f"it is not marked as version {VERSION}")
    for owner in map(legible, row["other_owners"]):
        if owner != admin:
            yield Damage("schema", f'parts of it belong to "{owner}"')
    for name in row["strangers"]:
        yield Damage("schema", f"{legible(name)} holds privileges on parts of it")
    if row["dump_privileges"] < DUMP_PRIVILEGES:
        yield Damage("schema", "the database's owner could not dump it")


def _damage_of_table(relations: Sequence[str], columns: Sequence[str]) -> Iterator[Damage]:
    missing = {*RELATIONS, INDEX} - set(relations)
    for relation in sorted(missing):
        yield Damage("table", f"the relation {relation.split()[0]} is missing or altered")
    if not missing and tuple(columns) != COLUMNS:
        yield Damage("table", "the event table has other columns")


def _damage_of_function(row: asyncpg.Record) -> Iterator[Damage]:
    if row["function_body"] is None:
        yield Damage("function", "the function record_change is missing")
    elif row["function_body"] != _expected_body() or not row["function_is_sound"]:
        yield Damage("function", "the function record_change is not the one that was installed")


def _damage_of_triggers(triggers: Sequence[str], major: int) -> Iterator[Damage]:
    found = {line.split()[0]: line.rstrip() for line in triggers}
    for name, expected in _expected_triggers(major).items():
        if name not in found:
            yield Damage("trigger", f"the event trigger {name} is missing")
        elif found[name] != expected:
            yield Damage("trigger", f"the event trigger {name} is disabled or altered")


def _expected_body() -> str:
    return sql.load("install/record_change").split("$body$")[1]


def _expected_triggers(major: int) -> dict[str, str]:
    """As inspect.sql writes them: name, event, A for always, the tags in order."""
    tags = ",".join(recorded_tags(major))
    return {
        "postgregent_change": f"postgregent_change ddl_command_end A {tags}",
        "postgregent_drop": "postgregent_drop sql_drop A",
    }
