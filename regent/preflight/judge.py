"""All findings about a server, the gravest first. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from regent.preflight import admin, others, out_of_reach, powers, public
from regent.preflight.facts import Facts
from regent.preflight.finding import Finding, Severity


def judged(facts: Facts) -> tuple[Finding, ...]:
    """What could not be read, what blocks, risks, notes; each as its own part has them in order."""
    found = (
        *_unread(facts),
        *admin.findings(facts),
        *out_of_reach.findings(facts),
        *powers.findings(facts),
        *public.findings(facts),
        *others.findings(facts),
        *_beside(facts),
    )
    order = list(Severity)
    return tuple(sorted(found, key=lambda one: order.index(one.severity)))


def _unread(facts: Facts) -> Iterator[Finding]:
    if facts.unread:
        yield Finding(
            Severity.BLOCKS,
            "not-read",
            "These could not be read, so nothing is known of them.",
            tuple(f"{what}: {why}" for what, why in facts.unread.items()),
            is_unread=True,
        )


def _beside(facts: Facts) -> Iterator[Finding]:
    """What is passed over knowingly."""
    if facts.illegible:
        yield Finding(
            Severity.NOTE,
            "left-alone",
            "PostgRegent leaves these alone: their names are not UTF-8. Nothing is known of them.",
            facts.illegible,
        )
    if newness := facts.server.newness:
        yield Finding(Severity.NOTE, "new-version", newness)
    known = {*facts.databases, facts.home}
    rest = sorted(
        name
        for name in facts.server.database_names - known
        if f"database {name}" not in facts.unread
    )
    if rest:
        yield Finding(
            Severity.NOTE,
            "not-looked-into",
            "The contents of these databases were not read. Add --database NAME for each to read.",
            tuple(rest),
        )
