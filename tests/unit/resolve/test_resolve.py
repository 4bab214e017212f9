"""Accepted resources become what shall hold: names, references, holding, allow, endings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from regent.changes import RevokeMembership
from regent.desired import PasswordPolicy, SettingKey
from regent.observed import Observed, ObservedMembership
from regent.passes.drift import in_force
from regent.plan import plan
from regent.resolve.allowed import is_within
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from shared.resources import UserSpec
from shared.state import Trouble
from shared.unsupported import UNSUPPORTED
from tests.declared import (
    NOON,
    REFERENCE,
    VERIFIER,
    accepted,
    mark,
    resolved,
    role,
    server,
    state,
)

VIEWER = """
Permission/read: {database: mydb, schemas: [s], actions: [SELECT], tables: ["*"]}
Role/viewer: {database: mydb, permissions: [read]}
"""


def reason(resolution: object, key: str) -> str:
    """The reason of one resource's outcome."""
    return resolution.outcomes[key].reason  # type: ignore[attr-defined, no-any-return]


@pytest.mark.rule("7")
def test_a_user_that_lists_the_role_of_its_own_name_is_that_role_with_login() -> None:
    """The reference's flights-admin, twice declared, is one role."""
    desired = resolved(REFERENCE).desired
    assert set(desired.roles) == {"mydb-viewer", "flights-admin", "summer-intern-2"}
    admin = desired.roles["flights-admin"]
    assert admin.login
    assert [str(key) for key in admin.declared_by] == [
        "Role/default/flights-admin",
        "User/default/flights-admin",
    ]
    assert [(m.group, m.member) for m in desired.memberships] == [
        ("mydb-viewer", "summer-intern-2")
    ]


@pytest.mark.rule("7")
def test_two_resources_with_one_name_and_no_holder_both_get_a_conflict() -> None:
    """Neither gets the role, so neither takes anything when it goes."""
    resolution = resolved("Role/x: {database: mydb}\nUser/x: {database: mydb}")
    assert resolution.desired.roles == {}
    assert reason(resolution, "Role/default/x") == "NameConflict"
    assert reason(resolution, "User/default/x") == "NameConflict"


@pytest.mark.rule("7")
def test_the_recorded_holder_keeps_the_name() -> None:
    """The other one waits and gives nothing."""
    resolution = resolved(
        "Role/x: {database: mydb}\nUser/x: {database: mydb}",
        marks=(mark("x", "Role/x"),),
        on=server(role("x")),
    )
    assert [str(k) for k in resolution.desired.roles["x"].declared_by] == ["Role/default/x"]
    assert reason(resolution, "User/default/x") == "NameConflict"
    assert resolution.desired.endings == ()


@pytest.mark.rule("7")
def test_the_role_is_handed_over_to_one_that_waited_when_its_holder_goes() -> None:
    """Without a drop: the role goes on with a new holder."""
    first = accepted("Role/x: {database: mydb}\nUser/x: {database: mydb}")
    second = accepted("User/x: {database: mydb}", first)
    resolution = resolved(second, marks=(mark("x", "Role/x"),), on=server(role("x")))
    assert str(resolution.desired.roles["x"].holder) == "User/default/x"
    assert resolution.desired.endings == ()


@pytest.mark.rule("7")
def test_of_two_that_waited_the_one_of_the_holders_namespace_gets_the_role() -> None:
    text = "User/x: {database: mydb}\nUser/other/x: {database: mydb}"
    let_in = {"names": ["other"], "allow": {"databases": ["mydb"], "names": ["*"]}}
    regent, namespaces = {"allowedNamespaces": [let_in]}, {"other": 0}
    whole = f"Role/x: {{database: mydb}}\n{text}"
    first = accepted(state(whole, regent=regent, namespaces=namespaces))
    second = accepted(state(text, regent=regent, namespaces=namespaces), first)
    resolution = resolved(second, marks=(mark("x", "Role/x"),), on=server(role("x")))
    assert str(resolution.desired.roles["x"].holder) == "User/default/x"
    assert reason(resolution, "User/other/x") == "NameConflict"


