"""Whose dump, replication or pooler is affected, and what a restore needs. Pure.

Sessions and roles are known by what they call themselves, so this is what looks like a pooler or a
dump; one that is not connected now, and is not called so, is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from regent.preflight.facts import Facts
from regent.preflight.finding import Finding, Severity, Way
from regent.unmanaged.families import family_roles
from shared.names import quote_literal

KEEPS_OURS_OUT = r"grep -Ev ' [A-Z]+ (- )?(SCHEMA )?postgregent(_[a-z]+)? '"
"""Takes PostgRegent's objects out of the list of a dump, as docs/operations.md has it."""
_POOLER = re.compile(r"pgbouncer|pgcat|odyssey|pgpool|supavisor|pooler|rds.?proxy", re.IGNORECASE)
_DUMPER = re.compile(
    r"^pg_(dump|dumpall|restore|basebackup|receivewal|rewind)\b"
    r"|barman|pgbackrest|wal-?g\b|dumper|backup",
    re.IGNORECASE,
)
OURS = frozenset({"postgregent_change", "postgregent_drop", "postgregent_prevent"})
"""The event triggers of a Regent."""


def findings(facts: Facts) -> Iterator[Finding]:
    """All of them. What a restore needs is always said."""
    yield from _replication(facts)
    yield from _who(
        facts,
        _POOLER,
        "poolers",
        "These look like connection poolers. Give PostgRegent the address of PostgreSQL itself, and"
        " leave the pooler's own role undeclared. Passwords of declared Users become SCRAM, which"
        " the pooler must support (auth_query or its user list).",
    )
    yield from _who(
        facts,
        _DUMPER,
        "dumps",
        "These look like dumps or backups. Once their role is declared, it keeps only what is"
        " declared with it: read its plan before the first apply.",
    )
    yield from _event_triggers(facts)
    yield Finding(
        Severity.NOTE,
        "restores",
        "Once a Regent serves a database, its dumps contain PostgRegent's schema and event"
        " triggers: leave them out when you restore.",
        ways=(
            Way(
                f"pg_restore --list mydb.dump | {KEEPS_OURS_OUT} > kept.list"
                " && pg_restore -1 --use-list=kept.list --dbname=… mydb.dump"
            ),
        ),
    )


def _replication(facts: Facts) -> Iterator[Finding]:
    """Roles and privileges go to a standby with everything else, and to a subscriber not at all."""
    publications = [
        f"publication {one} of {name}"
        for name, database in facts.databases.items()
        for one in database.publications
    ]
    slots = [
        f"{one.type} slot {one.name}"
        + (f" of {one.database} ({one.plugin})" if one.database else "")
        + ("" if one.is_active else ", which nobody reads")
        for one in facts.slots
    ]
    senders = [f"{one.application or 'a receiver'} as {one.role}" for one in facts.senders]
    subscriptions = [
        f"subscription {one.name} of {one.database}, owned by {one.owner}"
        for one in facts.subscriptions
    ]
    found = (*senders, *slots, *subscriptions, *publications)
    if found:
        roles = {one.role for one in facts.senders} | {one.owner for one in facts.subscriptions}
        yield Finding(
            Severity.NOTE,
            "replicates",
            "A standby gets all that PostgRegent writes. A logical subscriber gets no roles and no"
            " privileges: its server needs its own Regent. A role that replicates loses REPLICATION"
            " if it is declared without attributes.replication.",
            found,
            tuple(_plan_of(one) for one in sorted(roles)),
        )


def _who(facts: Facts, pattern: re.Pattern[str], name: str, sentence: str) -> Iterator[Finding]:
    sessions = [
        one for one in facts.sessions if pattern.search(one.application) or pattern.search(one.role)
    ]
    connected = {one.role for one in sessions}
    roles = [
        role.name
        for role in facts.server.roles.values()
        if role.login and role.name not in connected and pattern.search(role.name)
    ]
    if sessions or roles:
        families = family_roles(facts.server.roles)
        own = sorted({*connected, *roles}.difference(families))
        yield Finding(
            Severity.NOTE,
            name,
            sentence,
            (
                *(f"{one.application or 'a session'} as {one.role}" for one in sessions),
                *(f"role {one}" for one in sorted(roles)),
            ),
            tuple(map(_plan_of, own)),
        )


def _plan_of(role: str) -> Way:
    quoted = "'" + role.replace("'", "'\\''") + "'"
    return Way(f"postgregent plan DIR --role {quoted}")


def _event_triggers(facts: Facts) -> Iterator[Finding]:
    found = [
        (name, one)
        for name, database in facts.databases.items()
        for one in database.event_triggers
        if one.is_enabled
    ]
    ours = sorted({name for name, one in found if one.name in OURS})
    if ours:
        yield Finding(
            Severity.NOTE,
            "postgregent-is-here",
            "A Regent has already installed its event triggers in these databases.",
            tuple(ours),
            (Way("SELECT regent, role FROM postgregent.marks", "", facts.home),),
        )
    others = [(name, one) for name, one in found if one.name not in OURS]
    if others:
        yield Finding(
            Severity.NOTE,
            "event-triggers",
            "These also run for PostgRegent's statements. One that raises an error on GRANT, REVOKE"
            " or ALTER refuses PostgRegent's corrections.",
            tuple(f"{one.name} on {one.event} in {name}, of {one.owner}" for name, one in others),
            tuple(_shown(name, one.name) for name, one in others),
        )


def _shown(database: str, trigger: str) -> Way:
    """What it runs."""
    text = "SELECT pg_get_functiondef(evtfoid) FROM pg_event_trigger WHERE evtname = "
    return Way(f"{text}{quote_literal(trigger)};", database=database)
