"""What a group leads to, where its role keeps another name than is declared (rules 3 and 12)."""

from __future__ import annotations

import pytest

from regent.resolve.chains import Chains
from regent.resolve.marks import MarkIndex
from tests.declared import REGENT, mark, role, server, state

DECLARED = "Role/g: {roleName: taken, database: mydb, memberOf: [{role: strong}]}"


@pytest.mark.rule("12")
def test_a_role_that_keeps_its_name_leads_where_its_resource_says() -> None:
    """Its new name is somebody else's, so it goes on under the old one, as what is declared now."""
    there = server(role("old"), role("taken"), role("strong"))
    marked = MarkIndex.of((mark("old", "Role/g"),), REGENT, there)
    chains = Chains.of(state(DECLARED), marked, there)
    assert list(chains.beyond("old")) == [("old",), ("old", "strong")]
    assert list(chains.beyond("taken")) == [("taken",)]
