"""A Regent that serves other namespaces: which resources it gets, by which entry (rules 1-4)."""

from __future__ import annotations

import pytest

from controller.core.compile import Push
from controller.core.namespaces import Namespaces
from shared.keys import ResourceKey
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

NAMED = "  allowedNamespaces: [{names: [team-a], allow: {}}]\n"
LABELLED = """\
  allowedNamespaces:
    - {names: [team-b], allow: {}}
    - {selector: {matchLabels: {access: shop}}, allow: {}}
"""
ROLE_A = resource("Role", "reader", "{database: shop}", "team-a")
ROLE_B = resource("Role", "reader", "{database: shop}", "team-b")
LABELS = Namespaces({"team-a": {"access": "shop"}, "team-b": {}})
UNREAD = Namespaces({}, "namespaces: the API server answered 403")


@pytest.mark.rule("3")
def test_a_regent_serves_the_namespaces_that_it_names_and_no_other() -> None:
    result = compiled(tree(regent("shop", "shop", NAMED), ROLE_A, ROLE_B))
    assert on(result, "shop") == {"Role/team-a/reader"}
    assert result.states[key("Regent/shop")].regent.namespaces == {"team-a": 0}
    assert reasons(result) == {"Role/team-b/reader": "NoRegent"}


@pytest.mark.rule("3")
def test_the_first_entry_that_names_or_selects_a_namespace_counts_for_it() -> None:
    labels = Namespaces({"team-a": {"access": "shop"}, "team-b": {"access": "shop"}})
    result = compiled(tree(regent("shop", "shop", LABELLED), ROLE_A, ROLE_B), namespaces=labels)
    assert result.states[key("Regent/shop")].regent.namespaces == {"team-a": 1, "team-b": 0}


@pytest.mark.rule("3", "18")
def test_a_namespace_that_loses_its_label_is_elsewhere_at_once_seen_or_not() -> None:
    bound = {"Regent/shop": ("Role/team-a/reader", "Role/team-a/gone", "Role/team-b/reader")}
    found = tree(regent("shop", "shop", LABELLED), ROLE_A, ROLE_B)
    without = Namespaces({"team-a": {}, "team-b": {}})
    vanishes = Push("cluster", 1, "Vanished")
    state = compiled(found, bound, push=vanishes, namespaces=without).states[key("Regent/shop")]
    assert set(state.resources) == {"Role/team-b/reader"}
    assert state.elsewhere == ("Role/team-a/gone", "Role/team-a/reader")
    assert state.regent.namespaces == {"team-b": 0}


@pytest.mark.rule("17", "20")
def test_of_a_namespace_that_is_gone_nothing_is_concluded() -> None:
    """A directory on a wrong branch has lost the namespace and its resources: that is counted."""
    bound = {"Regent/shop": ("Role/team-a/reader",)}
    result = compiled(tree(regent("shop", "shop", LABELLED)), bound, namespaces=Namespaces({}))
    state = result.states[key("Regent/shop")]
    assert (state.deleted, state.elsewhere) == ((), ())


@pytest.mark.rule("17")
def test_labels_that_cannot_be_read_are_not_taken_for_none() -> None:
    found = tree(regent("shop", "shop", LABELLED), regent("other", "other", NAMED), ROLE_A, ROLE_B)
    bound = {"Regent/shop": ("Role/team-a/reader",)}
    result = compiled(found, bound, namespaces=UNREAD)
    assert set(result.states) == {key("Regent/other")}
    assert "labels of namespace team-a: namespaces: the API" in result.unsure[key("Regent/shop")]
    assert reasons(result) == {}


@pytest.mark.rule("17", "20")
def test_what_is_there_without_its_namespace_holds_everything() -> None:
    """The file with the labels was moved: whoever meant an end says so by its labels."""
    found = tree(regent("shop", "shop", LABELLED), ROLE_A)
    result = compiled(found, {"Regent/shop": ("Role/team-a/reader",)})
    assert "kind: Namespace" in result.unsure[key("Regent/shop")]
    assert compiled(found).unsure == {}


@pytest.mark.rule("1")
def test_a_regent_of_its_own_namespace_comes_before_a_foreign_one_and_bound_stays_bound() -> None:
    own = regent("own", "shop", namespace="team-a")
    found = tree(regent("shop", "shop", NAMED), own, ROLE_A)
    own_key = ResourceKey("Regent", "team-a", "own")
    result = compiled(found)
    assert (on(result, "shop"), set(result.states[own_key].resources)) == (
        set(),
        {"Role/team-a/reader"},
    )
    result = compiled(found, {"Regent/shop": ("Role/team-a/reader",)})
    assert (on(result, "shop"), set(result.states[own_key].resources)) == (
        {"Role/team-a/reader"},
        set(),
    )


