"""Which Regent gets what (rules 1, 2, 4)."""

from __future__ import annotations

import pytest

from shared.state import DesiredState, UserEntry
from tests.unit.core.manifests import (
    compiled,
    deleted,
    held,
    key,
    on,
    reasons,
    regent,
    resource,
    tree,
)

READ = "{database: mydb, actions: [CONNECT]}"


@pytest.mark.rule("1")
def test_a_permission_and_a_role_belong_to_the_regent_that_serves_their_database() -> None:
    result = compiled(
        tree(
            regent("one", "mydb"),
            regent("two", "other", "  additionalDatabases: [third]\n"),
            resource("Permission", "p", READ),
            resource("Role", "a", "{database: mydb, permissions: [p]}"),
            resource("Role", "b", "{database: third}"),
        )
    )
    assert on(result, "one") == {"Permission/p", "Role/a"}
    assert on(result, "two") == {"Role/b"}
    assert result.outcomes == {}


@pytest.mark.rule("4")
def test_without_a_regent_the_outcome_names_the_databases_that_are_served() -> None:
    result = compiled(tree(regent("one", "mydb"), resource("Role", "a", "{database: mydbb}")))
    outcome = result.outcomes[key("Role/a")]
    assert (outcome.state, outcome.reason) == ("Stalled", "NoRegent")
    assert "mydbb" in outcome.message
    assert "served are mydb." in outcome.message


@pytest.mark.rule("3")
def test_another_namespace_gets_nothing() -> None:
    result = compiled(
        tree(regent("one", "mydb"), resource("Role", "a", "{database: mydb}", "elsewhere"))
    )
    assert on(result, "one") == set()
    assert reasons(result) == {"Role/elsewhere/a": "NoRegent"}


@pytest.mark.rule("1")
def test_a_new_regent_never_gets_what_is_bound_to_another() -> None:
    """Production stays with production when staging appears beside it; the unbound is ambiguous."""
    found = tree(
        regent("production", "mydb"),
        regent("staging", "mydb"),
        resource("Role", "a", "{database: mydb}"),
        resource("Role", "b", "{database: mydb}"),
    )
    result = compiled(found, {"Regent/production": ("Role/a",)})
    assert on(result, "production") == {"Role/a"}
    assert on(result, "staging") == set()
    assert reasons(result) == {"Role/b": "AmbiguousRegent"}
    assert "production, staging" in result.outcomes[key("Role/b")].message


@pytest.mark.rule("1")
@pytest.mark.parametrize(
    ("selector", "regents"),
    [("{}", {"one", "two"}), ("{matchLabels: {tier: b}}", {"two"})],
)
def test_a_selector_asks_for_every_match(selector: str, regents: set[str]) -> None:
    spec = f"{{database: mydb, regentSelector: {selector}}}"
    result = compiled(
        tree(
            regent("one", "mydb", labels="{tier: a}"),
            regent("two", "mydb", labels="{tier: b}"),
            resource("Role", "a", spec),
            resource("User", "u", "{roles: [a]}"),
        )
    )
    for name in ("one", "two"):
        assert on(result, name) == ({"Role/a", "User/u"} if name in regents else set())


@pytest.mark.rule("1")
def test_a_selector_that_matches_nothing_is_said() -> None:
    spec = "{database: mydb, regentSelector: {matchLabels: {tier: b}}}"
    result = compiled(tree(regent("one", "mydb"), resource("Role", "a", spec)))
    assert "labels of regentSelector" in result.outcomes[key("Role/a")].message


@pytest.mark.rule("2")
def test_a_user_is_on_the_regents_of_its_roles_each_of_which_hears_only_of_its_own() -> None:
    result = compiled(
        tree(
            regent("one", "mydb"),
            regent("two", "other"),
            resource("Permission", "p", READ),
            resource("Role", "a", "{database: mydb}"),
            resource("Role", "b", "{database: other}"),
            resource("User", "u", "{roles: [a, b], permissions: [p]}"),
        )
    )
    assert on(result, "one") == {"Permission/p", "Role/a", "User/u"}
    assert on(result, "two") == {"Role/b", "User/u"}
    one, two = (
        result.states[key(f"Regent/{n}")].resources["User/default/u"] for n in ("one", "two")
    )
    assert isinstance(one, UserEntry)
    assert isinstance(two, UserEntry)
    assert (one.spec.roles, one.spec.permissions) == (("a",), ("p",))
    assert (two.spec.roles, two.spec.permissions) == (("b",), ())


@pytest.mark.rule("1")
def test_a_user_without_roles_is_where_its_database_is() -> None:
    result = compiled(
        tree(regent("one", "mydb"), regent("two", "x"), resource("User", "u", "{database: mydb}"))
    )
    assert (on(result, "one"), on(result, "two")) == ({"User/u"}, set())


