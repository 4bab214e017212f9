"""Who did it, from recorded events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from regent.changes import ObjectRef, RevokePrivileges
from regent.detect.attribution import (
    Records,
    Touched,
    Undone,
    Witnesses,
    are_behind,
    of_defaults,
)
from regent.detect.events import Event, Taken
from regent.kinds import Address
from regent.report.drifts import deeds, differences
from shared.outcomes import Actor
from shared.privileges import ObjectKind

NOW = datetime(2025, 6, 1, tzinfo=UTC)
GRANT = Event(
    id=1,
    at=NOW,
    xid=(1 << 32) + 100,
    written_by=103,
    command_tag="GRANT",
    object_type="TABLE",
    catalog="pg_class",
    objid=None,
    in_extension=False,
    session_user="alice",
    role=None,
    pid=7,
    application="psql",
    client="10.0.0.1",
)
OTHER = replace(
    GRANT,
    id=2,
    at=NOW + timedelta(seconds=1),
    xid=(1 << 32) + 200,
    written_by=201,
    session_user="bob",
    pid=8,
)
OID = 42
AT = Address("pg_class", OID)

pytestmark = pytest.mark.rule("30")


def who(
    events: Iterable[Event],
    *xmins: int,
    kind: ObjectKind = ObjectKind.TABLE,
    undoes: Undone = "GRANT",
) -> tuple[str, list[str | None]]:
    """The certainty, and every name, for an object whose rows these transactions wrote."""
    records = Records(tuple(events), {AT: frozenset(xmins)} if xmins else {})
    actor, _ = records.who(Touched(OID, kind, undoes))
    named = [actor, *actor.others] if actor.session_user else []
    return actor.certainty, [one.session_user for one in named]


def test_the_row_of_the_top_transaction_is_recorded() -> None:
    actor, at = Records((GRANT, OTHER), {AT: frozenset({100})}).who(
        Touched(OID, ObjectKind.TABLE, "GRANT")
    )
    assert (actor.certainty, actor.session_user, at) == ("Recorded", "alice", NOW)


@pytest.mark.found("C23")
def test_whoever_may_have_written_the_row_before_is_named_too() -> None:
    """GRANT does not name its object: the last writer of the row is one of two."""
    assert who([GRANT, OTHER], 200) == ("Probable", ["bob", "alice"])
    assert who([GRANT, replace(OTHER, pid=7, session_user="alice")], 200) == ("Recorded", ["alice"])


@pytest.mark.found("C23")
@pytest.mark.parametrize(
    "harmless",
    [
        replace(GRANT, command_tag="REVOKE"),
        replace(GRANT, command_tag="ALTER TABLE", objid=7),
        replace(GRANT, object_type="SCHEMA"),
        replace(GRANT, command_tag="ALTER DEFAULT PRIVILEGES", object_type="TABLES"),
    ],
)
def test_who_did_something_else_is_not_named(harmless: Event) -> None:
    assert who([harmless, OTHER], 200) == ("Recorded", ["bob"])


@pytest.mark.found("C23")
def test_who_granted_is_not_named_for_a_privilege_that_is_missing() -> None:
    """Alice revoked; Bob's GRANT on the same table wrote its row after it."""
    revoked = replace(GRANT, command_tag="REVOKE")
    assert who([revoked, OTHER], 200, undoes="REVOKE") == ("Probable", ["alice"])


def test_nobody_can_have_changed_what_was_not_made_yet() -> None:
    made = replace(OTHER, command_tag="CREATE TABLE", objid=OID)
    before = replace(GRANT, command_tag="REVOKE")
    assert who([before, made], 200, undoes="REVOKE") == ("Recorded", ["bob"])


@pytest.mark.parametrize("xmin", [101, 103])
def test_a_subtransaction_is_probable(xmin: int) -> None:
    assert who([GRANT, OTHER], xmin) == ("Probable", ["alice"])


def test_a_subtransaction_is_found_where_ids_begin_again() -> None:
    assert who([replace(GRANT, xid=(1 << 32) - 1, written_by=4)], 3) == ("Probable", ["alice"])


