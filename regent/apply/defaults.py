"""Default privileges, one statement a transaction: the row of one creator, schema and kind."""

from __future__ import annotations

import asyncpg

from regent.apply.means import Means
from regent.apply.render import render
from regent.apply.result import StepRefusedError, message, way_out
from regent.apply.transaction import patiently, run
from regent.changes import DefaultsChange
from regent.observed import ObservedServer
from shared.memberships import with_options
from shared.names import quote_ident

"""From then on a membership may be without the group's rights."""


class NotTheCreatorsRightsError(StepRefusedError):
    """Only who has the creator's rights may say what its new objects give."""

    sqlstate = "42501"
    is_helped = True


async def alter_defaults(means: Means, change: DefaultsChange) -> None:
    """Raises NotTheCreatorsRightsError with the statement that gives the admin these rights."""
    statements = [one.sql for one in render(change, major=means.server.major)]

    async def once() -> None:
        means.before_write()
        async with means.connections.use(change.database) as connection:
            await run(connection, statements, patience=means.patience)

    try:
        await patiently(once, patience=means.patience)
    except asyncpg.InsufficientPrivilegeError as error:
        said = f"{message(error)}.{_what_helps(change.creator, means.server)}"
        raise NotTheCreatorsRightsError(
            said, way_out=way_out(NotTheCreatorsRightsError.sqlstate, change)
        ) from error


def _what_helps(creator: str, server: ObservedServer) -> str:
    """Nobody is told to make the admin a superuser in all but name."""
    observed = server.roles.get(creator)
    if observed is None or observed.attributes.superuser:
        return ""
    options = with_options(server.major)
    return f" Run GRANT {quote_ident(creator)} TO {quote_ident(server.admin)}{options};"
