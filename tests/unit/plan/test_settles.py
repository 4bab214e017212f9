"""Properties of every plan: it can be executed in its order, it settles, nobody is cut short."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regent.changes import Change, Effect, GrantPrivileges, Plan
from regent.desired import DeclaredGrant
from regent.plan import plan, plan_objects
from shared.privileges import PRIVILEGES_OF, ObjectKind
from tests.unit.plan.declared import desired, grant
from tests.unit.plan.model import Model

TABLE, COLUMN, SEQUENCE = ObjectKind.TABLE, ObjectKind.COLUMN, ObjectKind.SEQUENCE
SCHEMA, DATABASE = ObjectKind.SCHEMA, ObjectKind.DATABASE
MANAGED = ("alpha", "beta", "gamma")
OTHERS = ("owner", "stranger", "admin")
GRANTEES = (*MANAGED, "stranger", None)
OF_TABLES = ("SELECT", "INSERT", "UPDATE", "DELETE")
OF_COLUMNS = ("SELECT", "INSERT", "UPDATE")
LONGER = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


def a_server() -> Model:
    model = Model((*MANAGED, *OTHERS))
    model.add(DATABASE, None, "mydb")
    for schema in ("one", "two"):
        model.add(SCHEMA, None, schema)
        model.add(TABLE, schema, f"{schema}_flights", columns=("id", "city"), relation_kind="r")
        model.add(TABLE, schema, f"{schema}_view", columns=("id",), relation_kind="v")
    mine = model.add(TABLE, "one", "mine", owner="alpha", columns=("id",), relation_kind="r")
    serial = model.add(SEQUENCE, "two", "serial", relation_kind="S")
    model.default_sequences = {mine.oid: (), model.named("one_flights").oid: (serial.oid,)}
    return model


@st.composite
def servers(draw: st.DrawFn) -> Model:
    """A server on which owners, and whoever got the grant option, granted this and that."""
    model = a_server()
    for _ in range(draw(st.integers(0, 14))):
        found = draw(st.sampled_from(model.objects))
        column = draw(st.sampled_from(["", *found.columns]))
        acl = found.columns[column] if column else found.acl
        kind = COLUMN if column else found.kind
        privilege = draw(st.sampled_from(sorted(PRIVILEGES_OF[kind])))
        able = [r for r in (*MANAGED, "stranger") if privilege in acl.options_of(r)]
        grantor = draw(st.sampled_from([found.owner, *able]))
        grantee = draw(st.sampled_from([g for g in GRANTEES if g not in (grantor, found.owner)]))
        if grantee is not None and grantee in _above(acl.items, grantor):
            continue  # the server refuses a circle of grants
        acl.grant(grantee, grantor, [privilege], option=draw(st.booleans()))
    return model


def _above(items: object, role: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """Everyone from whom this role may have its rights."""
    assert isinstance(items, dict)
    found = seen
    for grantee, grantor in items:
        if grantee == role and grantor not in found:
            found |= {grantor} | _above(items, grantor, found | {grantor})
    return found


@st.composite
def declarations(draw: st.DrawFn, number: int) -> DeclaredGrant:
    kind = draw(st.sampled_from([TABLE, TABLE, COLUMN, COLUMN, SEQUENCE, SCHEMA, DATABASE]))
    some = {TABLE: OF_TABLES, COLUMN: OF_COLUMNS}.get(kind, sorted(PRIVILEGES_OF[kind]))
    chosen = draw(st.sets(st.sampled_from(some), min_size=1))
    grantees = draw(st.sets(st.sampled_from(MANAGED), min_size=1))
    return grant(
        kind,
        " ".join(sorted(chosen)),
        *sorted(grantees),
        schemas=(draw(st.sampled_from(["*", "one", "t*"])),),
        names=(draw(st.sampled_from(["*", "one_flights", "*_view", "m?ne"])),),
        columns=(draw(st.sampled_from(["id", "city"])),) if kind is COLUMN else (),
        permission=f"p{number}",
        grantable=draw(st.booleans()),
        implied=draw(st.booleans()),
    )


grants = st.integers(0, 4).flatmap(
    lambda n: st.tuples(*(declarations(number) for number in range(n)))
)


@pytest.mark.rule("22")
@LONGER
@given(model=servers(), declared=grants)
def test_a_second_pass_plans_nothing(model: Model, declared: tuple[DeclaredGrant, ...]) -> None:
    """Whatever there was and whatever is declared: one plan, then the empty one."""
    shall = desired(*declared, roles=MANAGED)
    model.apply(plan(shall, model.observe()).changes)
    assert plan(shall, model.observe()).changes == ()


@pytest.mark.rule("22")
@LONGER
@given(model=servers(), declared=grants)
def test_what_is_in_both_states_is_held_all_the_time(
    model: Model, declared: tuple[DeclaredGrant, ...]
) -> None:
    """A REVOKE with the GRANTs that must follow it counts as one step: it is one transaction."""
    shall = desired(*declared, roles=MANAGED)
    found = plan(shall, model.observe())
    before = set(model.held())
    steps = [set(before)]
    for step in _steps(found):
        model.apply(step)
        steps.append(set(model.held()))
    in_both = before & steps[-1]
    for held in steps:
        assert in_both <= held


@pytest.mark.rule("9")
@LONGER
@given(model=servers(), declared=grants)
def test_nobody_elses_privileges_change(model: Model, declared: tuple[DeclaredGrant, ...]) -> None:
    """PUBLIC, unmanaged roles: what they held they hold, and no more."""
    others = {edge for edge in model.held() if edge[2] not in MANAGED}
    model.apply(plan(desired(*declared, roles=MANAGED), model.observe()).changes)
    assert {edge for edge in model.held() if edge[2] not in MANAGED} == others


@pytest.mark.rule("22")
@LONGER
@given(model=servers(), declared=grants)
def test_effects_never_go_back(model: Model, declared: tuple[DeclaredGrant, ...]) -> None:
    """Widening first, narrowing last, each object in order of its oid."""
    changes = plan(desired(*declared, roles=MANAGED), model.observe()).changes
    effects = [change.effect for change in changes]
    assert effects == sorted(effects)
    for change in changes:
        assert isinstance(change, GrantPrivileges) or change.effect is Effect.NARROW
        oids = [ref.oid for ref in change.objects]  # type: ignore[union-attr] # privileges only
        assert oids == sorted(set(oids))


@pytest.mark.rule("15")
@LONGER
@given(model=servers(), declared=grants)
def test_a_targeted_pass_never_undoes_a_full_one(
    model: Model, declared: tuple[DeclaredGrant, ...]
) -> None:
    """After a full pass, a reading of any part alone plans nothing."""
    shall = desired(*declared, roles=MANAGED)
    model.apply(plan(shall, model.observe()).changes)
    for found in list(model.objects):
        alone = Model(model.roles, [found], model.default_sequences)
        assert plan_objects(shall, alone.observe(is_partial=True), "mydb").changes == ()


def _steps(found: Plan) -> list[list[Change]]:
    steps: list[list[Change]] = []
    for change in found.changes:
        if isinstance(change, GrantPrivileges) and change.effect is Effect.NARROW:
            first = len(steps) - 1
            while first > 0 and steps[first - 1][0].effect is Effect.NARROW:
                first -= 1
            merged = [c for step in steps[first:] for c in step]
            steps[first:] = [[*merged, change]]
        else:
            steps.append([change])
    return steps