@pytest.mark.rule("27")
def test_only_a_role_that_was_created_is_dropped() -> None:
    first = accepted("Role/x: {database: mydb}")
    second = accepted("", first)
    created = mark("x", "Role/x")
    for one in (created, replace(created, origin="adopted")):
        (ending,) = resolved(second, marks=(one,), on=server(role("x"))).desired.endings
        assert ending.created is (one is created)


@pytest.mark.rule("7")
def test_deleting_the_user_of_a_joined_role_takes_login_and_leaves_the_role() -> None:
    """And deleting the Role afterwards ends it."""
    first = accepted(REFERENCE)
    marks = (mark("flights-admin", "Role/flights-admin"),)
    on = server(role("flights-admin", login=True))
    without_user = accepted(
        REFERENCE.replace("User/flights-admin: {roles: [flights-admin]}", ""), first
    )
    desired = resolved(without_user, marks=marks, on=on).desired
    assert not desired.roles["flights-admin"].login
    assert desired.endings == ()
    nothing = accepted("", without_user)
    assert [e.name for e in resolved(nothing, marks=marks, on=on).desired.endings] == [
        "flights-admin"
    ]


@pytest.mark.rule("7")
def test_a_changed_name_is_a_rename() -> None:
    """The mark's holder is the same resource, so the role is the same role."""
    first = accepted("Role/x: {database: mydb}")
    second = accepted("Role/x: {database: mydb, roleName: y}", first)
    desired = resolved(second, marks=(mark("x", "Role/x"),), on=server(role("x"))).desired
    assert desired.roles["y"].renamed_from == "x"
    assert desired.endings == ()


@pytest.mark.rule("8")
def test_a_role_renamed_behind_our_back_is_known_by_its_oid() -> None:
    """Somebody ran ALTER ROLE x RENAME TO z."""
    desired = resolved(
        "Role/x: {database: mydb}",
        marks=(mark("x", "Role/x", oid=77),),
        on=server(role("z", oid=77)),
    ).desired
    assert desired.roles["x"].renamed_from == "z"


@pytest.mark.rule("10")
def test_an_existing_role_without_our_mark_is_refused() -> None:
    """Otherwise whoever may create a User could take any role's password."""
    resolution = resolved("User/app: {database: mydb}", on=server(role("app", login=True)))
    assert resolution.desired.roles == {}
    assert reason(resolution, "User/default/app") == "ExistsUnmanaged"
    assert "adopt: true" in resolution.outcomes["User/default/app"].message


@pytest.mark.rule("10")
@pytest.mark.parametrize(
    ("allow", "adopted"), [(None, True), ({"adopt": ["app*"]}, True), ({"adopt": ["x"]}, False)]
)
def test_adopting_needs_the_resource_and_the_regent(
    allow: dict[str, object] | None, adopted: bool
) -> None:
    """`adopt: true` on the one, `allow.adopt` on the other (all for its own namespace)."""
    pushed = state(
        "User/app: {database: mydb, adopt: true}", regent={"allow": allow} if allow else {}
    )
    resolution = resolved(pushed, on=server(role("app", login=True)))
    assert ("app" in resolution.desired.adopted) is adopted


@pytest.mark.rule("8")
def test_a_released_role_is_taken_back_by_its_holder_without_adopt() -> None:
    """After an uninstall and a new start."""
    marks = (mark("x", "Role/x", released=True),)
    desired = resolved("Role/x: {database: mydb}", marks=marks, on=server(role("x"))).desired
    assert "x" in desired.roles
    assert desired.adopted == {"x"}  # so that its mark is in force again, and its end is ours
    other = resolved("Role/y: {database: mydb, roleName: x}", marks=marks, on=server(role("x")))
    assert reason(other, "Role/default/y") == "ExistsUnmanaged"


