"""What a resource that cannot be used is told: all of its faults at once."""

from __future__ import annotations

import pytest

from controller.core.compile import SHOWN_PROBLEMS, invalid
from controller.local.directory import Loaded
from shared.keys import ResourceKey
from shared.problems import Problem

ROLE = ResourceKey("Role", "default", "viewer")


@pytest.mark.found("E33")
def test_every_fault_of_a_resource_is_said_within_bounds() -> None:
    problems = tuple(
        Problem("", None, str(ROLE), f"spec.field{n}", "x", "is wrong", "mend it")
        for n in range(SHOWN_PROBLEMS + 2)
    )
    two = invalid(Loaded(ROLE, "", 0, None, problems[:2])).message
    assert two == 'spec.field0 "x" is wrong. Mend it. spec.field1 "x" is wrong. Mend it.'
    many = invalid(Loaded(ROLE, "", 0, None, problems)).message
    assert f"spec.field{SHOWN_PROBLEMS - 1}" in many
    assert many.endswith("(and 2 more)")
