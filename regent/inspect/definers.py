"""Code that roles were let run as others: what a group leads to beside memberships.

That is SECURITY DEFINER routines, and what REFERENCES and TRIGGER on a table lead to (ADR 48).

Asked only where somebody may join a group by a pattern, or from another namespace (rule 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from regent.observed import Definer
from regent.server.connections import READ_SECONDS, Connections
from regent.server.lenient_text import is_legible, shown
from regent.server.trouble import TROUBLE, heed_cancellation
from shared.state import DesiredState
from sql import load


def are_asked(state: DesiredState) -> bool:
    """Whether a group is named whose members the Regent's editor may not have thought of."""
    allow = state.regent.spec.allow
    is_bounded = state.regent.namespaces or (allow and allow.member_of)
    return bool(is_bounded) and any(
        entry.kind != "Permission" and entry.spec.member_of for entry in state.resources.values()
    )


async def read_definers(
    connections: Connections, served: Iterable[str]
) -> Mapping[str, tuple[Definer, ...]]:
    """By role, in each served database; one that gives no answer has told why to who reads it."""
    found: dict[str, list[Definer]] = {}
    for database in served:
        try:
            async with connections.use(database, seconds=READ_SECONDS) as connection:
                rows = await connection.fetch(load("inspect/definers"))
        except TROUBLE:
            heed_cancellation()
            continue
        for row in rows:
            if is_legible(row["grantee"]) and is_legible(row["owner"]):
                what = f"{shown(row['what'])} in {shown(database)}"
                found.setdefault(row["grantee"], []).append(Definer(row["owner"], what))
    return {role: tuple(one) for role, one in found.items()}