@pytest.mark.rule("6")
def test_a_role_of_another_regent_is_a_name_conflict() -> None:
    """One writer per role on a server."""
    marks = (mark("x", "Role/x", regent="other/regent"),)
    resolution = resolved("Role/x: {database: mydb}", marks=marks, on=server(role("x")))
    assert reason(resolution, "Role/default/x") == "NameConflict"
    assert resolution.desired.foreign == {"x"}


@pytest.mark.rule("18")
def test_a_new_resource_waits_for_a_reference_never_seen_and_then_goes_on_without() -> None:
    """Argo and Helm apply `Role` before `Permission`."""
    first = accepted("Role/viewer: {database: mydb, permissions: [read]}")
    waiting = resolved(first, now=NOON + timedelta(seconds=59))
    assert waiting.desired.roles == {}
    assert reason(waiting, "Role/default/viewer") == "WaitingForReference"
    assert waiting.next_due == NOON + timedelta(seconds=60)
    later = resolved(first, now=NOON + timedelta(seconds=60))
    assert set(later.desired.roles) == {"viewer"}
    assert reason(later, "Role/default/viewer") == "PermissionNotFound"


@pytest.mark.rule("18")
def test_a_resource_that_now_lists_something_never_seen_keeps_what_it_had() -> None:
    """The form before stays in force for the 60 s, even over further pushes."""
    first = accepted(VIEWER)
    changed = VIEWER.replace("[read]", "[read, new]")
    second = accepted(changed, first, NOON + timedelta(seconds=10))
    third = accepted(changed, second, NOON + timedelta(seconds=20))
    for one in (second, third):
        waiting = resolved(one, now=NOON + timedelta(seconds=30))
        assert [g.grantees for g in waiting.desired.grants["mydb"]] == [("viewer",)]
    assert third.since["Role/default/viewer"] == NOON + timedelta(seconds=10)


@pytest.mark.rule("18")
def test_a_permission_seen_to_be_deleted_gives_nothing_at_once() -> None:
    """And the rest of the lister stays."""
    first = accepted(VIEWER)
    second = accepted("Role/viewer: {database: mydb, permissions: [read]}", first)
    resolution = resolved(second)
    assert set(resolution.desired.roles) == {"viewer"}
    assert resolution.desired.grants["mydb"] == ()
    assert reason(resolution, "Role/default/viewer") == "PermissionNotFound"


@pytest.mark.rule("18")
def test_a_held_resource_goes_on_as_it_was_accepted() -> None:
    """The push names it and could not compile it."""
    trouble = Trouble(reason="Invalid", message="roles.yaml:3: broken")
    first = accepted(VIEWER)
    broken = state(
        'Permission/read: {database: mydb, schemas: [s], actions: [SELECT], tables: ["*"]}',
        held={"Role/default/viewer": trouble, "Role/default/new": trouble},
    )
    resolution = resolved(accepted(broken, first))
    assert set(resolution.desired.roles) == {"viewer"}
    assert reason(resolution, "Role/default/viewer") == "Invalid"
    assert reason(resolution, "Role/default/new") == "Invalid"


@pytest.mark.rule("20")
def test_a_resource_that_vanished_without_a_deletion_is_held() -> None:
    """A restored etcd, not a decision."""
    first = accepted(VIEWER)
    second = accepted(state("", absent_means="Vanished"), first)
    resolution = resolved(second)
    assert set(resolution.desired.roles) == {"viewer"}
    assert reason(resolution, "Role/default/viewer") == "Vanished"


@pytest.mark.rule("19")
def test_trouble_with_a_secret_touches_nothing_but_the_password() -> None:
    """The memberships go on, the password waits."""
    pushed = state(
        VIEWER + "User/u: {roles: [viewer], passwordSecretRef: {name: s, key: k}}",
        passwords={"User/u": {"trouble": {"reason": "SecretNotFound", "message": "no Secret s"}}},
    )
    resolution = resolved(pushed)
    assert resolution.desired.roles["u"].password is PasswordPolicy.WAITING
    assert [(m.group, m.member) for m in resolution.desired.memberships] == [("viewer", "u")]
    assert resolution.outcomes["User/default/u"].state == "Reconciling"


