"""Checks of a server and of its home database. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from regent.checkup.findings import Finding
from regent.checkup.seen import HomeSeen, Seen, ServerSeen
from regent.gate.restraint import ON_A_STANDBY
from shared.listing import first_of

CLOCK_SECONDS = 5.0
SHOWN = 5
OURS = ("table postgregent.", "sequence postgregent.", "column postgregent.",
        "constraint of postgregent.", "function postgregent.", "CREATE ")  # fmt: skip
"""How a part of the home database is called that a newer PostgRegent may have added."""


def of_server(seen: Seen, latest: int) -> tuple[Finding, ...]:
    """`latest` is the version of the home database that this PostgRegent makes."""
    return (*_server(seen.server), *_home(seen, latest))


def clock_words(seconds: float) -> str:
    """`600 s ahead of`, or behind."""
    return f"{abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'}"


def _server(server: ServerSeen) -> Iterator[Finding]:
    if server.is_in_recovery:
        yield Finding("Standby", "Fault", ON_A_STANDBY, "Ask the primary: name it in --dsn.")
    ahead = server.clock_ahead_seconds
    if abs(ahead) > CLOCK_SECONDS:
        yield Finding(
            "Clock",
            "Fault",
            f"The clock of this machine is {clock_words(ahead)} the server's.",
            "Set both by NTP: access that ends at a time ends by the clock of the machine on"
            " which the Regent runs.",
        )


def _home(seen: Seen, latest: int) -> Iterator[Finding]:
    home = seen.home
    if not home.is_there:
        yield _missing(seen)
    elif home.trouble and home.strange and all(one.startswith(OURS) for one in home.strange):
        yield Finding(
            "Layout",
            "Unknown",
            f"{home.trouble} A newer PostgRegent may have made it.",
            f"If one does, use the command of that version. Else: {home.way_out}",
        )
    elif home.trouble:
        yield Finding("HomeDatabase", "Unknown", home.trouble, home.way_out)
    elif home.version > latest:
        yield Finding(
            "Layout",
            "Unknown",
            f"The home database {home.name!r} is of version {home.version}, and this command"
            f" knows {latest}: a newer PostgRegent made it.",
            "Use the command of that version.",
        )
    elif home.version < latest:
        yield _older(home, latest)
    elif not seen.regents:
        yield Finding(
            "Regents",
            "Fault",
            f"The home database {home.name!r} remembers no Regent.",
            "Start one, or name the homeDatabase of yours with --home-database.",
        )


def _older(home: HomeSeen, latest: int) -> Finding:
    if home.version == 0:
        return Finding(
            "Layout",
            "Fault",
            f"The home database {home.name!r} is empty: no Regent has begun in it.",
            "Start the Regent: it makes what is missing.",
        )
    return Finding(
        "Layout",
        "Fault",
        f"The home database {home.name!r} is of version {home.version}, and this command makes"
        f" {latest}: the Regent is older than the command.",
        "Start the new Regent once: it brings the home database up to date.",
    )


def _missing(seen: Seen) -> Finding:
    home, server = seen.home, seen.server
    if home.others:
        listed = first_of([repr(one) for one in home.others], SHOWN)
        return Finding(
            "HomeDatabase",
            "Fault",
            f"There is no home database {home.name!r} on this server, and there is {listed}.",
            f"Name the homeDatabase of the Regent: --home-database {home.others[0]}",
        )
    if server.has_owner or server.is_installed_here:
        sign = (
            "its owner role is there" if server.has_owner else f"{server.database!r} has a detector"
        )
        return Finding(
            "HomeDatabase",
            "Fault",
            f"The home database {home.name!r} is gone: {sign}, so there was one.",
            "Restore it. Or start the Regent: it makes a new one, and waits for a person to accept"
            " the takeover that lists its roles.",
        )
    return Finding(
        "HomeDatabase",
        "Fault",
        f"Nothing of PostgRegent is on this server: no home database {home.name!r}.",
        "Check host and port in --dsn, or start a Regent for this server.",
    )
