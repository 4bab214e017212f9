"""PUBLIC on one ACL: given and taken right by right, by whoever gave it (rule 11)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from regent.changes import GrantPrivileges, RevokePrivileges
from regent.desired import DeclaredGrant, Desired, DesiredRole
from regent.kinds import KINDS
from regent.observed import AclItem, ObjectGroup, Observed, ObservedDatabase, ObservedServer
from regent.plan import plan
from shared.keys import ResourceKey
from shared.privileges import ObjectKind, PublicRight
from tests import declared as servers

EVERY = frozenset(PublicRight)
ROUTINE, TABLE, DATABASE = ObjectKind.ROUTINE, ObjectKind.TABLE, ObjectKind.DATABASE
SPEAKER = ResourceKey("Role", "default", "everybody")
PERMISSION = ResourceKey("Permission", "default", "p")


def item(grantee: str | None, privileges: str, by: str = "owner", options: str = "") -> AclItem:
    return AclItem(grantee, by, frozenset(privileges.split()), frozenset(options.split()))


def group(kind: ObjectKind, *acl: AclItem, **more: object) -> ObjectGroup:
    own = item("owner", " ".join(KINDS[kind].privileges))
    one = ObjectGroup(kind, "app", "owner", (own, *acl), ("one",), (7,))
    return replace(one, **more)  # type: ignore[arg-type]


def planned(
    *groups: ObjectGroup,
    rights: Iterable[PublicRight] = EVERY,
    grants: tuple[DeclaredGrant, ...] = (),
    server: ObservedServer | None = None,
) -> list[tuple[str, tuple[str | None, ...], frozenset[str]]]:
    root = servers.role("root", superuser=True)
    server = server or servers.server(servers.role("owner"), servers.role("giver"), root)
    desired = Desired(
        grants={"mydb": grants},
        public=frozenset(rights),
        public_in=frozenset({"mydb"}),
        public_declared_by=(SPEAKER,),
    )
    found = plan(desired, Observed(server, {"mydb": ObservedDatabase("mydb", groups)}))
    assert all(one.causes for one in found.changes)
    return [
        ("give" if isinstance(one, GrantPrivileges) else one.grantor, one.grantees, one.privileges)
        for one in found.changes
        if isinstance(one, GrantPrivileges | RevokePrivileges)
    ]


EXECUTE = frozenset({"EXECUTE"})


@pytest.mark.rule("11")
def test_what_is_spurious_is_taken_from_whoever_gave_it() -> None:
    by_both = group(
        ROUTINE, item(None, "EXECUTE"), item("giver", "EXECUTE", options="EXECUTE"),
        item(None, "EXECUTE", by="giver"),
    )  # fmt: skip
    assert sorted(planned(by_both)) == [
        ("giver", (None,), EXECUTE), ("owner", (None,), EXECUTE),
    ]  # fmt: skip
    assert planned(by_both, rights=EVERY - {PublicRight.EXECUTE}) == []


@pytest.mark.rule("9", "11")
def test_extensions_and_what_no_declaration_reaches_keep_what_they_have() -> None:
    meant = DeclaredGrant(PERMISSION, ROUTINE, (None,), EXECUTE, ("app",), ("*",), extensions=True)
    of_extension = group(ROUTINE, is_extension_member=True)
    for owner in ("root", "my-admin"):
        item_of = item(None, "EXECUTE", by=owner)
        assert planned(replace(of_extension, owner=owner, acl=(item_of,))) == []
    assert planned(group(ROUTINE, is_extension_member=True), grants=(meant,)) == [
        ("give", (None,), EXECUTE)
    ]
    catalog = group(TABLE, item(None, "SELECT"), schema="pg_catalog", is_out_of_reach=True)
    assert planned(catalog) == []
    for schema in ("information_schema", "postgregent"):
        assert planned(group(TABLE, item(None, "SELECT"), schema=schema)) == []


@pytest.mark.rule("11")
@pytest.mark.parametrize("kind", list(ObjectKind))
def test_each_privilege_is_in_one_right_or_of_the_whole_server(kind: ObjectKind) -> None:
    row = KINDS[kind]
    found = {one: [r for r in EVERY if one in row.privileges_of({r})] for one in row.privileges}
    most = 0 if kind in (ObjectKind.TABLESPACE, ObjectKind.PARAMETER) else 1
    assert {len(rights) for rights in found.values()} == {most}
    assert row.of_public.keys() <= row.privileges


def connected(*roles: str, **more: object) -> ObservedServer:
    acl = (item("owner", "CONNECT TEMPORARY CREATE"), item(None, "CONNECT TEMPORARY"))
    one = ObjectGroup(DATABASE, None, "owner", acl, ("mydb",), (5,))
    known = [servers.role(name, login=True) for name in ("owner", *roles)]
    server = servers.server(*known)
    here = {"mydb": frozenset(roles), "other": frozenset({"elsewhere"})}
    return replace(server, databases=(one,), connected_to=here, **more)  # type: ignore[arg-type]


@pytest.mark.rule("11")
def test_connect_stays_for_whoever_is_connected_here_and_for_the_admin() -> None:
    both = ("owner", (None,), frozenset({"CONNECT", "TEMPORARY"}))
    temporary = ("owner", (None,), frozenset({"TEMPORARY"}))
    assert planned(server=connected()) == [both]
    assert planned(server=connected("owner")) == [both]
    assert planned(server=connected("stranger")) == [temporary]
    admin = replace(servers.role("my-admin"), login=True)
    poor = connected()
    poor = replace(poor, admin_is_superuser=False, roles={**poor.roles, "my-admin": admin})
    changes = planned(server=poor)
    assert all("CONNECT" not in privileges for _, _, privileges in changes)


@pytest.mark.rule("11", "22")
def test_who_is_declared_gets_it_before_public_loses_it() -> None:
    reader = DesiredRole("reader", SPEAKER, (SPEAKER,))
    connect = frozenset({"CONNECT"})
    grant = DeclaredGrant(PERMISSION, DATABASE, ("reader",), connect)
    desired = Desired(
        roles={"reader": reader},
        grants={"mydb": (grant,)},
        public=frozenset({PublicRight.CONNECT}),
        public_in=frozenset({"mydb"}),
    )
    server = connected("reader")
    found = plan(desired, Observed(server, {})).changes
    of_privileges = [one for one in found if isinstance(one, GrantPrivileges | RevokePrivileges)]
    assert [(type(one), one.grantees) for one in of_privileges] == [
        (GrantPrivileges, ("reader",)), (RevokePrivileges, (None,)),
    ]  # fmt: skip
    assert {one.privileges for one in of_privileges} == {connect}


@pytest.mark.rule("11")
@pytest.mark.found("E253")
def test_what_an_owner_adds_to_an_extension_of_his_is_no_extensions() -> None:
    """And pg_init_privs has what he gave before that, so it is the owner that decides."""
    given = group(ROUTINE, item(None, "EXECUTE"), is_extension_member=True)
    assert planned(given) == [("owner", (None,), EXECUTE)]
