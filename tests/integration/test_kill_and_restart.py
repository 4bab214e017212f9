"""Whatever is killed, and whenever: it ends in the declared state (issue: must show 7)."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Iterable
from pathlib import Path

import asyncpg
import httpx
import pytest

from regent.one_shot import plan_once
from shared.state import DesiredState
from tests.daemons import Regent, running
from tests.declared import REFERENCE, VERIFIER, state
from tests.eventually import eventually
from tests.integration.facts.command import local
from tests.integration.facts.held import held
from tests.postgres.database import Database
from tests.settings import settings_for

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"
TABLES = 600
ROLES_A_ROUND = 6
KILLS = 4
LOST = (httpx.HTTPError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
REFERENCE_ROLES = ("mydb-viewer", "flights-admin", "summer-intern-2")
STRAY = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
MAY_DELETE = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"


def _wide(rounds: Iterable[int], revision: int) -> DesiredState:
    """So many roles, each with its user, that read so many tables that it takes a while."""
    lines = ['Permission/read: {database: mydb, schemas: ["*"], tables: ["*"], actions: [SELECT]}']
    passwords = {}
    for role in (f"r{number}-{n}" for number in rounds for n in range(ROLES_A_ROUND)):
        lines.append(f"Role/{role}: {{database: mydb, permissions: [read]}}")
        lines.append(
            f"User/u{role}: {{roles: [{role}], passwordSecretRef: {{name: s, key: {role}}}}}"
        )
        passwords[f"User/u{role}"] = {"verifier": VERIFIER}
    return state(
        "\n".join(lines),
        revision=revision,
        passwords=passwords,
        regent={"brake": {"mode": "Disabled"}},
    )


async def _many_tables(database: Database) -> None:
    await database.execute(
        f"DO $$ BEGIN FOR n IN 1..{TABLES} LOOP"
        " EXECUTE format('CREATE TABLE schema2.t%s (i int)', n); END LOOP; END $$"
    )


async def _nothing_to_plan(regent: Regent) -> None:
    plan = (await regent.ask("POST", "/v1/plan")).json()
    assert plan["changes"] == []


@pytest.mark.rule("8", "22")
@pytest.mark.slow_versions(15)
@pytest.mark.parametrize("seed", [20260601])
async def test_a_regent_killed_in_the_middle_of_an_apply_ends_in_the_declared_state(
    database: Database, tmp_path: Path, seed: int
) -> None:
    """Each kill comes a little while after the first role of its round was committed."""
    await _many_tables(database)
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    look = await database.connect()
    interrupted = 0
    async with running(settings_for(database), tmp_path) as regent:
        for number in range(KILLS):
            declared = _wide(range(number + 1), revision=number + 1)
            assert (await regent.push(declared)).status_code == 202

            async def has_begun(role: str = f"r{number}-0") -> bool:
                count: int = await look.fetchval(
                    "SELECT count(*) FROM pg_roles WHERE rolname = $1", role
                )
                return count == 1

            await eventually(has_begun)
            await asyncio.sleep(chance.uniform(0, 0.1))
            regent.kill()
            unfinished = (await plan_once(settings_for(database), declared)).plan.changes
            interrupted += bool(unfinished)
            regent.start()
            await regent.ready()
        await regent.settled(KILLS)
        await _nothing_to_plan(regent)
        unread = await look.fetchval(
            "SELECT count(*) FROM pg_tables AS t CROSS JOIN pg_roles AS r"
            " WHERE t.schemaname ~ '^schema[12]$' AND r.rolname ~ '^ur[0-9]+-[0-9]+$' AND NOT"
            " has_table_privilege(r.oid, format('%I.%I', t.schemaname, t.tablename), 'SELECT')"
        )
        assert unread == 0
        users = "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname ~ '^ur[0-9]'"
        assert await look.fetchval(users) == KILLS * ROLES_A_ROUND
        await _killed_while_taking_away(regent, look, chance)
    assert interrupted, "no kill came in the middle: the test shows nothing"


async def _killed_while_taking_away(
    regent: Regent, look: asyncpg.Connection, chance: random.Random
) -> None:
    """All but the first round's resources are deleted, and half of that is done when it dies."""
    assert (await regent.push(_wide(range(1), revision=99))).status_code == 202

    async def access_ends() -> bool:
        open_: int = await look.fetchval(
            "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname ~ '^ur[0-9]'"
        )
        return open_ <= ROLES_A_ROUND

    await eventually(access_ends)
    await asyncio.sleep(chance.uniform(0, 0.1))
    regent.kill()
    regent.start()
    await regent.ready()
    await regent.settled(99)
    await _nothing_to_plan(regent)
    left = await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname ~ '^u?r[0-9]+-'")
    assert left == 2 * ROLES_A_ROUND


