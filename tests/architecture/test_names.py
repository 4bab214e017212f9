"""Flat packages with everyday names: nobody else may claim them."""

from __future__ import annotations

from importlib.metadata import packages_distributions

import pytest


@pytest.mark.parametrize("name", ["shared", "sql", "regent", "controller", "cli"])
def test_no_dependency_claims_one_of_our_top_level_names(name: str) -> None:
    claims = set(packages_distributions().get(name, []))
    assert claims <= {"postgregent"}, "rename ours or leave that dependency out"
