"""What autovacuum runs of somebody's is not told as the superuser's own deed (rule 30)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from regent.detect.attribution import Touched, attribute
from regent.detect.events import Event, EventReader
from regent.detect.install import install
from shared.privileges import ObjectKind
from tests.eventually import eventually
from tests.postgres.database import flights
from tests.postgres.server import PostgresServer

TRAP = """
CREATE TABLE public.trap (id integer) WITH (autovacuum_analyze_threshold = 1);
CREATE FUNCTION public.sneak() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF session_user <> 'app_owner' THEN
        GRANT DELETE ON schema1.flights TO PUBLIC;
    END IF;
END $$;
CREATE FUNCTION public.trap(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM public.sneak();
    RETURN $1;
END $$;
CREATE INDEX ON public.trap (public.trap(id));
"""


@pytest.mark.rule("30")
@pytest.mark.found("E524")
async def test_what_autovacuum_runs_is_named_as_that(
    launch_server: Callable[..., PostgresServer],
) -> None:
    server = launch_server(autovacuum="on", autovacuum_naptime="1s")
    async with flights(server) as database:
        admin = await database.connect()
        await install(admin)
        await database.execute(TRAP, database.owner)
        reader, found = EventReader(), list[Event]()
        await database.execute(
            "INSERT INTO public.trap SELECT generate_series(1, 1000)", database.owner
        )

        async def is_granted() -> bool:
            found.extend(e for e in (await reader.take(admin)).events if e.command_tag == "GRANT")
            return bool(found)

        await eventually(is_granted)
        assert found[0].backend == "autovacuum worker"
        oid = await admin.fetchval("SELECT 'schema1.flights'::regclass::oid")
        actor, _ = attribute(
            found, Touched(oid, ObjectKind.TABLE, "GRANT"), frozenset({found[0].xmin})
        )
        assert (actor.certainty, actor.application) == ("Probable", "autovacuum worker")
        # Twin: a client's session is nothing but itself.
        await database.execute("GRANT SELECT ON schema1.flights TO PUBLIC", database.owner)
        [event] = (await reader.take(admin)).events
        assert event.backend is None