@pytest.mark.rule("19")
def test_without_a_password_ref_the_password_is_not_managed() -> None:
    """LOGIN, and nothing about the password."""
    assert resolved("User/u: {database: mydb}").desired.roles["u"].password is (
        PasswordPolicy.UNMANAGED
    )
    pushed = state(
        "User/u: {database: mydb, passwordSecretRef: {name: s, key: k}}",
        passwords={"User/u": {"verifier": VERIFIER}},
    )
    assert resolved(pushed).desired.roles["u"].password is PasswordPolicy.SET


@pytest.mark.rule("24")
def test_an_expired_or_disabled_user_loses_login_and_keeps_its_role() -> None:
    """Expiry stops passwords only, so it is NOLOGIN too; the pass is due at that time."""
    text = "User/u: {database: mydb, validUntil: '2026-06-01T13:00:00Z'}"
    before = resolved(text)
    assert before.desired.roles["u"].login
    assert before.next_due == NOON + timedelta(hours=1)
    assert not resolved(text, now=NOON + timedelta(hours=1)).desired.roles["u"].login
    assert not resolved("User/u: {database: mydb, enabled: false}").desired.roles["u"].login


@pytest.mark.rule("12")
@pytest.mark.parametrize("attribute", ["superuser", "createrole", "replication", "bypassrls"])
def test_dangerous_attributes_are_given_only_where_the_regent_allows_them(attribute: str) -> None:
    """The rest of the resource holds, without it."""
    text = f"Role/r: {{database: mydb, attributes: {{{attribute}: true}}}}"
    refused = resolved(text)
    assert not getattr(refused.desired.roles["r"].attributes, attribute)
    assert reason(refused, "Role/default/r") == "NotAllowed"
    granted = resolved(state(text, regent={"allow": {"attributes": [attribute]}}))
    assert getattr(granted.desired.roles["r"].attributes, attribute)


@pytest.mark.rule("12")
def test_built_in_groups_that_read_everything_must_be_allowed() -> None:
    """pg_monitor sees statistics only, and needs nobody's leave."""
    on = server(role("pg_monitor"), role("pg_read_all_data"))
    text = "Role/r: {database: mydb, memberOf: [{role: pg_monitor}, {role: pg_read_all_data}]}"
    resolution = resolved(text, on=on)
    assert [m.group for m in resolution.desired.memberships] == ["pg_monitor"]
    assert reason(resolution, "Role/default/r") == "NotAllowed"
    for listed, members in (("pg_read_*", 1), ("pg_read_all_data", 2)):
        allowed = state(text, regent={"allow": {"memberOf": [listed]}})
        assert len(resolved(allowed, on=on).desired.memberships) == members


@pytest.mark.rule("12")
def test_settings_that_only_a_superuser_may_set_must_be_allowed() -> None:
    """log_statement could hide what a role does."""
    text = "Role/r: {database: mydb, parameters: {work_mem: 64MB, log_statement: none, a.b: 1}}"
    resolution = resolved(
        text,
        ordinary=frozenset({"work_mem"}),
        known=frozenset({"work_mem", "log_statement"}),
    )
    assert dict(resolution.desired.roles["r"].settings) == {
        SettingKey(None, "work_mem"): "64MB",
        SettingKey(None, "a.b"): "1",
    }
    assert reason(resolution, "Role/default/r") == "NotAllowed"


