"""What is said of the detector while nothing is written."""

from __future__ import annotations

import pytest

from regent.gate.restraint import why_no_triggers
from shared.state import Trouble
from tests.declared import state


@pytest.mark.found("E267")
def test_a_takeover_is_named_and_not_told_beside_the_detector() -> None:
    """Seen: "Running: 3 roles managed; … If that is meant, annotate", when it was accepted."""
    spec = state("").regent.spec
    needed = Trouble(reason="TakeoverNeeded", message="The home database is gone. If that is meant")
    said = why_no_triggers(spec, needed)
    assert said == "No triggers are installed while nothing is written (TakeoverNeeded)."
    assert why_no_triggers(spec, None) == ""
