"""`postgregent why` and `who-can`: by which chain a role has a privilege, and who has it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg

from cli.declared import Request, declare
from cli.dsn import needed_dsn
from cli.printing import Output, print_data, results
from cli.why_page import Where, WhyPage, document, who_sheet, why_sheet
from regent.observed import ObservedRole
from regent.one_shot import desired_once
from regent.settings import connector_of
from regent.why.chains import Chain, How
from regent.why.reading import Answered, RowSecurity, read, read_row_security
from shared.errors import PostgRegentError
from shared.listing import first_of
from shared.problems import nearest

MAY, MAY_NOT = 0, 2
SHOWN = 5
EVERYBODYS = "Anybody may SET it for a session: no privilege is needed for that."


class UnknownRoleError(PostgRegentError):
    """There is no such role on the server."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to know, and where."""

    privilege: str
    text: str
    directory: Path | None = None
    dsn: str | None = None
    database: str | None = None
    regent: str | None = None
    secrets_from_env: bool = False


async def run_why(asked: Asked, role: str, output: Output) -> int:
    """Print every chain. 0: the role has the privilege at once. 2: it has not."""
    began = perf_counter()
    async with _entered(asked) as (connection, where):
        answer = await read(connection, where.database, asked.privilege, asked.text)
        found = answer.chains.server.roles.get(role)
        if found is None:
            near = nearest(role, answer.chains.server.roles)
            meant = f"Did you mean {near}? " if near else ""
            raise UnknownRoleError(
                f"There is no role {role!r} on {where.server.host}.",
                way_out=f"{meant}Name it as PostgreSQL does: userName or roleName, where one is"
                " given. What everybody has is in the chains of each role.",
            )
        chains = answer.chains.of(role)
        security = None
        if chains and answer.target.oid:
            security = await read_row_security(
                connection, answer.target, chains[0].user, answer.chains.privilege
            )
    may = bool(chains) and chains[0].is_at_once
    notes = tuple(_notes(found, answer, chains, security))
    page = WhyPage(where, answer, chains, notes)
    if output == "table":
        why_sheet(page, found, may=may).write(results())
    else:
        _print(document(page, [(found, chains)]), output, began)
    return MAY if may else MAY_NOT


async def run_who_can(asked: Asked, output: Output, *, everybody: bool) -> int:
    """Print who has it, and the shortest chain of each. Without `everybody`, who may log in."""
    began = perf_counter()
    async with _entered(asked) as (connection, where):
        answer = await read(connection, where.database, asked.privilege, asked.text)
    roles = answer.chains.server.roles
    found = answer.chains.best()
    best = [one for one in found if everybody or roles[one.role].login]
    hidden = len(found) - len(best)
    page = WhyPage(where, answer, best, tuple(_of_all(answer, found)))
    if output == "table":
        who_sheet(page, hidden).write(results())
    else:
        holders = [(roles[one.role], (one,)) for one in best]
        _print(document(page, holders), output, began)
    return MAY


@asynccontextmanager
async def _entered(asked: Asked) -> AsyncIterator[tuple[asyncpg.Connection, Where]]:
    where = await _where(asked)
    connection = await connector_of(where.server).connect(where.database, purpose="why")
    try:
        yield connection, where
    finally:
        await connection.close()


async def _where(asked: Asked) -> Where:
    if asked.directory is None:
        dsn = needed_dsn(asked.dsn, os.environ, to="ask")
        return Where(dsn.server, asked.database or dsn.database)
    request = Request(asked.directory, asked.dsn, asked.regent, asked.secrets_from_env)
    declared = await declare(request)
    settings = declared.settings
    desired = await desired_once(settings, declared.state, declared.home)
    where = Where(settings.server, settings.databases[0], declared, desired)
    return replace(where, database=asked.database) if asked.database else where


def _notes(
    role: ObservedRole, answer: Answered, chains: Sequence[Chain], security: RowSecurity | None
) -> Iterable[str]:
    yield from _left_out(answer)
    is_at_once = bool(chains) and chains[0].is_at_once
    if not is_at_once and (columns := answer.columns_of(role.name)):
        yield f"{role.name} has it on these columns: {', '.join(columns)}."
    for lack in answer.lacks(chains[0].user) if chains else ():
        yield f"{chains[0].user} has no {lack}: without it this is of no use."
    if not role.login:
        yield f"{role.name} may not log in; its members use what it has."
    elif role.has_expired:
        yield f"{role.name} cannot log in with a password: its VALID UNTIL is over."
    yield from _later(role.name, answer)
    if security is not None:
        named = ", ".join(security.policies)
        yield (
            f"Row security narrows it to the rows of: {named}."
            if named
            else "Row security is on and no policy speaks to it: it sees and writes no row."
        )
    owner = answer.target.owner
    if not is_at_once and owner == role.name:
        yield f"{role.name} is its owner, and can give it to itself."


def _later(role: str, answer: Answered) -> Iterable[str]:
    """By default privileges, whatever it has on this one."""
    for new in answer.later:
        for chain in new.of(role):
            if chain.source.how is How.GRANT and chain.is_at_once:
                groups = "".join(f" → {link.group}" for link in chain.links)
                public = " through PUBLIC" if chain.source.principal is None else ""
                yield (
                    f"On {new.target.name} it will have it by default privileges: {role}{groups}"
                    f"{public}."
                )


def _left_out(answer: Answered) -> Iterable[str]:
    if answer.is_everybodys:
        yield EVERYBODYS
    if answer.illegible:
        yield f"Left out, as the name is not UTF-8: {first_of(answer.illegible, SHOWN)}."


def _of_all(answer: Answered, found: Iterable[Chain]) -> Iterable[str]:
    yield from _left_out(answer)
    best = {one.role for one in found if one.is_at_once}
    some = [role for role in answer.chains.server.roles if role not in best]
    for new in answer.later:
        by_grant = (one for one in new.best() if one.source.how is How.GRANT and one.is_at_once)
        if having := sorted({one.role for one in by_grant}):
            said = first_of(having, SHOWN)
            yield f"On {new.target.name} it will be had, by default privileges, by: {said}."
    if partly := [role for role in some if answer.columns_of(role)]:
        yield f"On some columns alone: {first_of(sorted(partly), SHOWN)}."


def _print(data: dict[str, Any], output: Output, began: float) -> None:
    print_data(results(), data | {"seconds": round(perf_counter() - began, 3)}, output)