@pytest.mark.rule("5")
@pytest.mark.versions(18)
async def test_a_restarted_regent_goes_on_correcting_without_any_push(
    database: Database, tmp_path: Path
) -> None:
    """Also what was broken while it was dead; the API shows the state that it remembers."""
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        look = await database.connect()
        whole = await held(look, REFERENCE_ROLES)

        async def is_whole() -> bool:
            return await held(look, REFERENCE_ROLES) == whole

        regent.kill()
        await look.execute(f'{STRAY}; ALTER ROLE "summer-intern-2" NOLOGIN')
        regent.start()
        await regent.ready()
        await eventually(is_whole)
        assert regent.stop() == 0
        await look.execute(f"{STRAY}; DROP EVENT TRIGGER postgregent_change")
        regent.start()
        await regent.ready()
        await eventually(is_whole)
        await look.execute(STRAY)
        await eventually(is_whole)
        answer = await regent.ask("GET", "/v1/state")
        assert answer.headers["etag"] == regent.etag
        await _nothing_to_plan(regent)


@pytest.mark.parametrize("how", ["restarted", "killed"])
async def test_a_server_that_goes_and_comes_back_finds_its_regent_correcting(
    database: Database, tmp_path: Path, how: str
) -> None:
    """A push while it is down is refused, not lost: the same push is taken afterwards."""
    server = database.server
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        before = await server.connect("mydb")
        whole = await held(before, REFERENCE_ROLES)
        await before.execute(STRAY)
        if how == "killed":
            server.kill()
        else:
            server.stop()
        wider = state(
            REFERENCE + "Permission/crews: {database: mydb, schemas: [schema2], tables: [crews],"
            " actions: [INSERT]}\nRole/crew: {database: mydb, permissions: [crews]}",
            revision=2,
        )

        async def is_refused() -> bool:
            answer = await regent.push(wider)
            assert answer.status_code in (202, 503)
            return answer.status_code == 503

        await eventually(is_refused)
        server.start()
        look = await server.connect("mydb")
        await look.execute('ALTER ROLE "flights-admin" NOLOGIN')

        async def is_taken() -> bool:
            return (await regent.push(wider)).status_code == 202

        await eventually(is_taken)
        await regent.settled(2)
        assert await held(look, REFERENCE_ROLES) == whole
        assert await look.fetchval("SELECT has_table_privilege('crew', 'schema2.crews', 'INSERT')")
        await look.execute(STRAY)

        async def is_gone() -> bool:
            return not await look.fetchval(MAY_DELETE)

        await eventually(is_gone)
        await _nothing_to_plan(regent)
        look.terminate()
        before.terminate()


async def test_a_server_that_dies_in_the_middle_of_an_apply_is_brought_to_the_end(
    database: Database, tmp_path: Path
) -> None:
    """Nothing is pushed again: what was accepted is in the home database."""
    await _many_tables(database)
    server = database.server
    async with running(settings_for(database), tmp_path) as regent:
        first = await server.connect("mydb")
        await regent.push(_wide(range(2), revision=1))

        async def has_begun() -> bool:
            count: int = await first.fetchval(
                "SELECT count(*) FROM pg_roles WHERE rolname = 'r0-0'"
            )
            return count == 1

        await eventually(has_begun)
        server.kill()
        first.terminate()
        server.start()
        await regent.settled(1)
        await _nothing_to_plan(regent)
        look = await server.connect("mydb")
        users = "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname ~ '^ur[0-9]'"
        assert await look.fetchval(users) == 2 * ROLES_A_ROUND
        look.terminate()


@pytest.mark.rule("17")
@pytest.mark.versions(18)
async def test_a_directory_that_changed_while_all_was_dead_is_in_force_afterwards(
    database: Database, tmp_path: Path
) -> None:
    """`local` and its Regent die by SIGKILL; what was removed, added and broken is put right."""
    directory = tmp_path / "manifests"
    shutil.copytree(FLIGHTS, directory, ignore=shutil.ignore_patterns("*.sql", "*.md"))
    look = await database.connect()
    async with local(database, directory, tmp_path) as first:
        await first.is_ready("User/default/summer-intern-2", "User/default/flights-admin")
        first.kill()
    users = directory / "users.yaml"
    users.write_text(users.read_text().replace("name: summer-intern-2", "name: autumn-intern"))
    await look.execute(STRAY)
    async with local(database, directory, tmp_path) as second:
        await second.is_ready("User/default/autumn-intern", "User/default/flights-admin")

        async def is_as_declared() -> bool:
            interns = "SELECT rolname::text FROM pg_roles WHERE rolname ~ 'intern'"
            names = [row["rolname"] for row in await look.fetch(interns)]
            return names == ["autumn-intern"] and not await look.fetchval(MAY_DELETE)

        await eventually(is_as_declared)
