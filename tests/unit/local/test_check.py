"""What is wrong between resources that are each right by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.local.check import check
from controller.local.directory import read_directory
from shared.problems import Problem
from tests.unit.local.manifests import manifest, permission, regent, role, secret, user, write


def problems(folder: Path, *documents: str) -> list[Problem]:
    """The problems between these documents, which must be right by themselves."""
    tree = read_directory(write(folder, *documents))
    assert not tree.problems
    return list(check(tree))


def test_nothing_is_wrong_with_a_complete_set(tmp_path: Path) -> None:
    documents = (permission(), role("viewer", "read"), user("ann", "viewer"), regent(), secret())
    assert problems(tmp_path, *documents) == []


@pytest.mark.rule("18")
def test_an_unknown_permission_is_told_the_nearest(tmp_path: Path) -> None:
    found = problems(tmp_path, permission(), role("viewer", "read", "raed"), regent(), secret())
    [problem] = found
    assert (problem.field, problem.value) == ("spec.permissions[1]", "raed")
    assert problem.way_out == "did you mean read?"
    assert problem.severity == "error"


def test_an_unknown_role_is_an_error_too(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, user("ann", "nobody"), regent(), secret())
    assert (problem.field, problem.value) == ("spec.roles[0]", "nobody")


@pytest.mark.rule("3")
def test_names_are_looked_up_in_the_namespace_of_who_names_them(tmp_path: Path) -> None:
    elsewhere = manifest("Role", "viewer", "database: mydb", namespace="team")
    allowed = regent(more="allowedNamespaces: [{names: [team]}]")
    [problem] = problems(tmp_path, elsewhere, user("ann", "viewer"), allowed, secret())
    assert "namespace team" in problem.message


def test_what_names_a_resource_in_error_is_not_itself_wrong(tmp_path: Path) -> None:
    broken = permission().replace("CONNECT", "SELECT")
    tree = read_directory(write(tmp_path, broken, role("viewer", "read"), regent(), secret()))
    assert check(tree) == ()


@pytest.mark.rule("4")
def test_a_database_that_no_regent_serves_lists_those_served(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, permission(database="mydbb"), regent(), secret())
    assert problem.field == "spec.database"
    assert "served by no Regent" in problem.message
    assert "mydb (main)" in problem.way_out


@pytest.mark.rule("4")
def test_without_any_regent_the_way_out_is_to_add_one(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, permission())
    assert problem.way_out == "add a Regent that serves it"


@pytest.mark.rule("1")
def test_two_regents_for_one_database_are_ambiguous(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, permission(), regent("a"), regent("b"), secret())
    assert "several Regents: a, b" in problem.message


@pytest.mark.rule("1")
def test_a_selector_may_ask_for_every_regent(tmp_path: Path) -> None:
    text = manifest("Permission", "read", "database: mydb\nactions: [CONNECT]\nregentSelector: {}")
    assert problems(tmp_path, text, regent("a"), regent("b"), secret()) == []


@pytest.mark.rule("1")
def test_a_regent_of_its_own_namespace_comes_before_a_foreign_one(tmp_path: Path) -> None:
    foreign = regent("far", more="allowedNamespaces: [{names: [default]}]").replace(
        "name: far", "name: far\n  namespace: team"
    )
    found = problems(tmp_path, permission(), regent(), foreign, secret())
    assert {problem.severity for problem in found} == {"warning"}
    assert [problem.field for problem in found] == [
        "spec.adminPasswordSecretRef.name",  # team has no Secret s
    ]


@pytest.mark.rule("7")
def test_a_user_that_lists_the_role_of_its_name_is_that_role(tmp_path: Path) -> None:
    assert problems(tmp_path, role("ops"), user("ops", "ops"), regent(), secret()) == []


@pytest.mark.rule("7")
def test_a_user_with_the_name_of_a_role_it_does_not_list_is_a_conflict(tmp_path: Path) -> None:
    documents = (role("ops"), role("viewer"), user("ops", "viewer"), regent(), secret())
    [problem] = problems(tmp_path, *documents)
    assert "NameConflict: Role/default/ops" in problem.message
    assert (problem.field, problem.value) == ("metadata.name", "ops")


@pytest.mark.rule("7")
def test_two_roles_with_one_postgres_name_are_a_conflict(tmp_path: Path) -> None:
    documents = (role("a", more="roleName: ops"), role("b", more="roleName: ops"))
    [problem] = problems(tmp_path, *documents, regent(), secret())
    assert (problem.resource, problem.field) == ("Role default/b", "spec.roleName")


@pytest.mark.rule("9")
def test_nobody_may_be_named_like_the_admin(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, role("boss"), regent(), secret())
    assert "is the admin of Regent main" in problem.message


@pytest.mark.rule("19")
@pytest.mark.parametrize(
    ("reference", "field", "message"),
    [
        ("{name: t, key: admin}", "spec.passwordSecretRef.name", "is no Secret"),
        ("{name: s, key: amin}", "spec.passwordSecretRef.key", "is no key of Secret default/s"),
    ],
)
def test_a_missing_secret_is_a_warning(
    tmp_path: Path, reference: str, field: str, message: str
) -> None:
    documents = (role(), user("ann", "viewer", more=f"passwordSecretRef: {reference}"))
    [problem] = problems(tmp_path, *documents, regent(), secret())
    assert (problem.severity, problem.field) == ("warning", field)
    assert message in problem.message


@pytest.mark.found("E80")
def test_a_missing_secret_of_a_regent_is_not_told_as_a_users_password(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, role(), user("ann", "viewer"), regent())
    assert problem.field == "spec.adminPasswordSecretRef.name"
    assert "cannot log in" in problem.way_out


@pytest.mark.rule("19")
def test_a_secret_that_is_not_selected_names_the_label(tmp_path: Path) -> None:
    selecting = regent(more="secretsSelector: {team: a}")
    [problem] = problems(tmp_path, selecting, secret(labels="{team: b}"))
    assert "SecretNotSelected" in problem.message
    assert "team: a" in problem.message


@pytest.mark.found("E172")
def test_what_stands_in_no_schema_is_told_where_schemas_are_bounded(tmp_path: Path) -> None:
    lo = manifest("Permission", "lo", "database: mydb\nlargeObjects: [1]\nactions: [SELECT]")
    bounded = regent(more="allow: {schemas: [app]}")
    [problem] = problems(tmp_path, permission(), lo, bounded, secret())
    assert (problem.field, problem.severity) == ("spec.largeObjects", "warning")
    assert "no largeObjects in spec.allow.outsideSchemas" in problem.message
    for allow in ("{schemas: [app], outsideSchemas: [largeObjects]}", '{schemas: ["*"]}'):
        assert problems(tmp_path, permission(), lo, regent(more=f"allow: {allow}"), secret()) == []


EVERYBODY = "public: true"
UNTIL = 'until: "2027-01-01T00:00:00Z", reason: why'


@pytest.mark.found("E250")
@pytest.mark.parametrize(
    ("documents", "field", "value", "severity"),
    [
        (
            [role("all", "read", more=EVERYBODY), user("ann", "all")],
            "spec.roles[0]", "all", "error",
        ),
        (
            [
                role("all", "read", more=EVERYBODY), role("viewer", "read"),
                user("ann", "viewer", more=f"access: [{{role: all, {UNTIL}}}]"),
            ],
            "spec.access[0].role", "all", "error",
        ),
        (
            [role("viewer", more="defaultPrivileges: [{creator: public, objects: tables, actions: "
                                 "[SELECT]}]")],
            "spec.defaultPrivileges[0].creator", "public", "error",
        ),
        (
            [role("viewer", "read", more="memberOf: [{role: public}]")],
            "spec.memberOf[0].role", "public", "error",
        ),
        (
            [
                manifest("Permission", "pass-on", "database: mydb\nactions: [CONNECT]\n"
                                                  "withGrantOption: true"),
                role("all", "pass-on", more=EVERYBODY),
            ],
            "spec.permissions[0]", "pass-on", "warning",
        ),
    ],
)  # fmt: skip
def test_what_public_cannot_be_is_said_before_there_is_a_server(
    tmp_path: Path, documents: list[str], field: str, value: str, severity: str
) -> None:
    """Seen: valid, and the plan's way out was to create the role 'public'."""
    opened = regent(more="publicPrivileges: {connect: Declared}")
    [problem] = problems(tmp_path, permission(), *documents, opened, secret())
    assert (problem.field, problem.value, problem.severity) == (field, value, severity)