@pytest.mark.rule("1")
@pytest.mark.found("E219")
def test_what_was_on_a_regent_of_its_own_namespace_moves_to_no_foreign_one_by_itself() -> None:
    """Its Regent is made anew, and is away for seconds; a selector says that a move is meant."""
    user = resource("User", "alice", "{roles: [reader]}", "team-a")
    former = {
        f"{kind}/team-a/{name}": ("Regent/team-a/own",)
        for kind, name in (("Role", "reader"), ("User", "alice"))
    }
    foreign = regent("shop", "shop", NAMED, labels="{tier: shared}")
    result = compiled(tree(foreign, ROLE_A, user), former=former)
    assert on(result, "shop") == set()
    assert reasons(result) == dict.fromkeys(former, "RegentGone")
    said = result.outcomes[key("Role/team-a/reader")].message
    assert "Declare it again" in said
    assert "regentSelector" in said

    other = regent("own", "crm", namespace="team-a")
    result = compiled(tree(foreign, other, ROLE_A, user), former=former)
    assert "additionalDatabases" in result.outcomes[key("Role/team-a/reader")].message

    own = regent("own", "shop", namespace="team-a")
    back = compiled(tree(foreign, own, ROLE_A, user), former=former)
    assert set(back.states[key("Regent/team-a/own")].resources) == set(former)

    selecting = ROLE_A.replace("shop}", "shop, regentSelector: {matchLabels: {tier: shared}}}")
    moved = compiled(tree(foreign, selecting, user), former=former)
    assert on(moved, "shop") == set(former)


@pytest.mark.rule("1")
@pytest.mark.found("E219")
def test_what_was_on_a_regent_that_is_gone_is_for_its_successor_and_for_no_other() -> None:
    """Of its own namespace, too: staging may serve a database of the same name."""
    former = {"Role/reader": ("Regent/prod",)}
    role = resource("Role", "reader", "{database: shop}")
    staging, prod = regent("staging", "shop"), regent("prod", "shop")
    result = compiled(tree(staging, role), former=former)
    assert reasons(result) == {"Role/reader": "RegentGone"}
    assert "putnam120.postgregent/succeeds: prod" in result.outcomes[key("Role/reader")].message

    again = compiled(tree(staging, prod, role), former=former)
    assert (on(again, "staging"), on(again, "prod")) == (set(), {"Role/reader"})

    note = "annotations: {putnam120.postgregent/succeeds: prod}, labels"
    successor = compiled(tree(staging.replace("labels", note), role), former=former)
    assert on(successor, "staging") == {"Role/reader"}

    elsewhere = compiled(tree(staging, regent("prod", "other"), role), former=former)
    assert on(elsewhere, "staging") == {"Role/reader"}, "whoever is there was edited"


@pytest.mark.rule("1")
def test_two_foreign_regents_are_ambiguous_and_are_told_apart_by_their_namespaces() -> None:
    others = [regent("shop", "shop", NAMED, namespace=name) for name in ("platform", "second")]
    result = compiled(tree(*others, ROLE_A))
    assert reasons(result) == {"Role/team-a/reader": "AmbiguousRegent"}
    [outcome] = result.outcomes.values()
    assert "platform/shop, second/shop" in outcome.message


@pytest.mark.rule("1")
def test_a_selector_asks_for_every_regent_that_lets_the_namespace_in() -> None:
    of_all = resource("Role", "reader", "{database: shop, regentSelector: {}}", "team-a")
    others = (regent("one", "shop", NAMED), regent("two", "shop", NAMED), regent("no", "shop"))
    result = compiled(tree(*others, of_all))
    assert [on(result, name) for name in ("one", "two", "no")] == [
        {"Role/team-a/reader"},
        {"Role/team-a/reader"},
        set(),
    ]


@pytest.mark.rule("3", "18")
def test_a_broken_resource_of_another_namespace_is_held_where_it_is_bound_alone() -> None:
    broken = resource("Role", "reader", "{database: [shop]}", "team-a")
    found = tree(regent("shop", "shop", NAMED), broken)
    assert held(compiled(found), "shop") == set()
    bound = {"Regent/shop": ("Role/team-a/reader",)}
    assert held(compiled(found, bound), "shop") == {"Role/team-a/reader"}
    shut = tree(regent("shop", "shop"), broken)
    assert held(compiled(shut, bound), "shop") == set()
    assert deleted(compiled(shut, bound), "shop") == {"Role/team-a/reader"}


@pytest.mark.rule("3")
def test_names_are_looked_up_in_the_namespace_of_the_one_who_names_them() -> None:
    """A User cannot get around its bounds by naming a Role of the Regent's namespace."""
    platform = resource("Role", "admin", "{database: shop}")
    user = resource("User", "eve", "{roles: [admin]}", "team-a")
    result = compiled(tree(regent("shop", "shop", NAMED), platform, user))
    assert on(result, "shop") == {"Role/admin"}
    assert reasons(result) == {"User/team-a/eve": "RoleNotFound"}