@pytest.mark.found("E123")
@pytest.mark.rule("1")
def test_a_user_with_a_database_elsewhere_than_its_roles_is_where_its_roles_are() -> None:
    """Its database counts when it lists no roles; it was made on both, and checked on one."""
    result = compiled(
        tree(
            regent("one", "mydb"),
            regent("two", "other"),
            resource("Role", "b", "{database: other}"),
            resource("User", "u", "{database: mydb, roles: [b]}"),
        )
    )
    assert (on(result, "one"), on(result, "two")) == (set(), {"Role/b", "User/u"})


@pytest.mark.rule("1")
def test_a_user_whose_last_role_on_a_regent_goes_is_deleted_there() -> None:
    found = tree(
        regent("one", "mydb"),
        regent("two", "other"),
        resource("Role", "a", "{database: mydb}"),
        resource("Role", "b", "{database: other}"),
        resource("User", "u", "{roles: [a]}"),
    )
    result = compiled(
        found, {"Regent/one": ("Role/a", "User/u"), "Regent/two": ("Role/b", "User/u")}
    )
    assert deleted(result, "two") == {"User/u"}
    assert deleted(result, "one") == set()


@pytest.mark.rule("18")
def test_a_user_stays_where_it_is_while_its_role_was_never_seen_or_cannot_be_read() -> None:
    user = resource("User", "u", "{roles: [a]}")
    bound = {"Regent/one": ("User/u",)}
    assert on(compiled(tree(regent("one", "mydb"), user), bound), "one") == {"User/u"}
    broken = resource("Role", "a", "{database: mydb, nonsense: 1}")
    result = compiled(
        tree(regent("one", "mydb"), user, broken), {"Regent/one": ("User/u", "Role/a")}
    )
    assert (on(result, "one"), held(result, "one")) == ({"User/u"}, {"Role/a"})
    new = compiled(tree(regent("one", "mydb"), user))
    assert (on(new, "one"), reasons(new)) == (set(), {"User/u": "RoleNotFound"})


@pytest.mark.found("E174")
@pytest.mark.rule("18")
def test_a_user_goes_with_its_last_role_that_was_seen_and_is_gone() -> None:
    """And says so: it is declared, and cannot log in."""
    found = tree(regent("one", "mydb"), resource("User", "u", "{roles: [a]}"))
    result = compiled(found, {"Regent/one": ("Role/a", "User/u")})
    assert on(result, "one") == set()
    assert deleted(result, "one") == {"User/u"}
    (said,) = (one.message for key, one in result.outcomes.items() if key.kind == "User")
    assert "it has no login, and one that it had ends" in said
    assert "spec.database" in said


@pytest.mark.rule("1")
def test_what_a_broken_regent_holds_goes_to_no_other() -> None:
    found = tree(
        regent("one", "mydb", "  nonsense: 1\n"),
        regent("two", "mydb"),
        resource("Role", "a", "{database: mydb}"),
        resource("User", "u", "{roles: [a]}"),
    )
    result = compiled(found, {"Regent/one": ("Role/a", "User/u")})
    assert set(result.states) == {key("Regent/two")}
    assert on(result, "two") == set()
    assert reasons(result) == {
        "Regent/one": "Invalid",
        "Role/a": "RegentInvalid",
        "User/u": "RegentInvalid",
    }


@pytest.mark.rule("1")
def test_permissions_go_along_with_the_role_that_names_them_also_to_several_regents() -> None:
    result = compiled(
        tree(
            regent("one", "mydb"),
            regent("two", "mydb"),
            resource("Permission", "p", READ),
            resource("Permission", "far", "{database: nowhere, actions: [CONNECT]}"),
            resource("Role", "a", "{database: mydb, permissions: [p, far], regentSelector: {}}"),
        )
    )
    for name in ("one", "two"):
        assert on(result, name) == {"Permission/p", "Permission/far", "Role/a"}
    assert reasons(result)["Permission/far"] == "NoRegent"


@pytest.mark.rule("2")
def test_a_user_that_has_a_role_for_a_while_elsewhere_is_a_valid_user_there_too() -> None:
    access = "[{role: a, until: '2030-01-01T00:00:00Z', reason: r}]"
    result = compiled(
        tree(
            regent("one", "mydb"),
            regent("two", "other"),
            resource("Role", "a", "{database: mydb}"),
            resource("Role", "b", "{database: other}"),
            resource("User", "u", f"{{roles: [b], access: {access}}}"),
        )
    )
    for name in ("one", "two"):
        state = result.states[key(f"Regent/{name}")]
        assert DesiredState.model_validate(state.revealed()) == state
    user = result.states[key("Regent/one")].resources["User/default/u"]
    assert isinstance(user, UserEntry)
    assert [access.role for access in user.spec.access] == ["a"]
    assert user.spec.roles == ()
