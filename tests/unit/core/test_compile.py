"""One desired state per Regent, in which nothing is lost that could not be read (17, 18)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from controller.core.compile import Push, compile_states
from controller.local.directory import Tree
from shared.keys import ResourceKey
from shared.resources import Regent, UserSpec
from shared.scram import build
from shared.state import DesiredState, PasswordEntry, UserEntry, etag, parts_of
from tests.unit.core.manifests import (
    compiled,
    deleted,
    held,
    key,
    on,
    regent,
    resource,
    tree,
)

ONE = regent("one", "mydb")
BROKEN = resource("Role", "a", "{database: mydb, permisions: [p]}")


@pytest.mark.rule("18")
def test_a_resource_that_cannot_be_read_is_held_where_it_is_bound() -> None:
    found = tree(ONE, regent("two", "other"), BROKEN)
    result = compiled(found, {"Regent/one": ("Role/a",)})
    assert held(result, "one") == {"Role/a"}
    assert held(result, "two") == set()
    trouble = result.states[key("Regent/one")].held["Role/default/a"]
    assert trouble.reason == "Invalid"
    assert "permisions" in trouble.message
    assert "all.yaml:" in trouble.message
    outcome = result.outcomes[key("Role/a")]
    assert (outcome.state, outcome.reason) == ("Stalled", "Invalid")


@pytest.mark.rule("18")
def test_one_that_nobody_knows_is_held_by_every_regent_of_its_namespace() -> None:
    result = compiled(tree(ONE, regent("two", "other"), BROKEN))
    assert held(result, "one") == held(result, "two") == {"Role/a"}


@pytest.mark.rule("17")
def test_when_part_of_the_source_is_unreadable_nothing_absent_is_taken_for_gone() -> None:
    push = Push("directory", 1, "Deleted", is_whole=False)
    result = compiled(tree(ONE), {"Regent/one": ("Role/a", "User/u")}, push=push)
    assert held(result, "one") == {"Role/a", "User/u"}
    whole = compiled(tree(ONE), {"Regent/one": ("Role/a", "User/u")})
    assert (held(whole, "one"), deleted(whole, "one")) == (set(), set())
    assert whole.states[key("Regent/one")].absent_means == "Deleted"


@pytest.mark.rule("17")
def test_a_user_stays_when_the_file_of_its_role_cannot_be_read() -> None:
    """The Role may be declared where nobody could look, so the User did not lose it."""
    push = Push("directory", 1, "Deleted", is_whole=False)
    user = resource("User", "u", "{roles: [a]}")
    result = compiled(tree(ONE, user), {"Regent/one": ("Role/a", "User/u")}, push=push)
    assert (on(result, "one"), held(result, "one")) == ({"User/u"}, {"Role/a"})


@pytest.mark.rule("27")
def test_a_deletion_that_was_seen_is_named_also_while_the_object_is_still_there() -> None:
    push = Push("cluster", 3, "Vanished", deleted=frozenset({key("Role/a")}))
    result = compiled(tree(ONE, resource("Role", "a", "{database: mydb}")), push=push)
    assert (on(result, "one"), deleted(result, "one")) == (set(), {"Role/a"})


def test_the_state_names_its_origin_its_revision_and_its_regent() -> None:
    state = compiled(tree(ONE), push=Push("cluster", 3, "Vanished")).states[key("Regent/one")]
    assert (state.origin, state.revision, state.absent_means) == ("cluster", 3, "Vanished")
    assert (state.regent.key, state.regent.spec.database_name) == (key("Regent/one"), "mydb")


def test_the_same_declarations_in_another_order_are_the_same_state() -> None:
    role = resource("Role", "a", "{database: mydb}")
    other = resource("Role", "b", "{database: mydb}")
    first = compiled(tree(ONE, role, other)).states[key("Regent/one")]
    second = compiled(tree(other, role, ONE), push=Push("directory", 2, "Deleted")).states[
        key("Regent/one")
    ]
    assert parts_of(etag(first))[1] == parts_of(etag(second))[1]


def test_each_regent_gets_a_password_entry_of_its_own_and_the_wire_keeps_it() -> None:
    asked: list[tuple[str, str]] = []

    def passwords(regent: Regent, user: ResourceKey, spec: UserSpec) -> PasswordEntry | None:
        asked.append((regent.metadata.name, user.name))
        return PasswordEntry(verifier=build(regent.metadata.name, iterations=1))

    spec = "{database: mydb, regentSelector: {}, passwordSecretRef: {name: s, key: u}}"
    result = compiled(
        tree(ONE, regent("two", "mydb"), resource("User", "u", spec)), passwords=passwords
    )
    assert asked == [("one", "u"), ("two", "u")]
    state = result.states[key("Regent/one")]
    entry = DesiredState.model_validate(state.revealed()).resources["User/default/u"]
    assert isinstance(entry, UserEntry)
    assert entry == state.resources["User/default/u"]


@pytest.mark.rule("19a")
def test_a_user_with_leases_does_not_log_in_itself() -> None:
    """And its Regent hears of no leases."""
    made = "{secretName: s, mode: Dynamic, serviceAccounts: [api], maxTTL: 2h}"
    asked: list[UserSpec] = []

    def passwords(_regent: Regent, _user: ResourceKey, spec: UserSpec) -> PasswordEntry | None:
        asked.append(spec)
        return None

    user = resource("User", "u", f"{{database: mydb, credentials: {made}}}")
    state = compiled(tree(ONE, user), passwords=passwords).states[key("Regent/one")]
    entry = state.resources["User/default/u"]
    assert isinstance(entry, UserEntry)
    assert (entry.spec.is_enabled, entry.spec.credentials, entry.password) == (False, None, None)
    (spec,) = asked
    assert spec.credentials is not None


@pytest.mark.rule("28a")
def test_uids_are_said_where_an_api_server_gave_them_and_never_of_a_file() -> None:
    """Somebody may keep what `kubectl get -o yaml` printed."""
    role = resource("Role", "a", "{database: mydb}").replace("name: a,", "name: a, uid: u1,")
    for push, uid in (
        (Push("cluster", 1, "Vanished", has_uids=True), "u1"),
        (Push("directory", 1, "Deleted"), None),
    ):
        state = compiled(tree(ONE, role), push=push).states[key("Regent/one")]
        assert state.resources["Role/default/a"].uid == uid


@pytest.mark.rule("28a")
def test_what_went_to_another_regent_is_told_apart_from_what_was_deleted() -> None:
    push = Push("cluster", 1, "Vanished", deleted=frozenset({key("Role/gone")}))
    found = tree(ONE, regent("two", "other"), resource("Role", "a", "{database: other}"))
    result = compiled(found, {"Regent/one": ("Role/a", "Role/gone")}, push=push)
    state = result.states[key("Regent/one")]
    assert deleted(result, "one") == {"Role/a", "Role/gone"}
    assert state.elsewhere == ("Role/default/a",)


@pytest.mark.rule("17")
@pytest.mark.parametrize("changed", ["password", "spec", "nothing"])
def test_what_was_compiled_before_changes_nothing_but_the_time_it_takes(changed: str) -> None:
    """Neither a rotated password nor a new spec is taken from there."""
    verifiers = {name: build(name, iterations=1) for name in ("old", "new")}
    role, user = resource("Role", "r", "{database: mydb}"), "{roles: [r], connectionLimit: %d}"
    old, new = (tree(ONE, role, resource("User", "u", user % limit)) for limit in (1, 2))

    def states(
        found: Tree, password: str, before: Mapping[ResourceKey, DesiredState]
    ) -> Mapping[ResourceKey, DesiredState]:
        return compile_states(
            found.resources,
            bound={},
            passwords=lambda *_: PasswordEntry(verifier=verifiers[password]),
            push=Push("directory", 1, "Deleted"),
            before=before,
        ).states

    first = states(old, "old", {})
    now = new if changed == "spec" else old
    password = "new" if changed == "password" else "old"
    again = states(now, password, first)
    assert again == states(now, password, {})
    assert (again == first) == (changed == "nothing")
