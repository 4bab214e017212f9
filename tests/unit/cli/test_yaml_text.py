"""What is written as YAML is read back as it was, by the reader of directories."""

from __future__ import annotations

import pytest

from cli.printing import yaml_text
from controller.local.yaml_documents import parse_yaml

NAMES = (
    "1e3", "12E4", "-1e3", "0e0", "1.e3", "+.5e1", "1E-3", "0x1f", "010", "null", "~", "yes",
    "1:30", "2026-11-28", "1_000", ".5", "*", "a: b", "- a", "#", " a", "", "1e", "e3",
)  # fmt: skip


@pytest.mark.found("E536")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_looks_like_a_number_stays_a_text(name: str) -> None:
    parsed = parse_yaml(yaml_text({"name": name, "list": [name]}))
    assert not parsed.lost
    assert [one.data for one in parsed.documents] == [{"name": name, "list": [name]}]
