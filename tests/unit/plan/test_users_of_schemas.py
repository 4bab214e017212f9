"""Who may use a schema takes back what it gave there; who may not does not (rule 8)."""

from __future__ import annotations

import pytest

from regent.changes import RevokePrivileges
from regent.desired import Desired, DesiredRole
from regent.observed import AclItem, ObjectGroup, Observed, ObservedDatabase
from regent.plan import plan
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from tests.declared import role, server

SELECT, USAGE = frozenset({"SELECT"}), frozenset({"USAGE"})
ON_TABLES = (
    AclItem("owner", "owner", SELECT),
    AclItem("x", "owner", SELECT, SELECT),
    AclItem("alice", "x", SELECT),
)
"""One object in both schemas, as equal ACLs of one reading are."""


def schema(name: str, oid: int, *users: str) -> ObjectGroup:
    acl = tuple(AclItem(user, "owner", USAGE) for user in users)
    return ObjectGroup(ObjectKind.SCHEMA, None, "owner", acl, (name,), (oid,))


def table(name: str, oid: int) -> ObjectGroup:
    return ObjectGroup(ObjectKind.TABLE, name, "owner", ON_TABLES, ("t",), (oid,), "r")


@pytest.mark.found("E100")
@pytest.mark.parametrize("first", ["open", "closed"])
def test_equal_acls_in_two_schemas_are_not_taken_back_in_the_same_way(first: str) -> None:
    """What was found for the one was taken for the other, in which the grantor finds nothing."""
    groups = [table("open", 1), table("closed", 2)]
    reading = ObservedDatabase(
        name="mydb",
        groups=(
            *(groups if first == "open" else reversed(groups)),
            schema("open", 11, "owner", "x"),
            schema("closed", 12, "owner"),
        ),
    )
    there = server(*(role(name) for name in ("owner", "x", "alice")))
    wanted = Desired(
        roles={"alice": DesiredRole("alice", ResourceKey("User", "default", "alice"), ())},
        grants={"mydb": ()},
    )
    found = plan(wanted, Observed(there, {"mydb": reading}))
    cuts = {
        one.schema: change.cut
        for change in found.changes
        if isinstance(change, RevokePrivileges)
        for one in change.objects
    }
    assert cuts["open"] is None
    assert cuts["closed"] is not None
