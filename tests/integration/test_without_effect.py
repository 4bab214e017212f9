"""What the server takes, and what differs all the same, is told and not sent without end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from regent.apply.result import NO_EFFECT
from regent.gate.refusals import asked_soon_at, still_refused
from regent.remembered import Unmanageable
from tests.declared import NOON
from tests.integration.facts.once import all_ready, applied, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.found("E202"), pytest.mark.rule("21")]
READS = """
Permission/read: {database: mydb, schemas: [schema1], actions: [SELECT], tables: [flights]}
Permission/insert: {database: mydb, schemas: [schema1], actions: [INSERT], tables: [airports]}
Role/reader: {database: mydb, permissions: [read]}
Role/writer: {database: mydb, permissions: [insert]}
"""
UNDOES = """
CREATE SEQUENCE public.times;
CREATE FUNCTION public.undo() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF has_table_privilege('reader', 'schema1.flights', 'SELECT') THEN
        PERFORM nextval('public.times');
        REVOKE SELECT ON schema1.flights FROM reader;
    END IF;
END $$;
CREATE EVENT TRIGGER undo ON ddl_command_end WHEN TAG IN ('GRANT') EXECUTE FUNCTION public.undo();
"""


@pytest.mark.versions(15, 18)
async def test_what_is_undone_at_once_is_told_with_its_statement_and_left_for_a_while(
    database: Database,
) -> None:
    """Seen: as often as a pass looks, and each deed woke the next pass."""
    await database.execute(UNDOES)
    report = await applied(database, READS)
    said = outcome(report, "Role/reader")
    assert (said.state, said.reason) == ("Stalled", "NotManageable")
    assert 'GRANT SELECT ON TABLE "schema1"."flights" TO "reader"' in said.message
    assert "event trigger" in said.message
    assert outcome(report, "Role/writer").is_ready
    look = await database.connect()
    assert await look.fetchval("SELECT last_value FROM public.times") == 3
    await database.execute("DROP EVENT TRIGGER undo")
    assert all_ready(await applied(database, READS, 2))


def test_it_is_asked_again_within_a_second_and_half_a_minute_at_most() -> None:
    """What is to be taken waits a second, always: somebody may have it meanwhile."""
    takes = {"take k": Unmanageable("take k", NO_EFFECT, "as before", NOON, NOON - timedelta(1))}
    assert asked_soon_at(takes, NOON) == NOON + timedelta(seconds=1)
    now, waits = NOON, []
    for _ in range(8):
        known = {"k": Unmanageable("k", NO_EFFECT, "as before", now, NOON)}
        at = asked_soon_at(known, now)
        assert at is not None
        assert still_refused(known, now) == known
        assert not still_refused(known, at)
        waits.append((at - now) // timedelta(seconds=1))
        now = at
    assert waits == [1, 1, 2, 4, 8, 16, 30, 30]
