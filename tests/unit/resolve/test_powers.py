"""On whose tables REFERENCES and TRIGGER are not given, as they are code of the owner (ADR 48)."""

from __future__ import annotations

from typing import Any

import pytest

from regent.desired import OwnersCode
from tests.declared import mark, resolved, role, server, state

ON = server(
    role("boss", superuser=True),
    role("maker", createrole=True),
    role("base", createdb=True),
    role("old", oid=5, replication=True),
    role("plain"),
)
ASKED = {"boss", "maker", "base", "old", "new", "plain", "my-admin", "postgregent_owner"}
MARKS = (mark("old", "Role/new", oid=5),)
READ = "{database: mydb, schemas: [s], tables: [t], actions: [SELECT, REFERENCES, ALL]}"
WANTED = f"Permission/p: {READ}\nRole/new: {{database: mydb, permissions: [p]}}\n"


def bound(
    allow: dict[str, Any] | None = None, text: str = WANTED, **more: Any
) -> OwnersCode | None:
    """What is not given of the first Permission."""
    regent = {"allow": allow, **more.pop("regent", {})} if allow is not None else {}
    found = resolved(state(text, regent=regent, **more), marks=MARKS, on=ON)
    return found.desired.grants["mydb"][0].owners_code


@pytest.mark.found("E221")
@pytest.mark.rule("12")
def test_it_is_not_given_where_the_owner_has_a_power_that_the_author_may_not_give() -> None:
    """Under the name that a role will have, too; and CREATEDB is open."""
    code = bound()
    assert code is not None
    assert ASKED - code.owners == {"base", "plain"}
    assert code.privileges == {"REFERENCES", "TRIGGER"}
    assert code.named == {"REFERENCES"}
    some = bound({"attributes": ["createrole", "replication"]})
    assert some is not None
    assert ASKED - some.owners == {"maker", "old", "new", "plain"}
    assert bound({"attributes": ["superuser"]}) is None


@pytest.mark.found("E221")
def test_a_list_of_actions_opens_what_it_has_by_name() -> None:
    code = bound({"actions": ["ALL", "SELECT", "REFERENCES"]})
    assert code is not None
    assert code.privileges == {"TRIGGER"}
    assert code.named == frozenset()
    assert bound({"actions": ["ALL", "SELECT", "REFERENCES", "TRIGGER"]}) is None


@pytest.mark.found("E221")
@pytest.mark.rule("3")
def test_another_namespace_needs_it_in_both_lists() -> None:
    """And CREATEDB is open there only where its entry lists it."""
    text = WANTED.replace("/p:", "/team/p:").replace("/new:", "/team/new:")
    entry = {"names": ["team"], "allow": {
        "databases": ["mydb"], "schemas": ["s"], "names": ["*"],
        "actions": ["ALL", "SELECT", "REFERENCES"],
    }}  # fmt: skip
    code = bound(
        {"actions": ["ALL", "SELECT", "REFERENCES", "TRIGGER"]},
        text,
        regent={"allowedNamespaces": [entry]},
        namespaces={"team": 0},
    )
    assert code is not None
    assert code.privileges == {"TRIGGER"}
    assert code.where == "spec.allowedNamespaces[0].allow"
    assert "base" in code.owners
