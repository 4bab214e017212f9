"""What the harness makes by hand stays out of the chart's way."""

from __future__ import annotations

from typing import cast

import pytest

from tests.kubernetes_harness.chart import InstalledChart
from tests.kubernetes_harness.node_access import NodeCluster


class Asked:
    def __init__(self) -> None:
        self.commands: list[tuple[str, ...]] = []

    def kubectl(self, *command: str) -> str:
        self.commands.append(command)
        return ""


@pytest.mark.found("E196")
def test_the_chart_can_still_be_given_the_secrets_of_a_namespace_that_has_a_binding() -> None:
    """Helm takes over no object that it did not make: `secrets.namespaces` was refused there."""
    asked = Asked()
    InstalledChart(cast(NodeCluster, asked)).allow_secrets("default")
    [(_, _, name, *_)] = asked.commands
    assert name == "postgregent-secrets-by-hand"
