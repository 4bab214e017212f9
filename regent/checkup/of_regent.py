"""Checks of one Regent: does it live, does it hear, what waits, what is lacking. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from regent.checkup.findings import Finding
from regent.checkup.of_server import CLOCK_SECONDS, clock_words
from regent.checkup.seen import AdminSeen, DatabaseSeen, RegentSeen, Seen, SessionSeen
from regent.detect.detectors import MOST_LISTENING
from regent.gate.restraint import declared_restraint, why_no_triggers
from regent.home.check import OWNER
from regent.home.locks import PROOF_SECONDS
from regent.remembered import AcceptedState, Remembered, Unmanageable
from shared.listing import first_of
from shared.names import quote_ident
from shared.utc import utc

LISTENER, WATCHER = "postgregent/listener", "postgregent/watcher"
SHOWN = 5
INSUFFICIENT_PRIVILEGE = "42501"
START = (
    "Start it: `postgregent local DIR`, or in a cluster see what became of its pod (kubectl get"
    " pods -A -l app.kubernetes.io/name=postgregent-regent)."
)


def of_regent(seen: Seen, one: RegentSeen) -> tuple[Finding, ...]:
    """All of one Regent; what is fine is said of what people ask for first."""
    found: list[Finding] = [*liveness(seen, one)]
    if one.trouble:
        found.append(Finding("Memory", "Unknown", one.trouble, one.way_out))
    if one.unreadable:
        found.append(
            Finding(
                "Memory",
                "Unknown",
                f"Rows of the home database cannot be read: {first_of(one.unreadable, SHOWN)}.",
                "They are left as they are; delete them as a superuser once they were looked at.",
            )
        )
    accepted = one.remembered.accepted if one.remembered else None
    for database in one.databases:
        found += _database(database, accepted)
    found += _rights(one.admin)
    if one.remembered is not None:
        found += _memory(seen, one.regent, one.remembered)
    if one.outstanding:
        found.append(
            Finding(
                "Drift",
                "Fault",
                f"Found and not corrected: {one.outstanding:,}.",
                "postgregent drift lists each, with the reason.",
            )
        )
    return tuple(replace(finding, regent=one.regent) for finding in found)


def liveness(seen: Seen, one: RegentSeen) -> Iterator[Finding]:
    """Whether it runs, and hears what happens: without it nothing is known of the present."""
    if seen.server.is_in_recovery:
        yield Finding(
            "Alive",
            "Unknown",
            "Whether it runs is not to be seen on a standby: its lock is on the primary.",
            "Ask the primary.",
        )
        return
    holder = one.holder
    if holder is None:
        yield Finding("Alive", "Fault", "No Regent runs: nobody holds its lock.", START)
        return
    if not holder.is_ours:
        yield Finding(
            "Alive",
            "Fault",
            f"No Regent runs, and a stranger sits on its lock: {holder}.",
            f"End that session (SELECT pg_terminate_backend({holder.pid})), and find out who may"
            " connect to the home database.",
        )
        return
    session = seen.sessions.get(holder.pid)
    silent = session.silent_seconds if session else None
    if silent is not None and silent > PROOF_SECONDS:
        yield Finding(
            "Alive",
            "Fault",
            f"Its lock is held by {holder}, which has said nothing for {silent:,.0f} s: it hangs,"
            " or the way to it is gone.",
            "Look for that process, and start it again.",
        )
    else:
        yield Finding("Alive", "Fine", f"It runs: its lock is held by {holder}.")
    yield from _hearing(seen.sessions.values(), one)


def _hearing(sessions: Iterable[SessionSeen], one: RegentSeen) -> Iterator[Finding]:
    sessions = tuple(sessions)
    served = [database.name for database in one.databases if not database.is_missing]
    heard = {one.database for one in sessions if one.application == LISTENER and _speaks(one)}
    deaf = [name for name in served[:MOST_LISTENING] if name not in heard]
    way_out = (
        "While `postgregent apply` runs that is as it should be: ask again. Else look into the"
        " Regent's log, and for what keeps it from connecting: CONNECT, a connection limit."
    )
    for name in deaf:
        yield Finding(
            "Listener",
            "Fault",
            f"No session of it listens in {name!r}: changes there are found with the next full"
            " pass, and not at once.",
            way_out,
            database=name,
        )
    if not any(one.application == WATCHER and _speaks(one) for one in sessions):
        yield Finding(
            "Watcher",
            "Fault",
            "No session of it watches the shared catalogs: changes of roles and memberships are"
            " found with the next full pass, and not at once.",
            way_out,
        )


def _speaks(session: SessionSeen) -> bool:
    return session.silent_seconds is None or session.silent_seconds <= PROOF_SECONDS


def _database(database: DatabaseSeen, accepted: AcceptedState | None) -> Iterator[Finding]:
    name = database.name
    if database.is_missing:
        yield Finding(
            "Database",
            "Fault",
            f"The served database {name!r} does not exist.",
            "Make it, or take it out of databaseName and additionalDatabases.",
            database=name,
        )
        return
    if database.trouble:
        yield Finding("Database", "Unknown", database.trouble, database.way_out, database=name)
        return
    spec = accepted.state.regent.spec if accepted else None
    meant = why_no_triggers(spec, declared_restraint(spec)) if spec else ""
    if meant and database.damage:
        said = f"No triggers in {name!r}, as it is declared: {meant} Changes are found by polling."
        yield Finding("Detector", "Note", said, database=name)
    elif database.damage:
        yield Finding(
            "Detector",
            "Fault",
            f"The detector in {name!r} is not whole: {first_of(database.damage, SHOWN)}.",
            "A Regent that runs installs it again within seconds: see that it runs, and that its"
            " admin may make event triggers; where no admin may, say detector: Polling.",
            database=name,
        )
    else:
        yield Finding("Detector", "Fine", f"The detector in {name!r} is whole.", database=name)


def _rights(admin: AdminSeen | None) -> Iterator[Finding]:
    if admin is None:
        return
    name = quote_ident(admin.name)
    if not admin.is_there:
        yield Finding(
            "Rights",
            "Fault",
            f"The admin {admin.name!r} does not exist.",
            "Make it, or correct adminUser (setRole, where it is given).",
        )
        return
    lacks: list[tuple[str, str]] = []
    if not (admin.is_superuser or admin.may_create_roles):
        lacks.append(("has no CREATEROLE", f"ALTER ROLE {name} CREATEROLE"))
    if admin.has_expired:
        lacks.append(("has expired", f"ALTER ROLE {name} VALID UNTIL 'infinity'"))
    if not admin.is_member:
        lacks.append((f"is no member of {OWNER}", f"GRANT {quote_ident(OWNER)} TO {name}"))
    lacks += [
        (f"may not connect to {one!r}", f"GRANT CONNECT ON DATABASE {quote_ident(one)} TO {name}")
        for one in admin.closed
    ]
    if admin.beyond:
        first = f"GRANT {quote_ident(admin.beyond[0])} TO {name} WITH ADMIN OPTION"
        more = ", and the same for the others" if len(admin.beyond) > 1 else ""
        lacks.append((f"may not alter {first_of(admin.beyond, SHOWN)}", f"{first}{more}"))
    for what, statement in lacks:
        said = f"The admin {admin.name!r} {what}."
        yield Finding("Rights", "Fault", said, f"Run as a superuser: {statement}")


def _memory(seen: Seen, regent: str, remembered: Remembered) -> Iterator[Finding]:
    accepted, brake = remembered.accepted, remembered.brake
    known, found = remembered.system_identifier, seen.server.identifier
    if known and found and known != found:
        yield Finding(
            "Server",
            "Fault",
            f"This server is {found}, and this Regent knows {known}: a new one, an upgraded one or"
            " one into which a dump was restored. Nothing is written to it.",
            "Check host and port. If this is meant, accept the takeover: postgregent plan DIR --dsn"
            " … says its token.",
        )
    if accepted is None:
        yield Finding(
            "State",
            "Fault",
            "It was never told what shall hold.",
            "See that the controller reaches it, or run postgregent local or apply.",
        )
        return
    yield from _clock(accepted, seen.server.now)
    if accepted.is_home_lost:
        yield Finding(
            "Takeover",
            "Waits",
            "Its home database was lost before: which roles are its own waits for a person.",
            "postgregent plan DIR --dsn … lists them, with the token to accept.",
        )
    if restrained := declared_restraint(accepted.state.regent.spec):
        yield Finding("Observing", "Note", restrained.message)
    if brake.pulled_at is not None:
        yield Finding(
            "Brake",
            "Waits",
            f"The brake is pulled since {utc(brake.pulled_at)}: losses are withheld.",
            "postgregent plan DIR --dsn … lists each, and the digest that releases them. Or"
            " correct the declarations.",
        )
    if brake.approving.waits:
        yield Finding(
            "Approval",
            "Waits",
            "What is declared anew waits for approval; what was approved before is kept.",
            "postgregent plan DIR --dsn … lists the changes, and the digest that approves them.",
        )
    ours = {mark.role_oid for mark in remembered.marks if mark.regent == regent}
    for pause in remembered.pauses:
        if pause.role_oid in ours:
            yield Finding(
                "Paused",
                "Waits",
                f"{pause.role!r} is not corrected until {utc(pause.until)}, by {pause.by}:"
                f" {pause.reason}",
                f"Earlier: postgregent resume {pause.role}",
            )
    for one in remembered.unmanageable.values():
        yield Finding(
            "Refused",
            "Fault",
            f"The server refuses (SQLSTATE {one.sqlstate}, since {utc(one.found_at)}):"
            f" {one.message}",
            _after_refusal(one),
        )


def _after_refusal(one: Unmanageable) -> str:
    """Other rights help where they are what is lacking, and nowhere else."""
    if one.is_helped or one.sqlstate == INSUFFICIENT_PRIVILEGE:
        return "It is tried again every hour, and once the admin has other rights."
    return (
        "Correct what it names, in the resource or on the server: another declaration is tried at"
        " once, and this one every hour."
    )


def _clock(accepted: AcceptedState, now: datetime) -> Iterator[Finding]:
    """The Regent writes by its own clock, and the server's says how late it is now."""
    ahead = (accepted.accepted_at - now).total_seconds()
    if ahead > CLOCK_SECONDS:
        yield Finding(
            "Clock",
            "Fault",
            f"The Regent's clock was {clock_words(ahead)} the server's, at least, when it was"
            " pushed to last.",
            "Set the clock of the machine on which the Regent runs by NTP.",
        )
