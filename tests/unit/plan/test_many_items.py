"""Who has a grant option gives on to thousands: their items cost what their number costs."""

from __future__ import annotations

import pytest

from regent.changes import GrantPrivileges, RevokePrivileges
from regent.desired import Attributes
from regent.observed import (
    AclItem,
    ObjectGroup,
    Observed,
    ObservedColumn,
    ObservedDatabase,
    ObservedRole,
    ObservedServer,
)
from regent.plan import plan
from shared.privileges import ObjectKind
from tests.unit.plan.declared import desired

TABLE, SCHEMA = ObjectKind.TABLE, ObjectKind.SCHEMA
SELECT, BOTH = frozenset({"SELECT"}), frozenset({"SELECT", "UPDATE"})


def server(*names: str) -> ObservedServer:
    roles = {n: ObservedRole(at, n, False, Attributes()) for at, n in enumerate(names, 100)}
    return ObservedServer(180_003, "7", "admin", True, roles)


@pytest.mark.found("E113")
@pytest.mark.rule("8", "22")
def test_thousands_who_have_it_from_a_role_that_may_not_give_it_keep_it_from_the_owner() -> None:
    strangers = [f"s{n:04}" for n in range(5_000)]
    groups = [ObjectGroup(SCHEMA, None, "owner", (), ("app",), (1,))]
    for number in range(4):
        given_on = tuple(AclItem(name, "reader", BOTH) for name in strangers[number:])
        acl = (AclItem("reader", "owner", BOTH, BOTH), *given_on)
        groups.append(ObjectGroup(TABLE, "app", "owner", acl, (f"t{number}",), (10 + number,), "r"))
    observed = Observed(
        server("reader", "owner", *strangers), {"mydb": ObservedDatabase("mydb", tuple(groups))}
    )
    changes = plan(desired(roles=("reader",)), observed).changes
    given = [one for one in changes if isinstance(one, GrantPrivileges)]
    taken = [one for one in changes if isinstance(one, RevokePrivileges)]
    assert [len(one.grantees) for one in given] == [5_000, 4_999, 4_998, 4_997]
    assert {(one.grantees, one.grantor, one.cascade) for one in taken} == {
        (("reader",), "owner", True)
    }


@pytest.mark.found("E113")
@pytest.mark.rule("8")
def test_thousands_who_gave_it_to_each_other_in_a_row_lose_it_in_a_table_and_its_columns() -> None:
    names = [f"s{n:04}" for n in range(3_000)]
    givers = ["owner", *names]
    acl = tuple(AclItem(n, by, SELECT, SELECT) for n, by in zip(names, givers, strict=False))
    groups = (
        ObjectGroup(SCHEMA, None, "owner", (), ("app",), (1,)),
        ObjectGroup(TABLE, "app", "owner", acl, ("t",), (10,), "r"),
    )
    columns = (ObservedColumn("app", "t", 10, "r", "owner", "c", acl),)
    observed = Observed(
        server("owner", *names), {"mydb": ObservedDatabase("mydb", groups, columns)}
    )
    changes = plan(desired(roles=tuple(names)), observed).changes
    taken = [one for one in changes if isinstance(one, RevokePrivileges) and one.kind is TABLE]
    assert {name for one in taken for name in one.grantees} >= {names[0]}
    assert all(one.privileges == SELECT for one in taken)
