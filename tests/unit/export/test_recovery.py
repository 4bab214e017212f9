"""What a recovery's statements are in, so that psql runs them where they belong."""

from __future__ import annotations

import pytest

from regent.export.recovery import NoCommandError, connect, in_order
from regent.observed import ObservedMembership


@pytest.mark.parametrize(
    ("database", "command"),
    [
        ("mydb", '\\connect "mydb"'),
        ("host=evil", "\\connect -reuse-previous=on \"dbname='host=evil'\""),
        ("it's", "\\connect -reuse-previous=on \"dbname='it\\'s'\""),
        ('a"b', '\\connect -reuse-previous=on "dbname=\'a""b\'"'),
    ],
)
def test_a_database_is_named_so_that_nothing_else_is_meant(database: str, command: str) -> None:
    assert connect(database) == command


def test_a_line_break_in_a_name_begins_no_statement() -> None:
    with pytest.raises(NoCommandError, match="line break"):
        connect("a\nDROP TABLE b;")


def test_a_membership_comes_after_the_admin_option_that_gave_it() -> None:
    first = ObservedMembership("g", "z", "postgres", admin=True)
    second = ObservedMembership("g", "a", "z", admin=True)
    third = ObservedMembership("g", "b", "a", admin=False)
    assert list(in_order([third, second, first], "postgres")) == [first, second, third]