@pytest.mark.rule("14")
def test_an_action_that_the_server_does_not_know_is_unsupported_there_only() -> None:
    """MAINTAIN exists from 17; the other actions hold."""
    text = (
        'Permission/p: {database: mydb, schemas: [s], actions: [SELECT, MAINTAIN], tables: ["*"]}'
    )
    old = resolved(text, on=server(major=16))
    assert old.desired.grants["mydb"][0].privileges == {"SELECT"}
    assert reason(old, "Permission/default/p") == "Unsupported"
    new = resolved(text, on=server(major=17))
    assert new.desired.grants["mydb"][0].privileges == {"SELECT", "MAINTAIN"}


@pytest.mark.rule("14")
def test_all_is_expanded_per_server_and_said() -> None:
    """ALL on a table of 16 has no MAINTAIN."""
    text = 'Permission/p: {database: mydb, schemas: [s], actions: [ALL], tables: ["*"]}'
    old = resolved(text, on=server(major=16))
    assert "MAINTAIN" not in old.desired.grants["mydb"][0].privileges
    assert any("ALL means" in note for note in old.outcomes["Permission/default/p"].notes)


@pytest.mark.rule("4")
def test_a_permission_in_a_database_that_is_not_served_gives_nothing() -> None:
    """Its outcome names those that are."""
    resolution = resolved("Permission/p: {database: other, actions: [CONNECT]}")
    assert resolution.desired.grants == {"mydb": ()}
    assert "mydb" in resolution.outcomes["Permission/default/p"].message


@pytest.mark.found("E106")
@pytest.mark.rule("7")
@pytest.mark.parametrize(
    ("declared", "heir"),
    [
        ("Role/new: {database: mydb, renamedFrom: old}", "new"),
        ("Role/new: {database: mydb, renamedFrom: old}\nRole/old: {database: mydb}", "old"),
    ],
)
def test_what_a_leaver_owns_goes_to_the_role_that_took_the_heirs_place(
    declared: str, heir: str
) -> None:
    """Unless another one has the former name now."""
    first = accepted("Role/old: {database: mydb}\nUser/x: {database: mydb, reassignOwnedTo: old}")
    ending = resolved(
        accepted(declared, first),
        marks=(mark("x", "User/x"), mark("old", "Role/old")),
        on=server(role("x"), role("old")),
    ).desired.endings[-1]
    assert (ending.name, ending.reassign_to, ending.refusal) == ("x", heir, "")


@pytest.mark.rule("27")
def test_a_deleted_role_ends_as_its_last_form_says() -> None:
    """reassignOwnedTo and deletionPolicy are remembered when the resource is gone."""
    first = accepted("Role/x: {database: mydb, deletionPolicy: Retain, reassignOwnedTo: app}")
    ending = resolved(
        accepted("", first), marks=(mark("x", "Role/x"),), on=server(role("x"))
    ).desired.endings[0]
    assert (ending.name, ending.retain, ending.reassign_to) == ("x", True, "app")


@pytest.mark.rule("9")
def test_the_admin_and_the_providers_roles_are_never_managed() -> None:
    """Whatever is declared."""
    for name in ("my-admin", "rdsadmin", "postgregent_owner"):
        resolution = resolved(
            f"Role/{name.replace('_', '-')}: {{database: mydb, roleName: {name}}}"
        )
        assert resolution.desired.roles == {}


def test_columns_are_a_kind_of_their_own() -> None:
    """So that a column grant never becomes a table grant."""
    text = (
        "Permission/p: {database: mydb, schemas: [s], actions: [SELECT], tables: [t], columns: [c]}"
    )
    grant = resolved(text).desired.grants["mydb"][0]
    assert grant.kind is ObjectKind.COLUMN
    assert grant.columns == ("c",)


