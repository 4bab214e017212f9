"""The healthCheckExprs of examples/gitops, judged by Flux's own evaluator, without a cluster."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
import yaml

from shared.crds.definitions import kinds
from tests.kubernetes.delivered import EXAMPLE
from tests.kubernetes_harness.programs import HEALTH, are_built, programs
from tests.kubernetes_harness.unavailable import ClusterUnavailable
from tests.unit.crds.statuses import GENERATION, cases, manifest

BUILD_SECONDS = 1800
pytestmark = [
    pytest.mark.rule("29"),
    pytest.mark.timeout(600 if are_built(HEALTH) else BUILD_SECONDS),
]


def flux_health(*found: dict[str, Any]) -> list[str]:
    """What Flux says of each."""
    try:
        program = programs(HEALTH) / "health"
    except ClusterUnavailable as reason:
        pytest.skip(f"no cluster: Flux's evaluator is not here: {reason}")
    checks = yaml.safe_load(EXAMPLE.read_text("utf-8"))["spec"]["healthCheckExprs"]
    answer = subprocess.run(
        [str(program)],
        input=json.dumps({"checks": checks, "objects": found}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    judged: list[str] = json.loads(answer.stdout)
    return judged


def test_flux_reads_every_state_of_every_kind_as_it_is_meant() -> None:
    """What is being deleted Flux tells by itself."""
    staying = [case for case in cases() if case.kstatus != "Terminating"]
    judged = flux_health(*(case.found for case in staying))
    assert dict(zip(map(str, staying), judged, strict=True)) == {
        str(case): case.kstatus for case in staying
    }
    assert {case.kstatus for case in staying} == {"Current", "Failed", "InProgress"}


def test_what_says_nothing_of_itself_is_in_progress() -> None:
    """kstatus alone would take it for current: the expressions are what decides."""
    silent = [manifest(kind, {"observedGeneration": GENERATION}) for kind in kinds()]
    assert flux_health(*silent) == ["InProgress"] * len(silent)
