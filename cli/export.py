"""`postgregent export`: an existing server as manifests that change nothing on it.

What is written was proved: the planner was asked what it would do with it. Whoever it would change
is left out and said, until nothing is planned but to mark the roles as adopted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cli.declared import Request, declare_tree
from cli.dsn import Dsn, parse_dsn
from cli.export_files import Layout, stream, text_of, write
from cli.printing import messages, results
from controller.local.directory import read_tree
from controller.local.files import Files, SourceFile
from regent.changes import AdoptRole
from regent.export import Asked, Exported, Read, Unsaid, export
from regent.export.names import slug
from regent.export.recovery import recovery
from regent.home.store import Home
from regent.inspect import Interest, inspect_database, inspect_server
from regent.inspect.holdings import Asked as HoldingsAsked
from regent.inspect.holdings import read_holdings
from regent.inspect.reading import read_parameters
from regent.kinds import CONTAINERS, LOCAL
from regent.observed import Observed
from regent.one_shot import OnceReport, plan_once
from regent.plan.describe import describe
from regent.plan.matching import is_system
from regent.server.connections import READ_SECONDS, Connections
from regent.settings import connector_of
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from shared.listing import first_of
from shared.patterns import escaped, matcher
from shared.printable import printable
from shared.resources import DEFAULT_NAMESPACE

MOST_SAID = 3
DONE = 0


class NotProvedError(PostgRegentError):
    """The manifests would change something that belongs to no role."""


class ManagedError(PostgRegentError):
    """A Regent manages already what would be exported."""


class StandbyError(PostgRegentError):
    """On a standby nobody can prove what a manifest would change."""


class NotReadError(PostgRegentError):
    """Something of the server could not be read, so nobody knows what is there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. `out` None is standard output."""

    dsn: str
    out: Path | None = None
    databases: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()
    ignore_roles: tuple[str, ...] = ()
    layout: Layout = "kind"
    is_wide: bool = False
    with_passwords: bool = False
    as_sql: bool = False
    name: str | None = None


async def run_export(wanted: Wanted) -> int:
    """Write it. Raises for a server that cannot be read and for a directory that is not empty."""
    dsn = parse_dsn(wanted.dsn, os.environ)
    if wanted.out is not None:
        _require_new(wanted.out)
    read, asked = await _read(dsn, wanted)
    if wanted.as_sql:
        lines = recovery(read.observed, with_passwords=wanted.with_passwords)
        text = "".join(f"{line}\n" for line in lines)
        if wanted.out is None:
            results().file.write(text)
        else:
            write(wanted.out, {"recovery.sql": text})
        return DONE
    if read.observed.server.is_in_recovery:
        raise StandbyError(
            f"{dsn.server.host}:{dsn.server.port} is in recovery, a standby: what its manifests"
            " would change is proved by a plan, and nothing can be planned there.",
            way_out="Name the primary in --dsn; --sql needs no plan.",
        )
    managed = await _managed_by(dsn, asked)
    read = replace(read, left_out={**read.left_out, **managed})
    found = await _proved(read, asked, wanted)
    if managed and not found.roles:
        first = sorted(managed)
        raise ManagedError(
            f"Nobody is left to export: {first_of(first, MOST_SAID)}: {managed[first[0]]}.",
            way_out="The manifests of that Regent say what they hold.",
        )
    title = f"Exported from {dsn.server.host}:{dsn.server.port}/{dsn.database} by postgregent."
    if wanted.out is None:
        results().file.write(stream(found, title))
    else:
        write(wanted.out, text_of(found, title, wanted.layout))
    _say(found, wanted)
    return DONE


async def _managed_by(dsn: Dsn, asked: Asked) -> dict[str, str]:
    """Whom another Regent of this server manages, and which: said once, before a plan is made."""
    ours = f"{DEFAULT_NAMESPACE}/{asked.regent}"
    remembered = await Home.find(connector_of(dsn.server), regent=ours)
    return {
        one.role: f"the Regent {one.regent} manages it"
        for one in (remembered.marks if remembered else ())
        if not one.released and one.regent != ours
    }


def _require_new(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PostgRegentError(
            f"{out} is there already and not an empty directory.",
            way_out="Name a new directory: what somebody wrote is never replaced.",
        )


async def _read(dsn: Dsn, wanted: Wanted) -> tuple[Read, Asked]:
    databases = tuple(dict.fromkeys((dsn.database, *wanted.databases)))
    connections = Connections(connector_of(dsn.server))
    try:
        observed = await _observed(connections, databases, ())
        ignored = _other_schemas(observed, wanted.schemas)
        if ignored:
            observed = await _observed(connections, databases, ignored)
        names = frozenset(observed.server.roles)
        holdings = await read_holdings(
            connections, dsn.database, databases, HoldingsAsked(names, (), ignored)
        )
        parameters = await read_parameters(connections, dsn.database)
    finally:
        await connections.close()
    asked = Asked(
        regent=wanted.name or slug(dsn.database),
        host=dsn.server.host,
        port=dsn.server.port,
        tls_mode=dsn.server.tls_mode,
        roles=wanted.roles,
        ignore_roles=wanted.ignore_roles,
        ignore_schemas=ignored,
        is_wide=wanted.is_wide,
        with_passwords=wanted.with_passwords,
    )
    return Read(observed, frozenset(holdings), parameters.ordinary), asked


async def _observed(
    connections: Connections, databases: Sequence[str], ignored: tuple[str, ...]
) -> Observed:
    async with connections.use(databases[0], seconds=READ_SECONDS) as connection:
        server = await inspect_server(connection, databases=databases)
    interest = Interest(
        roles=frozenset(server.roles),
        ignore_schemas=ignored,
        kinds=frozenset(row.kind for row in LOCAL),
        with_public=True,
    )
    found = {}
    for database in databases:
        async with connections.use(database, seconds=READ_SECONDS) as connection:
            found[database] = await inspect_database(connection, interest)
    return Observed(server, found)


def _other_schemas(observed: Observed, schemas: tuple[str, ...]) -> tuple[str, ...]:
    """Those that were not asked for; without patterns all are."""
    if not schemas:
        return ()
    is_asked = matcher(schemas)
    there = {
        name
        for reading in observed.databases.values()
        for group in reading.groups
        if group.kind is CONTAINERS.kind
        for name in group.names
    }
    return tuple(escaped(n) for n in sorted(there) if not is_asked(n) and not is_system(n))


async def _proved(read: Read, asked: Asked, wanted: Wanted) -> Exported:
    """What the planner leaves as it is. Each round leaves somebody out, so it ends."""
    while True:
        found = export(read, asked)
        report = await _planned(found, wanted)
        faults = _faults(found, report)
        if not faults:
            return found
        roles = {found.roles[key]: why for key, why in faults.items() if key in found.roles}
        if found.public & faults.keys() and not roles:
            why = next(iter(faults.values()))
            read = replace(read, is_public_left_out=why)
        elif roles:
            read = replace(read, left_out={**read.left_out, **roles})
        else:
            named = first_of(list(faults.values()), MOST_SAID)
            raise NotProvedError(
                f"The manifests would change something: {named.removesuffix('.')}.",
                way_out="Please report this. Narrow what is exported by --roles or --schemas.",
            )


async def _planned(found: Exported, wanted: Wanted) -> OnceReport:
    content = stream(found, "").encode()
    tree = read_tree(Files((SourceFile("export.yaml", content),), ()))
    declared = await declare_tree(tree, Request(Path(), wanted.dsn))
    remembered = declared.home.remembered if declared.home else None
    accepted = remembered.accepted if remembered else None
    if accepted is not None and accepted.state.resources:
        raise ManagedError(
            f"The Regent {declared.settings.regent} manages this database already.",
            way_out="Its manifests say what it holds; or give --name for another Regent.",
        )
    report = await plan_once(declared.settings, declared.state, declared.home)
    if report.unread:
        said = "; ".join(f"{name}: {why}" for name, why in report.unread.items())
        raise NotReadError(f"Not everything could be read: {said}.")
    return report


def _faults(found: Exported, report: OnceReport) -> dict[ResourceKey, str]:
    """Who is refused; else whom the plan would change, and what it would do; else who waits.

    The first of these alone: what follows from it is gone when they are left out.
    """
    refused: dict[ResourceKey, str] = {}
    waiting: dict[ResourceKey, str] = {}
    for outcome in report.outcomes:
        if outcome.reason in FOLLOWS:
            waiting[ResourceKey.parse(outcome.resource)] = outcome.message
        elif outcome.state == "Stalled":
            refused[ResourceKey.parse(outcome.resource)] = outcome.message
    return refused or _changed(found, report) or waiting


def _changed(found: Exported, report: OnceReport) -> dict[ResourceKey, str]:
    changed: dict[ResourceKey, str] = {}
    for change in (*report.plan.changes, *report.waiting):
        if isinstance(change, AdoptRole):
            continue
        why = f"its manifest would {describe(change)}"
        for key in [*change.causes, *_keys_of(found, change.about)] or [NOBODYS]:
            changed.setdefault(key, why)
    return changed


NOBODYS = ResourceKey("Regent", "", "")
FOLLOWS = frozenset({"RoleNotFound", "PermissionNotFound", "RoleNotReady"})
"""Reasons of who waits for another one."""


def _keys_of(found: Exported, roles: Iterable[str | None]) -> list[ResourceKey]:
    wanted = set(roles)
    return [key for key, role in found.roles.items() if role in wanted]


def _say(found: Exported, wanted: Wanted) -> None:
    """On standard error: how much it is, what is missing, and what comes next."""
    console = messages()
    users = sum(one["kind"] == "User" for one in found.grantees)
    roles = len(found.grantees) - users
    console.print(
        f"{len(found.permissions)} Permissions, {roles} Roles, {users} Users, 1 Regent."
        " Their plan adopts roles and changes nothing else.",
        markup=False,
    )
    alike: dict[str, list[Unsaid]] = {}
    for one in found.unsaid:
        alike.setdefault(one.why, []).append(one)
    for some in alike.values():
        console.print(_line(some), markup=False)
    if wanted.out is not None:
        console.print(
            f"Next: postgregent plan {wanted.out} --dsn …, then apply. What is not declared stands"
            " in regent.yaml, with its SQL.",
            markup=False,
        )


def _line(alike: Sequence[Unsaid]) -> str:
    named = first_of([one.what for one in alike], MOST_SAID)
    return printable(f"not declared  {named}: {alike[0].why}")