def test_fields_that_this_version_does_not_act_on_are_said_and_not_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A resource is never Ready for something that was left out."""
    monkeypatch.setitem(  # type: ignore[misc]  # the table itself is read-only
        UNSUPPORTED,
        UserSpec,
        {"credentials": "no password is made"},
    )
    resolution = resolved("User/r: {database: mydb, credentials: {secretName: s}}")
    assert reason(resolution, "User/default/r") == "Unsupported"
    assert "credentials" in resolution.outcomes["User/default/r"].message


@pytest.mark.found("C27")
def test_a_public_role_makes_no_role_and_nobody_is_a_member_of_it() -> None:
    """It planned `create role` before."""
    text = "Role/all: {database: mydb, public: true}\nUser/all: {database: mydb, roles: [all]}"
    resolution = resolved(text)
    assert set(resolution.desired.roles) == {"all"}
    assert resolution.desired.roles["all"].declared_by == (ResourceKey("User", "default", "all"),)
    assert reason(resolution, "Role/default/all") == "Applying"
    assert reason(resolution, "User/default/all") == "Unsupported"
    assert "nobody is a member of it" in resolution.outcomes["User/default/all"].message
    assert not resolution.desired.undecided
    assert resolved("Role/all: {database: mydb, public: true}").desired.roles == {}


@pytest.mark.found("C27")
def test_a_permission_on_what_the_server_does_not_have_gives_nothing_and_says_so() -> None:
    for selected, since in (
        ("parameters: [work_mem], actions: [SET]", 15),
        ('schemas: ["*"], propertyGraphs: ["*"], actions: [ALL]', 19),
    ):
        text = (
            f"Permission/p: {{database: mydb, {selected}}}\n"
            "Role/r: {database: mydb, permissions: [p]}"
        )
        resolution = resolved(text, on=server(major=since - 1))
        assert resolution.desired.grants == {"mydb": ()}
        assert reason(resolution, "Permission/default/p") == "Unsupported"
        message = resolution.outcomes["Permission/default/p"].message
        assert f"from PostgreSQL {since} on" in message
        ordinary = frozenset({"work_mem"})
        there = resolved(text, on=server(major=since), ordinary=ordinary, known=ordinary)
        assert len(there.desired.grants["mydb"]) == 1


@pytest.mark.rule("12")
@pytest.mark.parametrize(
    ("parameters", "actions", "allow", "why"),
    [
        ("work_mem", "SET", {}, ""),
        ("log_statement", "SET", {}, "spec.allow.parameters"),
        ("Log_Statement, work_mem", "SET", {"parameters": ["log_*"]}, ""),
        ("myapp.tenant", "SET", {}, "spec.allow.parameters"),
        ("work_mem", "ALTER SYSTEM", {}, "spec.allow.actions"),
        ("work_mem", "ALL", {"parameters": ["*"]}, "spec.allow.actions"),
        ("work_mem", "ALTER SYSTEM", {"actions": ["ALTER SYSTEM"]}, "spec.allow.parameters"),
        ("work_mem", "ALL", {"actions": ["ALL"], "parameters": ["*"]}, "spec.allow.actions"),
        (
            "work_mem",
            "ALTER SYSTEM",
            {"actions": ["ALTER SYSTEM"], "parameters": ["work_mem"]},
            "",
        ),
        ("log_statment", "SET", {"parameters": ["*"]}, "knows no parameter"),
    ],
)
def test_who_may_be_given_a_parameter_is_for_the_regent_to_say(
    parameters: str, actions: str, allow: dict[str, object], why: str
) -> None:
    """Whoever may set what only a superuser may is one soon, and ALTER SYSTEM is for everybody."""
    text = f"Permission/p: {{database: mydb, parameters: [{parameters}], actions: [{actions}]}}"
    resolution = resolved(
        state(text, regent={"allow": allow}),
        ordinary=frozenset({"work_mem"}),
        known=frozenset({"work_mem", "log_statement"}),
    )
    found = resolution.outcomes["Permission/default/p"]
    assert bool(resolution.desired.grants["mydb"]) is (why == "")
    assert why in found.message
    assert (found.reason == "NotAllowed") is (why != "")


@pytest.mark.rule("12")
@pytest.mark.parametrize(
    ("allow", "is_given"),
    [
        ({"databases": ["other"]}, False),
        ({"schemas": ["s*"]}, True),
        ({"schemas": ["audit_*"]}, False),
        ({"actions": ["INSERT"]}, False),
        ({"actions": ["SELECT"], "databases": ["my*"], "schemas": ["s"]}, True),
    ],
)
def test_what_a_permission_names_must_be_allowed(allow: dict[str, object], is_given: bool) -> None:
    """Databases, schemas and actions; the Role goes on without it."""
    resolution = resolved(state(VIEWER, regent={"allow": allow}))
    assert bool(resolution.desired.grants["mydb"]) is is_given
    assert (reason(resolution, "Permission/default/read") == "NotAllowed") is not is_given
    assert "viewer" in resolution.desired.roles


@pytest.mark.rule("12")
@pytest.mark.parametrize(
    ("pattern", "allowed", "is_inside"),
    [
        ("audit_x", ["audit_*"], True),
        ("audit_*", ["audit_*"], True),
        ("audit_x*", ["audit_*"], True),
        ("*", ["audit_*"], False),
        ("a*", ["audit_*"], False),
        ("a*", ["a?"], False),
        ("a?", ["a*"], False),
        ("anything", ["*"], True),
        ("x", [], False),
    ],
)
def test_a_pattern_is_allowed_when_all_that_it_can_match_is(
    pattern: str, allowed: list[str], is_inside: bool
) -> None:
    """Never more than what is plain to see."""
    assert is_within(pattern, allowed) is is_inside


@pytest.mark.rule("12")
def test_names_of_roles_must_be_allowed() -> None:
    """`allow.names`."""
    resolution = resolved(state("Role/x: {database: mydb}", regent={"allow": {"names": ["app_*"]}}))
    assert resolution.desired.roles == {}
    assert reason(resolution, "Role/default/x") == "NotAllowed"


@pytest.mark.rule("10")
def test_a_superuser_is_adopted_only_where_superusers_are_allowed() -> None:
    """Its password would be everything."""
    text, on = "User/dba: {database: mydb, adopt: true}", server(role("dba", superuser=True))
    assert reason(resolved(text, on=on), "User/default/dba") == "NotAllowed"
    allowed = state(text, regent={"allow": {"attributes": ["superuser"]}})
    assert resolved(allowed, on=on).desired.adopted == {"dba"}


@pytest.mark.rule("30")
def test_what_is_desired_does_not_depend_on_the_order_of_the_resources() -> None:
    """The home database gives them back in another order, and nothing has changed."""
    one = accepted(REFERENCE)
    backwards = dict(reversed(one.state.resources.items()))
    other = one.model_copy(update={"state": one.state.model_copy(update={"resources": backwards})})
    assert in_force(resolved(one).desired) == in_force(resolved(other).desired)


@pytest.mark.rule("10", "28a")
def test_a_lost_mark_takes_nobody_out_of_a_role() -> None:
    """The Role is ExistsUnmanaged, and its members are left as they are."""
    on = replace(
        server(role("mydb-viewer"), role("flights-admin"), role("summer-intern-2", login=True)),
        memberships=(
            ObservedMembership("mydb-viewer", "summer-intern-2", "my-admin", admin=False),
            ObservedMembership("flights-admin", "summer-intern-2", "my-admin", admin=False),
        ),
    )
    marks = (mark("summer-intern-2", "User/summer-intern-2"),)
    resolution = resolved(REFERENCE, marks=marks, on=on)
    assert reason(resolution, "Role/default/mydb-viewer") == "ExistsUnmanaged"
    changes = plan(resolution.desired, Observed(on)).changes
    revoked = [one.group for one in changes if isinstance(one, RevokeMembership)]
    assert revoked == ["flights-admin"]


@pytest.mark.rule("10", "18")
def test_a_new_name_that_is_taken_takes_nobody_out_of_the_role() -> None:
    """The Role cannot be renamed to an unmanaged role's name, and is left as it is."""
    on = replace(
        server(role("mydb-viewer"), role("app"), role("summer-intern-2", login=True)),
        memberships=(
            ObservedMembership("mydb-viewer", "summer-intern-2", "my-admin", admin=False),
        ),
    )
    marks = (
        mark("summer-intern-2", "User/summer-intern-2"),
        mark("mydb-viewer", "Role/mydb-viewer"),
    )
    renamed = REFERENCE.replace(
        "Role/mydb-viewer: {database: mydb,", "Role/mydb-viewer: {database: mydb, roleName: app,"
    )
    assert renamed != REFERENCE
    resolution = resolved(renamed, marks=marks, on=on)
    assert reason(resolution, "Role/default/mydb-viewer") == "ExistsUnmanaged"
    assert resolution.desired.endings == ()
    changes = plan(resolution.desired, Observed(on)).changes
    assert not [one for one in changes if isinstance(one, RevokeMembership)]


