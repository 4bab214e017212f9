"""What thousands of roles, memberships and resources cost one look, in seconds of the processor.

Without a server: all of it is on the event loop of a Regent, which can do nothing else meanwhile.
Each line is what an author of resources, or whoever has CREATEROLE, can make.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from time import process_time
from typing import Any

from regent.desired import DeclaredGrant, Desired
from regent.holdings import Holding, How
from regent.observed import (
    ObjectGroup,
    Observed,
    ObservedDatabase,
    ObservedMembership,
    ObservedServer,
)
from regent.plan import plan
from regent.plan.unmatched import unmatched
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from shared.state import DesiredState
from tests.declared import NOON, accepted, mark, resolved, role, server, state

Resources = Mapping[str, Mapping[str, Any]]
LATER = NOON + timedelta(seconds=5)


def pushed(users: Resources, revision: int = 1) -> DesiredState:
    """These Users, by name."""
    entries = {
        f"User/default/{name}": {
            "kind": "User",
            "generation": 1,
            "spec": {"database": "mydb", **spec},
        }
        for name, spec in users.items()
    }
    whole = state("", revision=revision).model_dump(mode="json", by_alias=True)
    return DesiredState.model_validate({**whole, "resources": entries})


def on(names: list[str], members: list[ObservedMembership]) -> ObservedServer:
    """A server with roles of these names."""
    roles = (role(name, oid=1_000 + at, login=True) for at, name in enumerate(names))
    return replace(server(*roles), memberships=tuple(members))


def mutual(count: int) -> Callable[[], object]:
    """Strangers who gave each other one group, each to all that came later."""
    names = [f"r{n}" for n in range(count)]
    rows = [ObservedMembership("g", names[0], "postgres", admin=True)]
    rows += [
        ObservedMembership("g", later, giver, admin=True)
        for at, giver in enumerate(names)
        for later in names[at + 1 :]
    ]
    there = Observed(on([*names, "g"], rows))
    return lambda: plan(Desired(), there)


def adopted(count: int) -> Callable[[], object]:
    """Half of them own something, and are refused."""
    names = [f"{'ab'[n % 2]}{n:05}" for n in range(count)]
    rows = [ObservedMembership("team", name, "my-admin", admin=False) for name in names]
    owned = (Holding(How.OWNER, "pg_namespace", 1, "mydb"),)
    there = replace(on([*names, "team"], rows), holdings=dict.fromkeys(names[1::2], owned))
    what = accepted(pushed({name: {"adopt": True} for name in names}))
    return lambda: resolved(what, on=there)


def settled(count: int) -> Callable[[], object]:
    """Nothing is to do."""
    names = [f"u{n:05}" for n in range(count)]
    marks = tuple(mark(n, f"User/{n}", oid=1_000 + at) for at, n in enumerate(names))
    what, there = accepted(pushed({name: {} for name in names})), on(names, [])
    return lambda: resolved(what, marks=marks, on=there)


def renamed(count: int) -> Callable[[], object]:
    """All get other names in one push."""
    names = [f"u{n:05}" for n in range(count)]
    marks = tuple(mark(n, f"User/{n}", oid=1_000 + at) for at, n in enumerate(names))
    before = accepted(pushed({name: {} for name in names}))
    after = accepted(pushed({f"v{name}": {} for name in names}, 2), before, LATER)
    there = on(names, [])
    return lambda: resolved(after, marks=marks, on=there, now=LATER)


def waiting(count: int) -> Callable[[], object]:
    """Each lists a Role that was never there."""
    what = accepted(pushed({f"u{n}": {"roles": [f"team-{n}"]} for n in range(count)}))
    return lambda: resolved(what)


def wrong(count: int) -> Callable[[], object]:
    """One Permission with so many tables that are not there, beside 10,000 that are."""
    names = tuple(f"table_{n:05}" for n in range(10_000))
    groups = (
        ObjectGroup(ObjectKind.SCHEMA, None, "o", (), ("app",), (1,)),
        ObjectGroup(ObjectKind.TABLE, "app", "o", (), names, tuple(range(100, 10_100)), "r"),
    )
    declared = DeclaredGrant(
        permission=ResourceKey("Permission", "default", "p"),
        kind=ObjectKind.TABLE,
        grantees=("reader",),
        privileges=frozenset({"SELECT"}),
        schemas=("app",),
        names=tuple(f"tabel_{n:05}" for n in range(count)),
    )
    there = Observed(server(), {"mydb": ObservedDatabase("mydb", groups)})
    return lambda: unmatched(Desired(grants={"mydb": (declared,)}), there)


CASES: tuple[tuple[str, Callable[[int], Callable[[], object]], tuple[int, ...]], ...] = (
    ("strangers who gave each other a group", mutual, (20, 40)),
    ("adopted, half of them refused", adopted, (200, 4_000)),
    ("Users, settled", settled, (5_000,)),
    ("Users renamed in one push", renamed, (400, 5_000)),
    ("Users that wait for a Role", waiting, (500, 5_000)),
    ("names in a Permission that are not there", wrong, (500, 2_000)),
)


def main() -> None:
    """One line each."""
    for what, made, counts in CASES:
        for count in counts:
            work = made(count)
            began = process_time()
            work()
            print(f"{what}: {count:,}: {process_time() - began:.2f} s", flush=True)
