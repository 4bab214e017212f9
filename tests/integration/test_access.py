"""Effective access agrees with has_*_privilege(), over the databases that `why` is tried on."""

from __future__ import annotations

import random
from collections.abc import Mapping

import asyncpg
import pytest

from regent.access.places import Place
from regent.access.powers import SUPERUSER, powers_of
from regent.access.rights import OWNER, Access, Way
from regent.foresight import look_at
from shared.privileges import ObjectKind
from tests.integration.test_why import OBJECTS, SETUP, questions, world
from tests.postgres.database import Database
from tests.settings import settings_for

PLACES = {
    "table/s.t": Place("mydb", ObjectKind.TABLE, "s", "t", form="r"),
    "view/s.v": Place("mydb", ObjectKind.TABLE, "s", "v", form="v"),
    "column/s.t.a": Place("mydb", ObjectKind.COLUMN, "s", "t", "a", form="r"),
    "sequence/s.q": Place("mydb", ObjectKind.SEQUENCE, "s", "q", form="S"),
    "schema/s": Place("mydb", ObjectKind.SCHEMA, "", "s"),
    "s.f(integer)": Place("mydb", ObjectKind.ROUTINE, "s", "f(integer)"),
    "type/s.mood": Place("mydb", ObjectKind.TYPE, "s", "mood"),
    "language/sql": Place("mydb", ObjectKind.LANGUAGE, "", "sql"),
    "foreign-data-wrapper/w": Place("mydb", ObjectKind.FOREIGN_DATA_WRAPPER, "", "w"),
    "foreign-server/far": Place("mydb", ObjectKind.FOREIGN_SERVER, "", "far"),
    "tablespace/pg_default": Place("", ObjectKind.TABLESPACE, "", "pg_default"),
    "parameter/log_statement": Place("", ObjectKind.PARAMETER, "", "log_statement"),
    "database/mydb": Place("mydb", ObjectKind.DATABASE, "", "mydb"),
}


@pytest.mark.parametrize("seed", range(2))
async def test_effective_access_is_what_the_server_says_of_each_role(
    database: Database, seed: int
) -> None:
    """With grant options, by inheritance, by SET ROLE, as everybody and as the owner."""
    connection = await database.connect()
    version = database.server.version
    chance = random.Random(seed)  # noqa: S311 - the same each time
    await connection.execute(SETUP)
    for statement in world(chance, version):
        await connection.execute(statement)
    for role in chance.sample(range(9), 4):
        await connection.execute(f"GRANT SELECT, INSERT ON s.t TO why_{role} WITH GRANT OPTION")
    found = (await look_at(settings_for(database).server, database.name)).now
    access, powers = Access(found), powers_of(found.server)
    supers = {one: words[SUPERUSER] for one, words in powers.items() if SUPERUSER in words}
    for name, privilege in questions(version):
        if name in PLACES:
            place = PLACES[name]
            assert place in found.held or place.column
            await agrees(connection, access, supers, place, OBJECTS[name][1], privilege)


async def agrees(
    connection: asyncpg.Connection,
    access: Access,
    supers: Mapping[str, Way],
    place: Place,
    asked: str,
    privilege: str,
) -> None:
    option = f"{privilege} WITH GRANT OPTION"

    def said_of(role: str, word: str) -> str:
        return asked.format(role=role, privilege=f"'{word}'")

    become = "SET" if access.places.server.major >= 16 else "MEMBER"
    rows = await connection.fetch(
        f"SELECT r.rolname, {said_of('r.rolname', privilege)} AS has,"
        f" {said_of('r.rolname', option)} AS gives,"
        f" ARRAY(SELECT o.rolname FROM pg_roles AS o WHERE pg_has_role(r.oid, o.oid, '{become}')"
        f" AND NOT o.rolsuper AND {said_of('o.rolname', privilege)}) AS as_others"
        " FROM pg_roles AS r WHERE r.rolname ~ '^why_'"
    )
    rights = access.at(place)
    for row in rows:
        role, words = row["rolname"], rights.of(row["rolname"])
        is_super = supers.get(role) is Way.AT_ONCE
        way = words.get(privilege, Way.NONE)
        assert (way is Way.AT_ONCE or is_super) is row["has"], (place, role, privilege)
        gives = {words.get(option), words.get(OWNER)}
        assert (Way.AT_ONCE in gives or is_super) is row["gives"], (place, role, option)
        assert role in supers or (way is not Way.NONE) is (row["has"] or bool(row["as_others"]))
