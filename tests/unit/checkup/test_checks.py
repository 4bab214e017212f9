"""What a check-up concludes from what it read, and what it does not conclude from the unread."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from regent.checkup.findings import Finding, Level, verdict_of
from regent.checkup.of_regent import of_regent
from regent.checkup.of_server import of_server
from regent.checkup.reading import ahead
from regent.checkup.seen import (
    AdminSeen,
    DatabaseSeen,
    HomeSeen,
    RegentSeen,
    Seen,
    ServerSeen,
    SessionSeen,
)
from regent.home.database import LATEST
from regent.home.locks import Holder
from regent.remembered import BrakeMemory, Remembered, Unmanageable
from tests.declared import NOON, REFERENCE, REGENT, accepted, state

HOLDER = Holder(1, "my-admin", "postgregent/lock of default/my-regent", "10.0.0.7", NOON, True)
SERVER = ServerSeen("db:5432", "mydb", "18.1", "my-admin", NOON, NOON, identifier="7")
SESSIONS = {
    1: SessionSeen(1, "postgregent", "postgregent/lock of default/my-regent", 3.0),
    2: SessionSeen(2, "mydb", "postgregent/listener", 3.0),
    3: SessionSeen(3, "postgregent", "postgregent/watcher", 0.1),
}


def regent(**more: Any) -> RegentSeen:
    spec = more.pop("spec", {})
    remembered = Remembered(
        accepted=accepted(state(REFERENCE, regent=spec)),
        brake=BrakeMemory(),
        marks=(),
        system_identifier="7",
        unmanageable={},
    )
    one = RegentSeen(
        REGENT, remembered, holder=HOLDER, databases=(DatabaseSeen("mydb"),), admin=AdminSeen("a")
    )
    return replace(one, **more)


def seen(one: RegentSeen, server: ServerSeen = SERVER, **more: Any) -> Seen:
    return replace(Seen(server, HomeSeen("postgregent", version=LATEST), (one,), SESSIONS), **more)


def levels(findings: tuple[Finding, ...]) -> dict[str, Level]:
    return {one.check: one.level for one in findings if one.level != "Fine"}


def of(one: RegentSeen, **more: Any) -> dict[str, Level]:
    return levels(of_regent(seen(one, **more), one))


def test_what_lives_and_hears_is_fine() -> None:
    assert of(regent()) == {}
    assert levels(of_server(seen(regent()), LATEST)) == {}


def test_a_lock_whose_session_says_nothing_is_of_one_that_hangs() -> None:
    hangs = {**SESSIONS, 1: replace(SESSIONS[1], silent_seconds=21.0)}
    assert of(regent(), sessions=hangs) == {"Alive": "Fault"}
    untold = {**SESSIONS, 1: replace(SESSIONS[1], silent_seconds=None)}
    assert of(regent(), sessions=untold) == {}


def test_a_listener_that_is_not_there_or_says_nothing_hears_nothing() -> None:
    silent = {**SESSIONS, 2: replace(SESSIONS[2], silent_seconds=60.0)}
    elsewhere = {**SESSIONS, 2: replace(SESSIONS[2], database="other")}
    for sessions in (silent, elsewhere):
        assert of(regent(), sessions=sessions) == {"Listener": "Fault"}


def test_a_stranger_on_the_lock_is_no_regent() -> None:
    assert of(regent(holder=replace(HOLDER, is_ours=False))) == {"Alive": "Fault"}


def test_on_a_standby_nobody_knows_whether_it_runs() -> None:
    standby = replace(SERVER, is_in_recovery=True)
    one = regent(holder=None)
    assert of(one, server=standby) == {"Alive": "Unknown"}
    assert levels(of_server(seen(one, standby), LATEST)) == {"Standby": "Fault"}


@pytest.mark.parametrize(
    "spec", [{"detector": "Polling"}, {"enforcement": "Observe"}, {"suspend": True}]
)
def test_no_triggers_are_no_fault_where_none_are_meant(spec: dict[str, Any]) -> None:
    bare = (DatabaseSeen("mydb", damage=("the schema is missing",)),)
    found = of(regent(spec=spec, databases=bare))
    assert set(found.values()) == {"Note"}
    assert of(regent(databases=bare)) == {"Detector": "Fault"}


def test_what_was_not_read_is_unknown_and_what_is_not_there_is_a_fault() -> None:
    databases = (
        DatabaseSeen("mydb"),
        DatabaseSeen("a", trouble="no CONNECT", way_out="give it"),
        DatabaseSeen("b", is_missing=True),
    )
    found = of_regent(seen(regent()), regent(databases=databases))
    told = {one.database: one.level for one in found if one.check == "Database"}
    assert told == {"a": "Unknown", "b": "Fault"}
    assert of(regent(trouble="damaged", remembered=None))["Memory"] == "Unknown"


def test_the_rights_that_an_admin_lacks_come_with_their_statements() -> None:
    admin = AdminSeen(
        "a b", may_create_roles=False, is_member=False, closed=("x y",), beyond=("r",)
    )
    found = [one for one in of_regent(seen(regent()), regent(admin=admin)) if one.check == "Rights"]
    assert [one.way_out for one in found] == [
        'Run as a superuser: ALTER ROLE "a b" CREATEROLE',
        'Run as a superuser: GRANT "postgregent_owner" TO "a b"',
        'Run as a superuser: GRANT CONNECT ON DATABASE "x y" TO "a b"',
        'Run as a superuser: GRANT "r" TO "a b" WITH ADMIN OPTION',
    ]
    superuser = AdminSeen("a", is_superuser=True, may_create_roles=False)
    assert of(regent(admin=superuser)) == {}


def test_a_clock_is_apart_by_what_is_certain() -> None:
    second = timedelta(seconds=1)
    assert ahead(NOON, NOON + second, NOON + 2 * second) == 0
    assert ahead(NOON + 9 * second, NOON, NOON + 10 * second) == 9
    assert ahead(NOON, NOON + 9 * second, NOON + second) == -8
    for seconds, word in ((9, "9 s ahead of"), (-9, "9 s behind")):
        [one] = of_server(seen(regent(), replace(SERVER, clock_ahead_seconds=seconds)), LATEST)
        assert (one.check, one.level) == ("Clock", "Fault")
        assert word in one.message


@pytest.mark.parametrize(
    ("version", "level"), [(0, "Fault"), (1, "Fault"), (LATEST + 1, "Unknown")]
)
def test_another_layout_is_of_another_version(version: int, level: Level) -> None:
    home = HomeSeen("postgregent", version=version)
    assert levels(of_server(seen(regent(), home=home), LATEST)) == {"Layout": level}


def test_a_home_database_that_is_not_there_was_lost_or_never_was() -> None:
    gone = Seen(SERVER, HomeSeen("postgregent", is_there=False))
    [lost] = of_server(gone, LATEST)
    assert "is gone" in lost.message
    bare = replace(SERVER, has_owner=False)
    [never] = of_server(replace(gone, server=bare), LATEST)
    assert "Nothing of PostgRegent" in never.message
    [other] = of_server(replace(gone, home=replace(gone.home, others=("h",))), LATEST)
    assert "--home-database h" in other.way_out


def test_what_could_not_be_read_stands_above_what_is_wrong() -> None:
    fault, unknown = Finding("a", "Fault", ""), Finding("b", "Unknown", "")
    waits, note = Finding("c", "Waits", ""), Finding("d", "Note", "")
    assert verdict_of([note]) == "Fine"
    assert verdict_of([waits]) == verdict_of([fault, note]) == "NotReady"
    assert verdict_of([fault, unknown]) == "Unknown"


@pytest.mark.found("E506")
@pytest.mark.parametrize(
    ("sqlstate", "is_helped", "by_rights"),
    [("42501", False, True), ("0LP01", True, True), ("22023", False, False)],
)
def test_other_rights_are_the_way_out_only_where_rights_are_lacking(
    sqlstate: str, is_helped: bool, by_rights: bool
) -> None:
    """Nobody's rights make 5 parsecs a statement_timeout."""
    one = regent()
    assert one.remembered is not None
    refused = Unmanageable("d", sqlstate, "said", NOON, is_helped=is_helped)
    remembered = replace(one.remembered, unmanageable={"d": refused})
    [said] = [
        finding
        for finding in of_regent(seen(one), replace(one, remembered=remembered))
        if finding.check == "Refused"
    ]
    assert ("other rights" in said.way_out) is by_rights
    assert ("Correct what it names" in said.way_out) is not by_rights
