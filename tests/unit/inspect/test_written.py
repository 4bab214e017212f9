"""Arrays of texts are read as PostgreSQL writes them."""

from __future__ import annotations

import pytest

from regent.inspect.written import items


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (None, ()),
        ("{}", ()),
        ("{a}", ("a",)),
        ("{a,b,c}", ("a", "b", "c")),
        ('{a,"b c",d}', ("a", "b c", "d")),
        (r'{"say \"hi\"","back\\slash","x,y","{z}"}', ('say "hi"', "back\\slash", "x,y", "{z}")),
        ('{"",a,"NULL","\n"}', ("", "a", "NULL", "\n")),
        ("{odd\udce9,é}", ("odd\udce9", "é")),
    ],
)
def test_each_item_is_what_was_written(written: str | None, expected: tuple[str, ...]) -> None:
    assert tuple(items(written)) == expected
