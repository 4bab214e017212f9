"""Who gave the rows of one group: whose rows fall with a grantor, and which go first. Pure.

Whoever has ADMIN over a group can make as many rows as the server has roles, and chains of grantors
as long: so each row is looked at a few times, and nothing here calls itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter

from regent.observed import ObservedMembership

Row = ObservedMembership
Kept = Mapping[int, Row | None]
"""What stays of a row, by its id."""


def orphans(rows: Sequence[Row], kept: Kept, declared: Set[str]) -> list[Row]:
    """Rows whose grantor loses the ADMIN option by which it gave them, and theirs in turn.

    `declared` are those who shall have the option, whatever becomes of their rows.
    """
    by_grantor: dict[str, list[Row]] = {}
    for row in rows:
        by_grantor.setdefault(row.grantor, []).append(row)
    having = (kept[id(row)] for row in rows)
    options = Counter(one.member for one in having if one is not None and one.admin)
    had = {row.member for row in rows if row.admin}
    losing = sorted(had - declared - options.keys())
    found: list[Row] = []
    while losing:
        for row in by_grantor.pop(losing.pop(), ()):
            found.append(row)
            stays = kept[id(row)]
            if stays is None or not stays.admin:
                continue
            options[row.member] -= 1
            if not options[row.member] and row.member not in declared:
                losing.append(row.member)
    return found


def irreplaceable(rows: Iterable[Row], our_grantor: str, as_whom: Set[str] | None) -> Set[str]:
    """Grantors of a group whose rows no GRANT of ours stands in for.

    An admin without the ADMIN option of its own gives as one of these `as_whom` it has it: what we
    gave again would be the grantor's very row, and go with it. None: a superuser, who gives as
    himself.

    https://www.postgresql.org/docs/16/sql-grant.html, GRANTED BY.
    """
    if as_whom is None or any(row.member == our_grantor and row.admin for row in rows):
        return frozenset()
    return as_whom


def along(
    rows: Sequence[Row], going: Iterable[Row], kept: Kept, declared: Set[str], ours: Container[str]
) -> Mapping[int, Sequence[Row]]:
    """By the id of a row that goes, the rows that can only go along with it, by CASCADE.

    `ours` are the grantors as whom we may revoke. What others gave is nobody's to revoke but theirs
    and a superuser's; it falls with the last ADMIN option of its grantor. `declared` keep theirs.
    """
    going = tuple(going)
    by_grantor: dict[str, list[Row]] = {}
    for row in going:
        if row.grantor not in ours:
            by_grantor.setdefault(row.grantor, []).append(row)
    options = Counter(row.member for row in rows if row.admin)
    found: dict[int, Sequence[Row]] = {}
    for root in going:
        stays = kept[id(root)]
        if root.grantor not in ours or not root.admin or (stays is not None and stays.admin):
            continue
        fallen: list[Row] = []
        losing = [root.member]
        while losing:
            member = losing.pop()
            options[member] -= 1
            if options[member] or member in declared:
                continue
            dependents = by_grantor.pop(member, ())
            fallen += dependents
            losing += (row.member for row in dependents if row.admin)
        if fallen:
            found[id(root)] = fallen
    return found


def leaves_first(rows: Iterable[Row], going: Iterable[Row]) -> list[Row]:
    """Those that go, before the rows of their grantors: without CASCADE the server wants it so."""
    depths = _depths(rows)
    return sorted(going, key=lambda row: (-depths.get(row.grantor, 1), row.member, row.grantor))


def _depths(rows: Iterable[Row]) -> Mapping[str, int]:
    """How many grantors stand above each at most.

    From 16 on the server lets nobody give ADMIN back to his grantor. Before that there may be
    rings, and no row depends on another: whoever is in a ring, or below one, is not in it.
    """
    grantors: dict[str, set[str]] = {}
    for row in rows:
        if row.grantor != row.member:
            grantors.setdefault(row.member, set()).add(row.grantor)
    sorter = TopologicalSorter(grantors)
    with suppress(CycleError):
        sorter.prepare()
    depths: dict[str, int] = {}
    while ready := sorter.get_ready():
        for name in ready:
            depths[name] = 1 + max((depths[one] for one in grantors.get(name, ())), default=0)
        sorter.done(*ready)
    return depths