def test_a_row_that_was_written_again_leaves_those_who_may_have_written_it_before() -> None:
    """CREATE INDEX writes it and is not recorded."""
    assert who([GRANT, OTHER], 150) == ("Probable", ["alice"])
    assert who([GRANT, OTHER], 250) == ("Probable", ["bob", "alice"])


def test_who_altered_default_privileges_of_that_kind_is_probable() -> None:
    """The event does not say whose they were; what another kind's was is no trace."""
    altered = replace(GRANT, command_tag="ALTER DEFAULT PRIVILEGES", object_type="TABLES")
    actor, at = of_defaults((altered, OTHER), ObjectKind.TABLE)
    assert (actor.certainty, actor.session_user, at) == ("Probable", "alice", NOW)
    assert of_defaults((altered, OTHER), ObjectKind.ROUTINE)[0].certainty == "Unknown"


def test_a_row_that_is_older_than_every_event_is_unknown() -> None:
    assert who([GRANT, OTHER], 90) == ("Unknown", [])


def test_without_a_row_every_session_that_fits_is_named() -> None:
    assert who([GRANT]) == ("Probable", ["alice"])
    assert who([GRANT, OTHER]) == ("Probable", ["bob", "alice"])


def test_without_events_nobody_is_blamed() -> None:
    actor, at = Records((), {AT: frozenset({100})}).who(Touched(OID, ObjectKind.TABLE, "GRANT"))
    assert (actor.certainty, at) == ("Unknown", None)
    assert "No event" in actor.why_not


@pytest.mark.found("C23")
def test_what_one_change_corrects_at_once_is_told_of_each_of_its_authors() -> None:
    """Two tables, two people, one REVOKE."""
    tables = tuple(ObjectRef(oid, "a", f"t{oid}", "r", "owner") for oid in (1, 2))
    change = RevokePrivileges(
        "mydb", ObjectKind.TABLE, tables, frozenset({"DELETE"}), ("viewer",), "owner"
    )
    nobody = Actor(certainty="Unknown")
    writers = {
        "mydb": {Address("pg_class", 1): frozenset({100}), Address("pg_class", 2): frozenset({200})}
    }
    [difference] = differences((change,))
    found = deeds(difference, Witnesses({"mydb": [GRANT, OTHER]}, writers, nobody))
    assert [(one.difference.object, one.actor.session_user) for one in found] == [
        ("a.t1", "alice"),
        ("a.t2", "bob"),
    ]
    same = deeds(difference, Witnesses({"mydb": [GRANT]}, writers, nobody))
    assert len(same) == 2


def test_events_that_came_after_all_that_was_taken_are_noticed() -> None:
    assert are_behind([GRANT], {AT: frozenset({200})})
    assert not are_behind([GRANT], {AT: frozenset({102, 90})})


def test_taken_events_tell_each_transaction_and_object_once() -> None:
    taken = Taken((GRANT, replace(GRANT, id=3, objid=42), OTHER))
    assert (taken.xids, taken.objects) == ((100, 101, 102, 103, 200, 201), (AT,))
    assert taken.is_whole


def test_of_what_is_cut_or_wrote_with_many_ids_not_all_is_known() -> None:
    many = tuple(replace(GRANT, id=number) for number in range(32))
    assert not Taken(many).is_whole
    assert Taken(many).cut == {GRANT.xid}
    long = replace(GRANT, written_by=100 + 5000)
    assert not Taken((long,)).is_whole
    assert len(Taken((long,)).xids) < 5000


def test_what_was_written_after_a_cut_transaction_began_may_be_its() -> None:
    other = replace(GRANT, object_type="SCHEMA")
    many = tuple(replace(other, id=number) for number in range(32))
    touched, writers = Touched(OID, ObjectKind.TABLE, "GRANT"), {AT: frozenset({140})}
    actor, _ = Records(many, writers).who(touched)
    assert (actor.certainty, actor.session_user) == ("Probable", "alice")
    assert Records(many[1:], writers).who(touched)[0].certainty == "Unknown"
