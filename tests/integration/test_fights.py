"""A correction that others keep undoing is done less often, and nothing else is (rule 26)."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from regent.contention.tally import TIMES
from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = [pytest.mark.rule("26"), pytest.mark.found("E208")]
COUNTS = """
CREATE TABLE public.counted (tag text);
CREATE FUNCTION public.count_ours() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF current_setting('application_name') ^@ 'postgregent' THEN
        INSERT INTO public.counted VALUES (tg_tag);
    END IF;
END $$;
CREATE EVENT TRIGGER count_ours ON ddl_command_end WHEN TAG IN ('GRANT', 'REVOKE')
    EXECUTE FUNCTION public.count_ours();
"""


async def counted(look: asyncpg.Connection, tag: str) -> int:
    """How many statements of the Regent's there were."""
    return int(await look.fetchval("SELECT count(*) FROM public.counted WHERE tag = $1", tag))


async def may(look: asyncpg.Connection, privilege: str) -> bool:
    asked = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', $1)"
    return bool(await look.fetchval(asked, privilege))


@pytest.mark.versions(18)
async def test_giving_back_is_damped_where_somebody_takes_it_again_and_taking_goes_on(
    database: Database, tmp_path: Path
) -> None:
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        await look.execute(COUNTS)

        async def is_put_off() -> bool:
            if await may(look, "SELECT"):
                await look.execute('REVOKE SELECT ON schema1.flights FROM "mydb-viewer"')
            return any(one["waits"] for one in (await regent.status())["contended"])

        await eventually(is_put_off)
        assert await counted(look, "GRANT") == TIMES
        status = await regent.status()
        (edge,) = status["contended"]
        assert edge["edge"] == "grant SELECT on table schema1.flights to mydb-viewer"
        said = {one["resource"]: one for one in status["resources"]}["Role/default/mydb-viewer"]
        assert said["state"] == "Reconciling"
        assert any("it is done less often now" in note for note in said["notes"])
        # Everything else is corrected as ever, and the other way round it goes on.
        await look.execute('ALTER ROLE "mydb-viewer" CREATEDB')

        async def is_corrected() -> bool:
            asked = "SELECT NOT rolcreatedb FROM pg_roles WHERE rolname = 'mydb-viewer'"
            return bool(await look.fetchval(asked))

        await eventually(is_corrected)
        assert await counted(look, "GRANT") == TIMES
        assert not await may(look, "SELECT")

        async def goes_on() -> bool:
            if not await may(look, "DELETE"):
                await look.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
            return await counted(look, "REVOKE") >= TIMES + 3

        await eventually(goes_on)
        # What a push wants is no correction: it waits for nothing.
        await regent.push(state(f"{REFERENCE}\nRole/another: {{database: mydb}}", revision=2))
        await regent.settled(2)
        assert await may(look, "SELECT")
