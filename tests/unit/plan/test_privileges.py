"""Privileges on objects: each rule as one sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import Change, Effect, GrantPrivileges, RevokePrivileges
from regent.desired import Desired, Ending
from regent.observed import Observed
from regent.plan import plan, plan_objects
from shared.privileges import ObjectKind
from tests.unit.plan.declared import desired, grant, key
from tests.unit.plan.model import Model

TABLE, COLUMN, SEQUENCE = ObjectKind.TABLE, ObjectKind.COLUMN, ObjectKind.SEQUENCE
SCHEMA, DATABASE = ObjectKind.SCHEMA, ObjectKind.DATABASE


@pytest.fixture
def model() -> Model:
    """Schema `app` with two tables, `pg_catalog` with one, nothing granted yet."""
    made = Model(("reader", "writer", "owner", "stranger", "admin"))
    made.add(DATABASE, None, "mydb")
    made.add(SCHEMA, None, "app")
    made.add(TABLE, "app", "flights", columns=("id", "city"), relation_kind="r")
    made.add(TABLE, "app", "gates", columns=("id",), relation_kind="r")
    made.add(SCHEMA, None, "pg_catalog")
    made.add(TABLE, "pg_catalog", "pg_authid", relation_kind="r")
    return made


def lines(changes: tuple[Change, ...]) -> list[str]:
    """`grant SELECT on flights to reader`: what matters of a privilege change."""
    out = []
    for change in changes:
        assert isinstance(change, GrantPrivileges | RevokePrivileges)
        verb = "grant" if isinstance(change, GrantPrivileges) else "revoke"
        if isinstance(change, RevokePrivileges) and change.grant_option_only:
            verb = "revoke option"
        what = " ".join(sorted(change.privileges))
        columns = f"({','.join(change.columns)})" if change.columns else ""
        objects = ",".join(ref.name for ref in change.objects)
        grantees = ",".join(g or "PUBLIC" for g in change.grantees)
        out.append(f"{verb} {what}{columns} on {objects} {grantees}")
    return out


def planned(shall: Desired, model: Model) -> list[str]:
    return lines(plan(shall, model.observe()).changes)


def give(model: Model, name: str, privileges: str, to: str | None, by: str = "owner") -> None:
    option = privileges.endswith("*")
    acl = model.named(name).acl
    acl.grant(to, by, privileges.rstrip("*").split(), option=option)


@pytest.mark.rule("8")
def test_what_is_declared_and_missing_is_granted_on_many_objects_at_once(model: Model) -> None:
    shall = desired(grant(TABLE, "SELECT INSERT", "reader", "writer"))
    assert planned(shall, model) == ["grant INSERT SELECT on flights,gates reader,writer"]


@pytest.mark.rule("8")
def test_what_is_there_and_not_declared_is_taken_away(model: Model) -> None:
    give(model, "flights", "DELETE", "reader")
    assert planned(desired(), model) == ["revoke DELETE on flights reader"]


@pytest.mark.rule("8")
def test_a_managed_role_keeps_nothing_undeclared_on_a_system_object(model: Model) -> None:
    give(model, "pg_authid", "SELECT", "reader")
    assert planned(desired(), model) == ["revoke SELECT on pg_authid reader"]


@pytest.mark.rule("8")
def test_privileges_on_the_database_itself_are_exact_too(model: Model) -> None:
    give(model, "mydb", "CREATE", "writer")
    shall = desired(grant(DATABASE, "CONNECT", "reader"))
    assert planned(shall, model) == ["grant CONNECT on mydb reader", "revoke CREATE on mydb writer"]


@pytest.mark.rule("8")
def test_the_acl_of_a_database_that_nobody_serves_is_left_alone(model: Model) -> None:
    model.add(DATABASE, None, "elsewhere")
    give(model, "elsewhere", "CONNECT", "reader")
    assert planned(desired(), model) == []


@pytest.mark.rule("9")
@pytest.mark.parametrize("role", ["stranger", "admin", "pg_monitor", "v-token-1", None])
def test_what_others_hold_is_nobodys_business(model: Model, role: str | None) -> None:
    give(model, "flights", "SELECT", role)
    shall = desired(roles=("reader", "admin", "pg_monitor", "v-token-1"), ignore_roles=("v-*",))
    found = [c for c in plan(shall, model.observe()).changes if isinstance(c, RevokePrivileges)]
    assert found == []


@pytest.mark.rule("9")
def test_an_owner_is_neither_given_nor_denied_anything_on_its_own_object(model: Model) -> None:
    model.add(TABLE, "app", "mine", owner="reader", relation_kind="r")
    shall = desired(grant(TABLE, "SELECT", "reader", names=("mine",)))
    assert planned(shall, model) == []


def with_groups(observed: Observed, groups: object) -> Observed:
    assert isinstance(groups, tuple)
    return replace(observed, databases={"mydb": replace(observed.databases["mydb"], groups=groups)})


@pytest.mark.rule("9")
def test_temporary_and_ignored_schemas_are_not_looked_at(model: Model) -> None:
    for schema in ("pg_temp_3", "legacy_one"):
        model.add(SCHEMA, None, schema)
        model.add(TABLE, schema, f"{schema}_t", relation_kind="r")
        give(model, f"{schema}_t", "SELECT", "reader")
        give(model, schema, "USAGE", "reader")
    shall = desired(grant(TABLE, "SELECT", "writer"), ignore_schemas=("legacy_*",))
    assert planned(shall, model) == ["grant SELECT on flights,gates writer"]


@pytest.mark.rule("13")
def test_no_pattern_reaches_system_schemas_or_ours(model: Model) -> None:
    for schema in ("information_schema", "postgregent"):
        model.add(SCHEMA, None, schema)
        model.add(TABLE, schema, f"{schema}_t", relation_kind="r")
    shall = desired(grant(TABLE, "SELECT", "reader"), grant(SCHEMA, "USAGE", "reader"))
    assert planned(shall, model) == [
        "grant USAGE on app reader",
        "grant SELECT on flights,gates reader",
    ]


@pytest.mark.rule("13")
def test_members_of_extensions_are_matched_only_when_asked_for(model: Model) -> None:
    model.add(TABLE, "app", "stats", relation_kind="v", extension=True)
    assert planned(desired(grant(TABLE, "SELECT", "reader", names=("stats",))), model) == []
    shall = desired(grant(TABLE, "SELECT", "reader", names=("stats",), extensions=True))
    assert planned(shall, model) == ["grant SELECT on stats reader"]


@pytest.mark.rule("13")
@pytest.mark.parametrize(
    ("pattern", "objects"),
    [("flights", "flights"), ("*", "flights,gates"), ("g?tes", "gates"), ("[!f]*", "gates")],
)
def test_names_are_matched_by_shell_patterns(model: Model, pattern: str, objects: str) -> None:
    shall = desired(grant(TABLE, "SELECT", "reader", names=(pattern,)))
    assert planned(shall, model) == [f"grant SELECT on {objects} reader"]


@pytest.mark.rule("14")
def test_matches_are_counted_and_a_pattern_without_any_shows_zero(model: Model) -> None:
    shall = desired(
        grant(TABLE, "SELECT", "reader", permission="all"),
        grant(TABLE, "SELECT", "writer", permission="none", names=("trains",)),
        grant(COLUMN, "SELECT", "writer", permission="city", columns=("city",)),
        grant(DATABASE, "CONNECT", "writer", permission="connect"),
    )
    matches = plan(shall, model.observe()).matches
    assert {k.name: n for k, n in matches.items()} == {
        "all": 2, "none": 0, "city": 1, "connect": 1,
    }  # fmt: skip


@pytest.mark.rule("15")
def test_usage_on_the_schema_comes_with_a_match_and_goes_with_it(model: Model) -> None:
    shall = desired(grant(TABLE, "SELECT", "reader", names=("flights",), implied=True))
    assert planned(shall, model) == [
        "grant USAGE on app reader",
        "grant SELECT on flights reader",
    ]
    model.apply(plan(shall, model.observe()).changes)
    nothing = desired(grant(TABLE, "SELECT", "reader", names=("trains",), implied=True))
    assert planned(nothing, model) == [
        "revoke USAGE on app reader",
        "revoke SELECT on flights reader",
    ]


@pytest.mark.rule("15")
@pytest.mark.parametrize("kind", [TABLE, COLUMN])
def test_usage_on_a_defaults_sequence_comes_with_insert(model: Model, kind: ObjectKind) -> None:
    sequence = model.add(SEQUENCE, "app", "flights_id_seq", relation_kind="S")
    model.default_sequences = {model.named("flights").oid: (sequence.oid,)}
    declared = grant(kind, "INSERT", "writer", names=("flights",), columns=("id",), implied=True)
    assert "grant USAGE on flights_id_seq writer" in planned(desired(declared), model)
    without = replace(declared, privileges=frozenset({"SELECT"}))
    assert "grant USAGE on flights_id_seq writer" not in planned(desired(without), model)


@pytest.mark.rule("16")
def test_what_two_declarations_give_stays_when_one_goes(model: Model) -> None:
    one, two = (grant(TABLE, "SELECT", "reader", permission=p) for p in ("one", "two"))
    model.apply(plan(desired(one, two), model.observe()).changes)
    assert planned(desired(two), model) == []
    assert planned(desired(two, one), model) == []


@pytest.mark.rule("16")
def test_what_two_declarations_give_is_held_together_whatever_their_order(model: Model) -> None:
    one, two = (
        grant(TABLE, what, "reader", names=("flights",), permission=what)
        for what in ("SELECT", "INSERT")
    )
    for shall in (desired(one, two), desired(two, one)):
        assert planned(shall, model) == ["grant INSERT SELECT on flights reader"]


@pytest.mark.rule("15")
def test_usage_on_the_schema_does_not_come_where_implied_is_false(model: Model) -> None:
    shall = desired(grant(TABLE, "SELECT", "reader", names=("flights",), implied=False))
    assert planned(shall, model) == ["grant SELECT on flights reader"]


@pytest.mark.rule("8")
def test_the_grant_option_is_given_and_taken_by_itself(model: Model) -> None:
    give(model, "flights", "SELECT*", "reader")
    give(model, "flights", "SELECT", "writer")
    shall = desired(
        grant(TABLE, "SELECT", "reader", names=("flights",)),
        grant(TABLE, "SELECT", "writer", names=("flights",), grantable=True),
    )
    changes = plan(shall, model.observe()).changes
    assert lines(changes) == [
        "grant SELECT on flights writer",
        "revoke option SELECT on flights reader",
    ]
    assert isinstance(changes[0], GrantPrivileges)
    assert changes[0].grantable


@pytest.mark.rule("8")
def test_what_another_grantor_gave_is_revoked_as_that_grantor(model: Model) -> None:
    give(model, "flights", "SELECT*", "stranger")
    give(model, "flights", "SELECT", "reader", by="stranger")
    (change,) = plan(desired(), model.observe()).changes
    assert isinstance(change, RevokePrivileges)
    assert change.grantor == "stranger"


@pytest.mark.rule("22")
def test_a_declared_privilege_may_come_from_any_grantor(model: Model) -> None:
    give(model, "flights", "SELECT*", "stranger")
    give(model, "flights", "SELECT", "reader", by="stranger")
    assert planned(desired(grant(TABLE, "SELECT", "reader", names=("flights",))), model) == []


@pytest.mark.rule("22")
def test_who_depends_on_a_grant_option_that_goes_is_served_by_the_owner_first(
    model: Model,
) -> None:
    give(model, "flights", "SELECT*", "reader")
    give(model, "flights", "SELECT", "writer", by="reader")
    give(model, "flights", "SELECT", "stranger", by="reader")
    shall = desired(grant(TABLE, "SELECT", "writer", names=("flights",)))
    changes = plan(shall, model.observe()).changes
    assert lines(changes) == [
        "grant SELECT on flights stranger",
        "grant SELECT on flights writer",
        "revoke SELECT on flights reader",
    ]
    assert [getattr(one, "instead_of", ()) for one in changes[:2]] == [{"reader"}, set()]
    assert isinstance(changes[2], RevokePrivileges)
    assert changes[2].cascade
    model.apply(changes)
    assert planned(shall, model) == []


@pytest.mark.rule("22")
def test_columns_that_a_revoke_on_the_table_clears_are_granted_again_right_after(
    model: Model,
) -> None:
    give(model, "flights", "SELECT", "reader")
    model.named("flights").columns["id"].grant("reader", "owner", ["SELECT"], option=False)
    shall = desired(grant(COLUMN, "SELECT", "reader", columns=("id",), names=("flights",)))
    changes = plan(shall, model.observe()).changes
    assert lines(changes) == [
        "revoke SELECT on flights reader",
        "grant SELECT(id) on flights reader",
    ]
    assert [change.effect for change in changes] == [Effect.NARROW, Effect.NARROW]


@pytest.mark.rule("8")
def test_a_column_is_granted_even_when_the_table_is(model: Model) -> None:
    give(model, "flights", "SELECT", "reader")
    shall = desired(
        grant(TABLE, "SELECT", "reader", names=("flights",)),
        grant(COLUMN, "SELECT", "reader", columns=("id", "city"), permission="c"),
    )
    assert planned(shall, model) == [
        "grant SELECT(city,id) on flights reader",
        "grant SELECT(id) on gates reader",
    ]


@pytest.mark.rule("8")
def test_a_column_privilege_that_is_not_declared_goes(model: Model) -> None:
    model.named("flights").columns["city"].grant("reader", "owner", ["UPDATE"], option=False)
    assert planned(desired(), model) == ["revoke UPDATE(city) on flights reader"]


@pytest.mark.rule("29")
def test_a_change_names_the_permissions_and_roles_that_cause_it(model: Model) -> None:
    shall = desired(
        grant(TABLE, "SELECT", "reader", permission="yes", names=("flights",)),
        grant(TABLE, "DELETE", "writer", permission="no", names=("gates",)),
    )
    first = plan(shall, model.observe()).changes[0]
    assert first.causes == (key("yes", "Permission"), key("reader"))


@pytest.mark.rule("27")
def test_an_ending_role_loses_all_but_where_it_owns_views(model: Model) -> None:
    give(model, "flights", "SELECT", "reader")
    shall = replace(desired(roles=()), endings=(Ending("reader", key("reader"), created=False),))
    local = [c for c in plan(shall, model.observe()).changes if isinstance(c, RevokePrivileges)]
    assert lines(tuple(local)) == ["revoke SELECT on flights reader"]
    model.add(TABLE, "app", "report", owner="reader", relation_kind="v")
    found = plan(shall, model.observe()).changes
    assert not [c for c in found if isinstance(c, RevokePrivileges)]


@pytest.mark.rule("15")
def test_a_partial_reading_neither_gives_nor_takes_what_an_unseen_table_may_imply(
    model: Model,
) -> None:
    give(model, "app", "USAGE", "reader")
    give(model, "app", "CREATE", "reader")
    alone = Model(model.roles, [model.named("app")])
    shall = desired(grant(TABLE, "SELECT", "reader", implied=True))
    found = plan_objects(shall, alone.observe(is_partial=True), "mydb")
    assert lines(found.changes) == ["revoke CREATE on app reader"]
    assert found.matches == {}


@pytest.mark.rule("22")
def test_a_targeted_pass_leaves_roles_that_are_not_there_yet_to_the_full_one(
    model: Model,
) -> None:
    shall = desired(grant(TABLE, "SELECT", "reader", "newcomer"), roles=("reader", "newcomer"))
    found = plan_objects(shall, model.observe(is_partial=True), "mydb")
    assert lines(found.changes) == ["grant SELECT on flights,gates reader"]
