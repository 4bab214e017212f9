"""Who speaks for PUBLIC, and of which rights (rule 11)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from regent.observed import ObservedMembership
from regent.resolve import Resolution
from shared.privileges import PublicRight
from tests.declared import mark, resolved, role, server, state

TEXT = """
Permission/in: {database: mydb, actions: [CONNECT, TEMPORARY]}
Permission/disks: {database: mydb, tablespaces: [fast], actions: [CREATE]}
Role/reader: {database: mydb, permissions: [in]}
Role/everybody: {database: mydb, public: true, permissions: [in]}
"""
EVERY = {right.value: "Declared" for right in PublicRight}


def of(text: str = TEXT, rights: dict[str, str] | None = None, **more: Any) -> Resolution:
    regent = {"publicPrivileges": EVERY if rights is None else rights}
    return resolved(state(text, regent=regent, **more))


def said_of(found: Resolution, key: str) -> tuple[str, str]:
    outcome = found.outcomes[key]
    return outcome.reason, outcome.message


@pytest.mark.rule("11")
def test_public_has_with_others_what_they_have_and_less_where_a_right_is_ignored() -> None:
    [grant] = of().desired.grants["mydb"][1:]
    assert (grant.grantees, grant.permission.name) == (("reader", None), "in")
    found = of(rights={"connect": "Declared"})
    assert found.desired.public == {PublicRight.CONNECT}
    of_reader, of_public = found.desired.grants["mydb"][1:]
    assert of_reader.grantees == ("reader",)
    assert of_public.grantees == (None,)
    assert of_public.privileges == {"CONNECT"}
    reason, message = said_of(found, "Role/default/everybody")
    assert reason == "NotAllowed"
    assert "TEMPORARY on databases" in message
    assert "spec.publicPrivileges.temporary" in message
    assert said_of(found, "Role/default/reader")[0] == "Applying"


@pytest.mark.rule("11")
def test_what_the_server_shares_and_the_grant_option_are_not_for_public() -> None:
    shared = of(TEXT.replace("true, permissions: [in]", "true, permissions: [disks]"))
    assert "the whole server shares" in said_of(shared, "Role/default/everybody")[1]
    found = of(TEXT.replace("TEMPORARY]}", "TEMPORARY], withGrantOption: true}"))
    of_reader, of_public = found.desired.grants["mydb"][1:]
    assert (of_reader.grantable, of_public.grantable) == (True, False)
    reason, message = said_of(found, "Role/default/everybody")
    assert (reason, "withGrantOption" in message) == ("Unsupported", True)


@pytest.mark.rule("3", "11")
def test_another_namespace_does_not_speak_for_public() -> None:
    text = TEXT.replace("Role/everybody", "Role/theirs/everybody")
    text = text.replace("Permission/in", "Permission/theirs/in")
    allow = {"databases": ["mydb"], "actions": ["CONNECT", "TEMPORARY"], "names": ["*"]}
    regent = {
        "publicPrivileges": EVERY,
        "allowedNamespaces": [{"names": ["theirs"], "allow": allow}],
    }
    found = resolved(state(text, regent=regent, namespaces={"theirs": 0}))
    assert found.desired.public_declared_by == ()
    assert not any(None in one.grantees for one in found.desired.grants["mydb"])
    reason, message = said_of(found, "Role/theirs/everybody")
    assert (reason, "own namespace, 'default'" in message) == ("NotAllowed", True)


@pytest.mark.found("E210")
def test_a_public_role_declares_no_role_of_its_name() -> None:
    regent = {"unmanagedRoles": "Report"}
    on = server(role("everybody", login=True))
    found = resolved(state(TEXT, regent=regent), on=on)
    assert [one.name for one in found.unmanaged.roles] == ["everybody"]


@pytest.mark.found("E211")
def test_who_lists_a_public_role_stays_in_no_role_of_its_name() -> None:
    text = TEXT + "User/ann: {roles: [reader, everybody]}\n"
    on = replace(
        server(role("everybody"), role("ann"), role("reader")),
        memberships=(ObservedMembership("everybody", "ann", "my-admin", admin=False),),
    )
    marks = (mark("ann", "User/ann"), mark("reader", "Role/reader"))
    found = resolved(state(text), on=on, marks=marks)
    assert found.desired.undecided == frozenset()
    assert "nobody is a member of it" in said_of(found, "User/default/ann")[1]
