"""What a function does inside of REFRESH MATERIALIZED VIEW is found and refused like all else.

PostgreSQL collects no commands there: the event triggers fire, and are told nothing but a tag.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from regent.detect.events import EventReader
from regent.detect.install import install
from regent.detect.simple_events import is_simple
from tests.attacks.test_hidden_deeds import DECLARED
from tests.daemons import running
from tests.declared import state
from tests.postgres.database import Database
from tests.preventing import preventing, refusal
from tests.settings import settings_for

pytestmark = pytest.mark.found("E520")
SNEAK = """
CREATE OR REPLACE FUNCTION public.sneak() RETURNS integer LANGUAGE plpgsql VOLATILE AS $sneak$
BEGIN {deed}; RETURN 1; END $sneak$
"""
VIEW = "CREATE MATERIALIZED VIEW public.mv AS SELECT public.sneak() AS one WITH NO DATA"
REFRESH = "REFRESH MATERIALIZED VIEW public.mv"
GRANT = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
DEEDS = {
    "GRANT": "GRANT DELETE ON schema1.flights TO stranger",
    "REVOKE": "REVOKE SELECT ON schema1.flights FROM app_owner",
    "CREATE TABLE": "CREATE TABLE public.made ()",
    "ALTER TABLE": "ALTER TABLE schema1.flights SET SCHEMA schema2",
    "ALTER DEFAULT PRIVILEGES": "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO stranger",
    "CREATE SCHEMA": "CREATE SCHEMA extra GRANT USAGE ON SCHEMA public TO stranger",
}
NOTHING_TO_DO = [
    "CREATE SCHEMA IF NOT EXISTS schema1",
    "CREATE TABLE IF NOT EXISTS schema1.flights (id integer)",
    "CREATE SEQUENCE IF NOT EXISTS schema1.ticket_numbers",
    "CREATE TABLE IF NOT EXISTS schema1.flights AS SELECT 1",
    "ALTER TABLE IF EXISTS schema1.nowhere ADD COLUMN x integer",
    "BEGIN; INSERT INTO public.written VALUES (1); CREATE SCHEMA IF NOT EXISTS schema1; COMMIT",
]
"""What applications run again and again, and what tells an event trigger as little."""
REFUSED = {
    GRANT: "DELETE on table schema1.flights",
    'REVOKE SELECT ON schema1.flights FROM "mydb-viewer"': "may not be taken",
    'GRANT UPDATE (origin) ON schema1.flights TO "mydb-viewer"': "UPDATE on column origin",
    'GRANT CREATE ON SCHEMA schema1 TO "mydb-viewer"': "CREATE on schema",
    'CREATE SCHEMA extra GRANT DELETE ON schema1.flights TO "mydb-viewer"': "DELETE on table",
}
ALLOWED = [
    "PERFORM 1",
    "GRANT SELECT ON schema1.flights TO PUBLIC",
    "CREATE SCHEMA IF NOT EXISTS schema1",
]


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.fact("PG-EVENT-27")
@pytest.mark.parametrize("tag", DEEDS)
async def test_a_command_inside_a_refresh_is_recorded_by_its_tag(
    database: Database, tag: str
) -> None:
    admin = await database.connect()
    await admin.execute("CREATE ROLE stranger")
    await database.execute(f"{SNEAK.format(deed=DEEDS[tag])}; {VIEW}", database.owner)
    await install(admin)
    await database.execute(REFRESH, database.owner)
    taken = await EventReader().take(admin)
    assert [(event.command_tag, event.address) for event in taken.events] == [(tag, None)]
    assert taken.events[0].session_user == database.owner
    assert not is_simple({"mydb": taken}), "only a full pass sees what it did"


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_a_command_that_found_nothing_to_do_is_not_recorded(database: Database) -> None:
    """The twin: each of them would cost a full pass."""
    admin = await database.connect()
    await database.execute("CREATE TABLE public.written (id integer)", database.owner)
    await install(admin)
    for statement in NOTHING_TO_DO:
        await database.execute(statement, database.owner)
        assert (await EventReader().take(admin)).events == (), statement


@pytest.mark.found("E70")
async def test_a_grant_inside_a_refresh_is_taken_back_before_any_timed_look(
    database: Database, tmp_path: Path
) -> None:
    deed = "GRANT DELETE ON schema1.flights TO viewer"
    await database.execute(f"{SNEAK.format(deed=deed)}; {VIEW}", database.owner)
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(DECLARED, regent={"resyncSeconds": 86400}))
        await regent.settled(1)
        await database.execute(REFRESH, database.owner)
        [drift] = await regent.drifts(1)
        assert "DELETE" in drift["what"]
        assert drift["actor"]["sessionUser"] == database.owner, drift["actor"]


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.rule("25")
async def test_a_grant_inside_a_refresh_is_refused(database: Database) -> None:
    owner = await database.connect(database.owner)
    admin = await database.connect()
    await owner.execute(f"{SNEAK.format(deed='PERFORM 1')}; {VIEW}")
    async with preventing(database):
        for deed, said in REFUSED.items():
            await owner.execute(SNEAK.format(deed=deed))
            assert said in await refusal(owner, REFRESH), deed
        # Twins: what grants nothing, what grants to others, and what finds nothing to do.
        for deed in ALLOWED:
            await owner.execute(f"{SNEAK.format(deed=deed)}; {REFRESH}")
        assert await admin.fetchval("SELECT NOT is_called FROM postgregent.not_judged")
