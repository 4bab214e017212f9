"""What bounds nothing lets in whatever is asked of its lists, however it is asked."""

from __future__ import annotations

import pytest

from regent.resolve.allow_lists import BoundsByNamespace


@pytest.mark.found("E371")
def test_without_bounds_everything_is_listed() -> None:
    bounds = BoundsByNamespace.of_nobody("own")
    for namespace in ("own", "another"):
        [lists] = bounds.of_namespace(namespace)
        for listed in (lists.actions or (), lists.attributes, lists.outside_schemas):
            assert "TRIGGER" in listed
        assert "whoever" in lists.member_of.names
        assert lists.schemas.lets_in("anything")
