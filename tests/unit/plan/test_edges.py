"""A change of privileges is its edges, however it is taken apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from regent.changes import GrantPrivileges, ObjectRef
from regent.plan.edges import Edge, edges, split
from shared.privileges import ObjectKind

A, B, C = (ObjectRef(n, "s", name, "r", "app") for n, name in enumerate("abc", 1))
WIDE = GrantPrivileges(
    "mydb", ObjectKind.COLUMN, (A, B, C), frozenset({"SELECT", "UPDATE"}), ("x", None), ("i", "j")
)


@given(st.sets(st.sampled_from(list(edges(WIDE)))))
def test_no_edge_is_lost_or_doubled_when_a_change_is_split(chosen: set[Edge]) -> None:
    ones, others = split(WIDE, chosen.__contains__)
    found = [edge for part in ones for edge in edges(part)]
    left = [edge for part in others for edge in edges(part)]
    assert set(found) == chosen
    assert set(left) == set(edges(WIDE)) - chosen
    assert len(found) + len(left) == len(list(edges(WIDE)))


def test_a_split_makes_as_few_changes_as_it_can() -> None:
    """What is answered alike stays in one statement."""
    for chosen in ({A.oid}, {A.oid, C.oid}, {A.oid, B.oid, C.oid}, set[int]()):
        ones, others = split(WIDE, lambda edge, oids=chosen: edge.oid in oids)  # type: ignore[misc]
        assert [len(ones), len(others)] == [min(len(chosen), 1), min(3 - len(chosen), 1)]
    to_public, _ = split(WIDE, lambda edge: edge.grantee is None and edge.oid != B.oid)
    assert [(one.objects, one.grantees) for one in to_public] == [((A, C), (None,))]
