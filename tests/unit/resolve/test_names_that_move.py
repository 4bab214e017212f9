"""Whatever names are given up and taken: each mark is somebody's, and nobody else keeps LOGIN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regent.accept.merge import accept, without_ended
from regent.changes import CreateRole, RenameRole
from regent.passes.look import Looked, Memory, compared
from regent.plan.matching import Compilations
from regent.remembered import AcceptedState, BrakeMemory
from regent.resolve import Situation, resolve
from shared import scram
from shared.state import etag
from tests.declared import NOON, REGENT, state
from tests.unit.gate.catalog import Catalog

WILD = "wild"
NAMES = ("aa", "bb", "cc", "dd", "g", WILD)
"""One of them is a role that nobody manages, and that may log in."""
USERS = ("u0", "u1", "u2", "u3")
ROLES = ("r0", "r1")
VERIFIERS = {user: scram.build(f"of {user}", iterations=4096).value for user in USERS}
MOST_PASSES = 4


@dataclass(frozen=True)
class Spec:
    """What one resource says; `joins` are the Roles that it lists."""

    name: str
    enabled: bool = True
    joins: frozenset[str] = frozenset()


Push = Mapping[str, Spec]
names = st.sampled_from(NAMES)
pushes = st.fixed_dictionaries(
    {},
    optional={
        **{f"Role/{one}": st.builds(Spec, names) for one in ROLES},
        **{
            f"User/{one}": st.builds(
                Spec, names, st.integers(0, 3).map(bool), st.frozensets(st.sampled_from(ROLES))
            )
            for one in USERS
        },
    },
)


def declared(push: Push, revision: int, previous: AcceptedState | None) -> AcceptedState:
    """The push as it is accepted."""
    lines, passwords = ["Role/unlisted: {database: mydb}"], {}
    for key, spec in push.items():
        kind, _, name = key.partition("/")
        if kind == "Role":
            lines.append(f"{key}: {{database: mydb, roleName: {spec.name}}}")
            continue
        roles = ", ".join(sorted(one for one in spec.joins if f"Role/{one}" in push))
        more = "" if spec.enabled else ", enabled: false"
        lines.append(
            f"{key}: {{database: mydb, userName: {spec.name}, roles: [{roles}]{more},"
            " passwordSecretRef: {name: s, key: k}}"
        )
        passwords[key] = {"verifier": VERIFIERS[name]}
    off = {"brake": {"mode": "Disabled"}}
    pushed = state("\n".join(lines), passwords=passwords, revision=revision, regent=off)
    return accept(previous, pushed, etag(pushed), NOON)


def look(accepted: AcceptedState, catalog: Catalog, brake: BrakeMemory | None = None) -> Looked:
    """One look, as a pass has it."""
    observed = catalog.observe(frozenset())
    situation = Situation(
        accepted=accepted,
        marks=tuple(catalog.marks.values()),
        server=observed.server,
        regent=REGENT,
        served=("mydb",),
        now=NOON,
    )
    memory = Memory(brake=brake or BrakeMemory())
    return compared(situation, resolve(situation), observed, {}, memory, Compilations())


def each_mark_is_somebodys(seen: Looked, catalog: Catalog) -> None:
    """Claimed, renamed, handed over or ended; else its holder says what is wrong."""
    desired, outcomes = seen.resolution.desired, seen.resolution.outcomes
    claimed = [role.marked_as for role in desired.roles.values() if role.marked_as]
    assert len(claimed) == len(set(claimed))
    ending = {one.marked_as for one in desired.endings}
    for mark in catalog.marks.values():
        if not mark.released and mark.role not in {*claimed, *ending}:
            assert outcomes[str(mark.holder)].reason != "Applying", mark


def settle(accepted: AcceptedState, catalog: Catalog) -> tuple[AcceptedState, Looked]:
    """Passes until nothing is left to do."""
    for _ in range(MOST_PASSES):
        seen = look(accepted, catalog)
        each_mark_is_somebodys(seen, catalog)
        if not seen.verdict.plan.changes:
            return accepted, seen
        for change in seen.verdict.plan.changes:
            if isinstance(change, RenameRole):
                assert change.new_name not in catalog.roles, change
            if isinstance(change, CreateRole):
                assert change.role not in catalog.roles, change
            catalog.apply(change)
        holders = {str(mark.holder) for mark in catalog.marks.values() if not mark.released}
        accepted = without_ended(accepted, holders)
    raise AssertionError("it does not settle")


@pytest.mark.rule("7", "18", "27")
@pytest.mark.found("E153", "E154", "E155")
@given(history=st.lists(pushes, min_size=2, max_size=4))
@settings(max_examples=80, deadline=None)
def test_nobody_keeps_login_who_is_not_declared_whatever_names_move(history: list[Push]) -> None:
    catalog, accepted = Catalog(), None
    catalog.add(WILD, login=True)
    for revision, push in enumerate(history, 1):
        accepted, seen = settle(declared(push, revision, accepted), catalog)
        desired = seen.resolution.desired
        for name, role in catalog.roles.items():
            assert role.login == (name == WILD or desired.roles[name].login), name
        for mark in catalog.marks.values():
            assert catalog.roles[mark.role].oid == mark.role_oid, mark
        for key, spec in push.items():
            said = seen.resolution.outcomes[f"{key.replace('/', '/default/')}"]
            mine = [
                role
                for role in desired.roles.values()
                if said.resource in map(str, role.declared_by)
            ]
            marked = {str(mark.holder) for mark in catalog.marks.values() if not mark.released}
            if said.reason == "Applying":
                assert [role.name for role in mine] == [spec.name]
            elif said.resource in marked:
                assert len(mine) == 1, "it keeps the role that it has"
            if key.startswith("User/"):
                assert all(role.login == spec.enabled for role in mine)


@pytest.mark.rule("8", "18")
@pytest.mark.found("E229")
@given(before=pushes, after=pushes)
@settings(max_examples=80, deadline=None)
def test_whoever_is_declared_again_after_a_release_has_its_role_whatever_it_is_called(
    before: Push, after: Push
) -> None:
    """As when a Regent is uninstalled, or made anew, and names changed meanwhile."""
    catalog = Catalog()
    catalog.add(WILD, login=True)
    settle(declared(before, 1, None), catalog)
    catalog.marks = {name: replace(mark, released=True) for name, mark in catalog.marks.items()}
    gone = {
        mark.role
        for mark in catalog.marks.values()
        if str(mark.holder).replace("/default", "") not in after
    }
    _, seen = settle(declared(after, 2, None), catalog)
    desired = seen.resolution.desired
    for name, role in catalog.roles.items():
        if name == WILD or name in gone:
            continue
        assert role.login == (name in desired.roles and desired.roles[name].login), name


@pytest.mark.rule("20")
@pytest.mark.found("E154")
def test_the_brake_counts_a_role_that_its_resource_leaves() -> None:
    catalog = Catalog()
    role = {"Role/r0": Spec("g")}
    first, _ = settle(declared({"User/u0": Spec("aa"), **role}, 1, None), catalog)
    joined = {"User/u0": Spec("g", joins=frozenset({"r0"})), **role}
    seen = look(declared(joined, 2, first), catalog, BrakeMemory(baseline=first))
    assert {(one.role, one.privilege) for one in seen.verdict.let_through} == {
        ("aa", "EXISTS"),
        ("aa", "LOGIN"),
    }
