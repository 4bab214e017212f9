"""An existing server's thousands of roles are adopted, or refused, for what each of them costs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from regent.holdings import Holding, How
from regent.observed import (
    AclItem,
    ObjectGroup,
    ObservedMembership,
    ObservedRole,
    ObservedServer,
)
from regent.resolve import Situation
from regent.standing import Standing
from shared.privileges import ObjectKind
from tests.declared import NOON, REGENT, accepted, mark, resolved, role, server, state

OWNS = (Holding(How.OWNER, "pg_namespace", 1, "mydb"),)
CHAIN = 3_000


def on(*roles: ObservedRole, members: tuple[tuple[str, str], ...] = ()) -> ObservedServer:
    """A server with these roles and (group, member) pairs."""
    rows = tuple(ObservedMembership(g, m, "my-admin", admin=False) for g, m in members)
    return replace(server(*roles), memberships=rows)


@pytest.mark.found("E112")
@pytest.mark.rule("10")
def test_a_thousand_are_adopted_beside_a_thousand_that_are_refused() -> None:
    good, bad = [f"a{n:04}" for n in range(1_000)], [f"b{n:04}" for n in range(1_000)]
    roles = [role(name, oid=1_000 + at, login=True) for at, name in enumerate((*good, *bad))]
    members = tuple(("team", name) for name in (*good, *bad))
    server_ = replace(on(*roles, role("team"), members=members), holdings=dict.fromkeys(bad, OWNS))
    users = "\n".join(f"User/{name}: {{database: mydb, adopt: true}}" for name in (*good, *bad))
    found = resolved(users, on=server_)
    assert found.desired.adopted == {*good}
    assert {found.found.troubles[f"User/default/{name}"][0] for name in bad} == {"ExistsUnmanaged"}
    assert len(found.found.troubles) == len(bad)


@pytest.mark.found("E112")
@pytest.mark.rule("10")
def test_a_thousand_that_count_on_each_other_are_refused_one_after_the_other() -> None:
    """Each stays in the one before, which was to be adopted too, and reaches CREATEROLE by that."""
    names = [f"r{n:04}" for n in reversed(range(1_000))]
    pairs = tuple(pairwise(names))
    roles = [role(name, oid=1_000 + at) for at, name in enumerate(names[1:], 1)]
    first = role(names[0], oid=1_000, createrole=True)
    server_ = replace(on(first, *roles, members=pairs), holdings={names[0]: OWNS})
    text = f"Role/{names[0]}: {{database: mydb, adopt: true}}\n" + "\n".join(
        f"Role/{member}: {{database: mydb, adopt: true, memberOf: [{{role: {group}}}]}}"
        for group, member in pairs
    )
    found = resolved(text, on=server_)
    assert found.desired.adopted == frozenset()
    assert found.desired.undecided == frozenset()
    for group, member in pairs:
        reason, message = found.found.troubles[f"Role/default/{member}"]
        assert reason == "NotAllowed"
        assert f"is a member of {group!r}, stays one, and reaches createrole" in message


@pytest.mark.found("E171")
@pytest.mark.rule("10", "12")
def test_nobody_is_adopted_who_stays_in_a_group_with_privileges_that_are_powers() -> None:
    """The twin: where `allow` lets somebody declare the same, it is no reason."""
    acl = (AclItem("g", "admin", frozenset({"ALTER SYSTEM"})),)
    group = ObjectGroup(ObjectKind.PARAMETER, None, "admin", acl, ("archive_command",), (1,))
    strong = on(role("g", oid=1_000), role("r", oid=1_001), members=(("g", "r"),))
    strong = replace(strong, shared=(group,), holdings={"g": OWNS})
    text = "".join(
        f"Role/{line}, adopt: true}}\n"
        for line in ("g: {database: mydb", "r: {database: mydb, memberOf: [{role: g}]")
    )
    reason, message = resolved(text, on=strong).found.troubles["Role/default/r"]
    assert reason == "NotAllowed"
    assert "reaches ALTER SYSTEM on parameter archive_command by that" in message
    assert "archive_command to spec.allow.parameters of the Regent, and ALTER SYSTEM to" in message
    allow = {"allow": {"parameters": ["archive_command"], "actions": ["ALTER SYSTEM"]}}
    assert "r" in resolved(state(text, regent=allow), on=strong).desired.adopted


@pytest.mark.found("E112")
def test_a_thousand_are_renamed_beside_a_thousand_whose_former_names_are_still_listed() -> None:
    count = 1_000
    marks = tuple(mark(f"old{n}", f"Role/r{n}", oid=1_000 + n) for n in range(count))
    roles = [role(f"old{n}", oid=1_000 + n) for n in range(count)]
    text = "\n".join(
        f"Role/r{n}: {{database: mydb, roleName: new{n}}}\n"
        + (f"User/u{n}: {{database: mydb, memberOf: [{{role: old{n}}}]}}" if n % 2 else "")
        for n in range(count)
    )
    found = resolved(text, on=on(*roles), marks=marks)
    renamed = {role.name for role in found.desired.roles.values() if role.renamed_from}
    assert renamed == {f"new{n}" for n in range(0, count, 2)}
    assert found.found.troubles["Role/default/r1"][0] == "NameConflict"


@pytest.mark.found("E112")
def test_a_chain_of_thousands_is_walked_once_however_the_catalog_lists_it() -> None:
    names = [f"r{n:04}" for n in range(CHAIN)]
    pairs = tuple(pairwise(names))
    strong = role(names[0], createrole=True)
    for members in (pairs, pairs[::-1]):
        found = Standing.of(on(strong, *map(role, names[1:]), members=members))
        assert found.powerful >= {*names}
        assert found.powers[names[-1]] == {"createrole"}


@pytest.mark.found("E112")
def test_what_is_of_the_server_alone_is_reckoned_once_for_a_moment() -> None:
    """The brake asks for the same moment with up to seventeen other states."""
    first = accepted("User/ann: {database: mydb}")
    here = Situation(first, (), server(), REGENT, ("mydb",), NOON)
    there = here.at(accepted("User/bob: {database: mydb}", first))
    assert there.standing is here.standing
    assert there.marked is here.marked
