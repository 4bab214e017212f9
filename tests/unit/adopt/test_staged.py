"""Some of a whole beside what is in force: nothing else of either changes. No server is needed."""

from __future__ import annotations

import pytest

from regent.adopt.needs import Declarations
from regent.adopt.staged import Staging, TooManyLeftAloneError
from regent.observed import ObservedMembership
from shared.resources import RegentSpec
from shared.state import DesiredState
from tests.declared import state

WHOLE = """
Permission/read: {database: mydb, schemas: [s], tables: [a], actions: [SELECT]}
Permission/write: {database: mydb, schemas: [s], tables: [a], actions: [INSERT]}
Role/readers: {database: mydb, permissions: [read], adopt: true}
Role/writers: {database: mydb, permissions: [write], memberOf: [{role: readers}], adopt: true}
Role/extra: {database: mydb, roleName: bob, defaultPrivileges:
  [{creator: writers, objects: tables, actions: [SELECT]}], adopt: true}
Role/public: {database: mydb, public: true, permissions: [read]}
User/alice: {roles: [readers], adopt: true}
User/bob: {roles: [extra], adopt: true}
User/carol: {roles: [writers], adopt: true}
"""
POLICY = {
    "publicPrivileges": {"other": "Declared"},
    "unmanagedRoles": "Disable",
    "ignoreRoles": ["v-*"],
}


def whole(text: str = WHOLE, **regent: object) -> DesiredState:
    return state(text, regent={**POLICY, **regent})


def member(group: str, name: str) -> ObservedMembership:
    return ObservedMembership(group, name, "owner", False, True, True)


MEMBERS = (member("readers", "alice"), member("readers", "writers"), member("writers", "carol"),
           member("readers", "stranger"))  # fmt: skip


def of(kind: str, *names: str) -> set[str]:
    return {f"{kind}/default/{name}" for name in names}


ALICE = frozenset(of("User", "alice"))


def test_what_is_named_comes_along_and_so_does_whoever_has_the_same_role() -> None:
    staged = Staging(None, whole()).with_chosen(of("User", "carol"))
    assert staged.choice.chosen == of("User", "carol")
    along = of("Role", "readers", "writers") | of("Permission", "read", "write")
    assert staged.choice.along == along
    assert staged.state.resources.keys() == along | of("User", "carol")
    bob = Staging(None, whole()).with_chosen(of("Role", "extra"))
    assert bob.choice.along == of("User", "bob"), "the Role alone would take his LOGIN"


def test_a_creator_comes_along_where_it_is_allowed_only_as_it_is_declared() -> None:
    some = Staging(None, whole(allow={"creators": ["root"]})).with_chosen(of("User", "bob"))
    assert of("Role", "writers", "readers") < some.choice.along
    named = Staging(None, whole(allow={"creators": ["writers"]})).with_chosen(of("User", "bob"))
    assert named.choice.along == of("Role", "extra")


def test_who_needs_what_is_refused_stays_out_and_nothing_of_it_comes_along() -> None:
    chosen = of("User", "alice", "carol")
    staged = Staging(None, whole()).with_chosen(chosen, of("Role", "writers"))
    assert staged.choice.chosen == ALICE
    assert staged.choice.lacking == {"User/default/carol": "Role/default/writers"}
    assert staged.state.resources.keys() == ALICE | of("Role", "readers") | of("Permission", "read")


def test_what_is_in_force_stays_as_it_is_whatever_the_whole_says_of_it() -> None:
    """What is no longer in it, too, and what it has in another form."""
    before = Staging(None, whole()).with_chosen(ALICE).state
    changed = WHOLE.replace("tables: [a], actions: [SELECT]", "tables: [b], actions: [SELECT]")
    changed = changed.replace("User/alice: {roles: [readers], adopt: true}\n", "")
    staged = Staging(before, whole(changed)).with_chosen(of("User", "carol"))
    assert before.resources.items() < staged.state.resources.items()
    assert staged.state.absent_means == "Deleted"
    assert not staged.state.resources.keys() & of("User", "bob")
    assert staged.stale == frozenset(), "she needs no other form of what she names"
    again = Staging(before, whole(changed)).with_chosen(of("Role", "readers"))
    assert again.stale == of("Permission", "read")
    assert (
        again.state.resources["Permission/default/read"]
        == before.resources["Permission/default/read"]
    )


def test_members_that_wait_are_left_alone_until_they_are_chosen() -> None:
    """And nobody else is: what nobody declares is taken from a group as ever."""
    first = Staging(None, whole(), MEMBERS).with_chosen(ALICE)
    assert first.spared == ("writers",)
    assert first.state.regent.spec.ignore_roles == ("v-*", "writers")
    assert first.pending == {"writers", "bob", "carol"}
    second = Staging(first.state, whole(), MEMBERS).with_chosen(of("Role", "writers"))
    assert second.spared == ("carol",)
    assert second.state.regent.spec.ignore_roles == ("v-*", "carol")
    third = Staging(second.state, whole(), MEMBERS).with_chosen(of("User", "carol"))
    assert third.state.regent.spec.ignore_roles == ("v-*",)


def test_more_members_than_a_regent_can_ignore_are_refused() -> None:
    users = "\n".join(f"User/u{n}: {{roles: [readers], adopt: true}}" for n in range(256))
    many = tuple(member("readers", f"u{n}") for n in range(256))
    with pytest.raises(TooManyLeftAloneError) as refused:
        Staging(None, whole(WHOLE + users), many).with_chosen(ALICE)
    assert "256" in str(refused.value)


def policy(spec: RegentSpec) -> tuple[object, ...]:
    return spec.public_privileges and spec.public_privileges.other, spec.unmanaged_roles


def test_nothing_is_done_to_everybody_before_all_that_speak_of_them_are_there() -> None:
    """PUBLIC waits for its Roles, `Disable` for everyone. In the end the Regent is as declared."""
    declared = whole()
    first = Staging(None, declared).with_chosen(ALICE).state
    assert policy(first.regent.spec) == (None, "Report")
    second = Staging(first, declared).with_chosen(of("Role", "public")).state
    assert policy(second.regent.spec) == ("Declared", "Report")
    last = Staging(second, declared).with_chosen(set(declared.resources)).state
    assert last.regent.spec == declared.regent.spec
    assert last.resources == declared.resources


def test_the_regent_in_force_stays_unless_the_other_one_is_asked_for() -> None:
    before = Staging(None, whole()).with_chosen(ALICE).state
    longer = whole(allow={"attributes": ["createdb"]})
    kept = Staging(before, longer).with_chosen(of("User", "bob"))
    assert (kept.state.regent.spec.allow, kept.differing) == (None, ("allow",))
    new = Staging(before, longer, with_regent=True).with_chosen(of("User", "bob"))
    assert (new.state.regent.spec.allow, new.differing) == (longer.regent.spec.allow, ())
    assert policy(new.state.regent.spec) == (None, "Report")


def test_who_disables_already_goes_on() -> None:
    disabling = Staging(whole(""), whole(), with_regent=True).with_chosen(ALICE)
    assert disabling.state.regent.spec.unmanaged_roles == "Disable"


def test_roles_are_told_by_their_names_in_postgresql() -> None:
    declared = Declarations(whole().resources)
    assert declared.roles_of(of("Role", "extra", "public") | of("User", "alice")) == {
        "alice", "bob"
    }  # fmt: skip
