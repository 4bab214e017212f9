"""What default privileges `allow` lets through, and what becomes of each entry (rule 12)."""

from __future__ import annotations

from typing import Any

import pytest

from regent.desired import DeclaredDefault
from shared.privileges import ObjectKind
from tests.declared import accepted, resolved, role, server, state

PLAIN = server(role("owner"), role("boss", superuser=True))


def found(
    entry: str, *, major: int = 18, **regent: Any
) -> tuple[tuple[DeclaredDefault, ...], str, str]:
    """What is declared, and the reason and message of the Role."""
    text = (
        f"Role/reader: {{database: mydb, defaultPrivileges: [{{{entry}}}]}}\n"
        "Role/maker: {database: mydb}\n"
    )
    on = server(*PLAIN.roles.values(), major=major)
    resolution = resolved(accepted(state(text, regent=regent)), on=on)
    said = resolution.outcomes["Role/default/reader"]
    return resolution.desired.defaults.get("mydb", ()), said.reason, said.message


def test_each_schema_is_one_declaration_and_none_is_everywhere() -> None:
    some, _, _ = found("creator: owner, schemas: [a, b], objects: tables, actions: [SELECT]")
    assert [(one.schema, one.kind, *one.privileges) for one in some] == [
        ("a", ObjectKind.TABLE, "SELECT"), ("b", ObjectKind.TABLE, "SELECT"),
    ]  # fmt: skip
    [one], reason, _ = found("creator: maker, objects: types, actions: [ALL]")
    assert (one.creator, one.schema, *one.privileges, reason) == (
        "maker", None, "USAGE", "Applying",
    )  # fmt: skip


@pytest.mark.rule("12")
@pytest.mark.parametrize(
    ("entry", "regent", "said"),
    [
        ("creator: boss, objects: tables, actions: [SELECT]", {}, "spec.allow.creators"),
        (
            "creator: postgregent_owner, objects: tables, actions: [SELECT]",
            {"allow": {"creators": ["postgregent_owner"]}},
            "PostgRegent's own role",
        ),
        (
            "creator: owner, objects: tables, actions: [SELECT]",
            {"allow": {"creators": ["app_*"]}},
            "not in spec.allow.creators",
        ),
        (
            "creator: owner, schemas: [b], objects: tables, actions: [SELECT]",
            {"allow": {"schemas": ["a"]}},
            "not in spec.allow.schemas",
        ),
        (
            "creator: owner, objects: tables, actions: [SELECT]",
            {"allow": {"schemas": ["a"]}},
            "List the schemas here",
        ),
        (
            "creator: owner, objects: tables, actions: [SELECT]",
            {"ignoreSchemas": ["cron"]},
            "spec.ignoreSchemas",
        ),
        (
            "creator: owner, objects: schemas, actions: [CREATE]",
            {"allow": {"schemas": ["a*"]}},
            "every new schema",
        ),
        (
            "creator: owner, objects: tables, actions: [SELECT, INSERT]",
            {"allow": {"actions": ["SELECT"]}},
            "INSERT is not in spec.allow.actions",
        ),
        (
            "creator: owner, objects: largeObjects, actions: [SELECT]",
            {"allow": {"schemas": ["a"]}},
            "largeObjects is not in spec.allow.outsideSchemas",
        ),
        (
            "creator: owner, objects: tables, actions: [SELECT]",
            {"allow": {"databases": ["other"]}},
            "spec.allow.databases",
        ),
    ],
)
def test_what_allow_does_not_list_is_not_given(
    entry: str, regent: dict[str, Any], said: str
) -> None:
    some, reason, message = found(entry, **regent)
    assert (some, reason) == ((), "NotAllowed")
    assert said in message
    assert message.startswith("spec.defaultPrivileges[0].")


def test_what_allow_lists_is_given() -> None:
    for entry, allow in (
        ("creator: boss, objects: tables, actions: [SELECT]", {"creators": ["boss"]}),
        ("creator: maker, objects: tables, actions: [SELECT]", {"creators": []}),
        ("creator: owner, objects: schemas, actions: [USAGE]", {"schemas": ["*"]}),
        (
            "creator: owner, objects: largeObjects, actions: [SELECT]",
            {"schemas": ["a"], "outsideSchemas": ["largeObjects"]},
        ),
    ):
        assert len(found(entry, allow=allow)[0]) == 1, entry


def test_what_the_server_does_not_have_is_said() -> None:
    some, reason, message = found(
        "creator: owner, objects: largeObjects, actions: [SELECT]", major=17
    )
    assert (some, reason) == ((), "Unsupported")
    assert "from PostgreSQL 18 on" in message
    [one], reason, _ = found(
        "creator: owner, objects: tables, actions: [SELECT, MAINTAIN]", major=16
    )
    assert (set(one.privileges), reason) == ({"SELECT"}, "Unsupported")


def test_a_missing_creator_is_waited_for_and_is_declared_all_the_same() -> None:
    [one], reason, message = found("creator: ghost, objects: tables, actions: [SELECT]")
    assert (one.creator, reason) == ("ghost", "RoleNotFound")
    assert "'ghost'" in message


def test_a_role_needs_nothing_of_itself() -> None:
    some, reason, _ = found("creator: reader, objects: tables, actions: [SELECT]")
    assert (some, reason) == ((), "Applying")
