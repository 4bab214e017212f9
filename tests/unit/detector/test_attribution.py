"""Who did it, from recorded events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from regent.attribution import attribute
from regent.events import Event, Taken

NOW = datetime(2025, 6, 1, tzinfo=UTC)
GRANT = Event(
    id=1,
    at=NOW,
    xid=(1 << 32) + 100,
    written_by=103,
    command_tag="GRANT",
    object_type="TABLE",
    classid=None,
    objid=None,
    in_extension=False,
    session_user="intruder",
    role=None,
    pid=7,
    application="psql",
    client="10.0.0.1",
)
OTHER = replace(GRANT, id=2, xid=(1 << 32) + 200, written_by=201, session_user="app", pid=8)

pytestmark = pytest.mark.rule("30")


def test_the_row_of_the_top_transaction_is_recorded() -> None:
    actor, at = attribute([GRANT, OTHER], xmins={100})
    assert (actor.certainty, actor.session_user, at) == ("Recorded", "intruder", NOW)


def test_an_event_that_names_the_object_comes_first() -> None:
    naming = replace(GRANT, command_tag="CREATE TABLE", objid=42)
    actor, _ = attribute([naming, GRANT], xmins={100}, oids=[42])
    assert actor.command_tag == "CREATE TABLE"


@pytest.mark.parametrize("xmin", [101, 103])
def test_a_subtransaction_is_probable(xmin: int) -> None:
    actor, _ = attribute([GRANT, OTHER], xmins={xmin})
    assert (actor.certainty, actor.session_user) == ("Probable", "intruder")


def test_a_subtransaction_is_found_where_ids_begin_again() -> None:
    late = replace(GRANT, xid=(1 << 32) - 1, written_by=4)
    assert attribute([late], xmins={3})[0].certainty == "Probable"


def test_a_row_that_no_event_fits_is_unknown() -> None:
    assert attribute([GRANT, OTHER], xmins={150})[0].certainty == "Unknown"


def test_without_a_row_the_only_session_is_probable_and_of_two_none() -> None:
    assert attribute([GRANT])[0].certainty == "Probable"
    assert attribute([GRANT, OTHER])[0].certainty == "Unknown"


def test_without_events_nobody_is_blamed() -> None:
    actor, at = attribute([], xmins={100})
    assert (actor.certainty, at) == ("Unknown", None)
    assert "No event" in actor.why_not


def test_taken_events_tell_each_transaction_and_object_once() -> None:
    taken = Taken((GRANT, replace(GRANT, id=3, objid=42), OTHER))
    assert (taken.xids, taken.oids) == ((100, 200), (42,))
