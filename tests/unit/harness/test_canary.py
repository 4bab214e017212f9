"""A canary is found in every disguise, and an empty search proves nothing."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.postgres.canary import Canary


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
def test_a_canary_is_found_inside_base64_wherever_it_begins(before: str) -> None:
    canary = Canary()
    text = base64.b64encode(f"{before}{canary.password} and more".encode())
    assert canary.is_in(b"prefix " + text)


def test_a_canary_is_found_below_a_folder(tmp_path: Path) -> None:
    canary = Canary()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text(f"x{canary.password}x")
    with pytest.raises(AssertionError, match="to be read in: the folder"):
        canary.assert_nowhere({"the folder": tmp_path})


def test_what_does_not_hold_it_passes() -> None:
    Canary().assert_nowhere({"another": Canary().password, "bytes": b"\x00\xff"})


def test_a_search_of_nothing_is_refused() -> None:
    with pytest.raises(AssertionError, match="nothing was searched"):
        Canary().assert_nowhere({})


def test_neither_repr_nor_failure_tells_the_password() -> None:
    canary = Canary()
    assert canary.password not in repr(canary)
    with pytest.raises(AssertionError) as failure:
        canary.assert_nowhere({"log": canary.password})
    assert canary.password not in str(failure.value).splitlines()[0]
