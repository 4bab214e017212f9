"""Which schemas are looked into first, by what resolving knows of roles (rule 12, ADR 36)."""

from __future__ import annotations

import pytest

from tests.declared import accepted, resolved, server, state

MAKES = "Role/maker: {database: mydb, owns: {schemas: [{name: later, create: true}]}}\n"


@pytest.mark.rule("12")
def test_no_pattern_means_a_schema_that_is_called_as_a_role_elsewhere_shall_be() -> None:
    """Before that role is there, too; a Role that gets no name keeps nobody from a schema."""

    def refusal(names: list[str], *listed: str) -> str:
        spec = {
            "allow": {"ownedSchemas": ["*", *listed]},
            "allowedNamespaces": [{"names": ["team-a"], "allow": {"names": names}}],
        }
        text = MAKES + "Role/team-a/r: {database: mydb, roleName: later}"
        pushed = accepted(state(text, regent=spec, namespaces={"team-a": 0}))
        [one] = resolved(pushed, on=server()).desired.owners
        return one.refusal

    assert "sessions of the role of that name" in refusal(["*"])
    assert not refusal(["*"], "later")
    assert not refusal(["other"])