@pytest.mark.found("E16")
def test_a_misspelt_reference_is_named_with_what_may_be_meant() -> None:
    permission = "Permission/read-it: {database: mydb, actions: [CONNECT]}\n"
    text = permission + "Role/a: {database: mydb, permissions: [raed-it]}"
    for now in (NOON, NOON + timedelta(minutes=2)):
        said = resolved(accepted(text), now=now).outcomes["Role/default/a"].message
        assert "Permission 'raed-it'" in said
        assert "id you mean read-it?" in said


@pytest.mark.found("E139")
def test_a_permission_says_that_nobody_lists_it_only_where_that_is_so() -> None:
    """Whoever believes it deletes the Permission, while the one who lists it waits."""
    text = "Permission/p: {database: mydb, actions: [CONNECT]}\n"
    key = "Permission/default/p"
    assert "No Role or User lists it." in resolved(text).outcomes[key].notes
    refused = text + "Role/taken: {database: mydb, permissions: [p]}\n"
    notes = resolved(refused, on=server(role("taken"))).outcomes[key].notes
    assert notes == (
        "Nobody gets it yet: Role/default/taken lists it, and its own status says why.",
    )
    waits = text + "User/ann: {database: mydb, permissions: [p, never-seen]}\n"
    assert "User/default/ann lists it" in str(resolved(waits).outcomes[key].notes)
    held = {"Role/default/broken": Trouble(reason="Invalid", message="A typo.")}
    unreadable = resolved(state(text, held=held)).outcomes[key].notes
    assert unreadable == (), "what cannot be read may list it"


@pytest.mark.found("E133")
def test_the_roles_of_a_renamed_regent_say_both_ways_out() -> None:
    """It looks the same whether the other Regent is another one or this one before."""
    marks = (mark("viewer", "Role/viewer", regent="default/before"),)
    found = resolved("Role/viewer: {database: mydb}", marks=marks, on=server(role("viewer")))
    said = found.outcomes["Role/default/viewer"]
    assert said.reason == "NameConflict"
    assert "declare it there, or give this one another name" in said.message
    assert "`postgregent uninstall --dsn … --regent default/before`" in said.message


@pytest.mark.found("E505")
def test_a_misspelt_group_gets_the_nearest_name_and_every_one_is_told() -> None:
    """No `allow` lets anybody into a role that is not there."""
    groups = "[{role: pg_monitr}, {role: reporing}, {role: nothing-alike}, {role: strong}]"
    declared = f"""
      User/ann: {{database: mydb, memberOf: {groups}}}
      Role/reporting: {{database: mydb}}
    """
    on = server(role("pg_monitor"), role("strong", createrole=True))
    outcome = resolved(declared, on=on).outcomes["User/default/ann"]
    assert outcome.reason == "NotAllowed"
    assert "'pg_monitr' is no role on this server. Did you mean pg_monitor?" in outcome.message
    assert "'reporing' is no role on this server. Did you mean reporting?" in outcome.message
    assert "'nothing-alike' is no role on this server. Correct the name" in outcome.message
    assert "'strong' is neither" in outcome.message
    assert outcome.message.count("spec.allow.memberOf") == 1
