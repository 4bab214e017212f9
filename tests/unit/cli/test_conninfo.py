"""A connection string is read as libpq reads it: the documentation's examples, and its rules."""

from __future__ import annotations

import pytest

from cli.conninfo import Unreadable, parse

pytestmark = pytest.mark.found("C28")


@pytest.mark.parametrize(
    ("text", "given"),
    [
        # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
        (
            "host=localhost port=5432 dbname=mydb connect_timeout=10",
            {"host": "localhost", "port": "5432", "dbname": "mydb", "connect_timeout": "10"},
        ),
        ("postgresql://", {}),
        ("postgresql://localhost", {"host": "localhost"}),
        ("postgresql://localhost:5433", {"host": "localhost", "port": "5433"}),
        ("postgresql://localhost/mydb", {"host": "localhost", "dbname": "mydb"}),
        ("postgresql://user@localhost", {"user": "user", "host": "localhost"}),
        (
            "postgresql://user:secret@localhost",
            {"user": "user", "password": "secret", "host": "localhost"},
        ),
        (
            "postgresql://other@localhost/otherdb?connect_timeout=10&application_name=myapp",
            {
                "user": "other",
                "host": "localhost",
                "dbname": "otherdb",
                "connect_timeout": "10",
                "application_name": "myapp",
            },
        ),
        (
            "postgresql://host1:123,host2:456/somedb?target_session_attrs=any",
            {
                "host": "host1,host2",
                "port": "123,456",
                "dbname": "somedb",
                "target_session_attrs": "any",
            },
        ),
        (
            "postgresql://user@localhost:5433/mydb?options=-c%20synchronous_commit%3Doff",
            {
                "user": "user",
                "host": "localhost",
                "port": "5433",
                "dbname": "mydb",
                "options": "-c synchronous_commit=off",
            },
        ),
        (
            "postgresql:///mydb?host=localhost&port=5433",
            {"dbname": "mydb", "host": "localhost", "port": "5433"},
        ),
        (
            "postgresql://[2001:db8::1234]/database",
            {"host": "2001:db8::1234", "dbname": "database"},
        ),
        (
            "postgresql:///dbname?host=/var/lib/postgresql",
            {"dbname": "dbname", "host": "/var/lib/postgresql"},
        ),
        (
            "postgresql://%2Fvar%2Flib%2Fpostgresql/dbname",
            {"host": "/var/lib/postgresql", "dbname": "dbname"},
        ),
        # The rules in words: blanks around "=", quotes, backslashes, a plus sign is none of them.
        ("user = 'it''s'", None),
        (
            r"user = 'it\'s' password='a\\b'  dbname = ''",
            {"user": "it's", "password": "a\\b", "dbname": ""},
        ),
        (r"password=a\ b+c user=x", {"password": "a b+c", "user": "x"}),
        (
            "postgres://a:b+c%2B@h/d?sslmode=a+b",
            {"user": "a", "password": "b+c+", "host": "h", "dbname": "d", "sslmode": "a+b"},
        ),
        ("postgres://h?ssl=true&", {"host": "h", "sslmode": "require"}),
        ("postgres://h/d?a", None),
        ("postgres://h/d?a=b=c", None),
        ("postgres://[::1", None),
        ("postgres://[]/d", None),
        ("postgres://[::1]x/d", None),
        ("postgres://h/%0", None),
        ("postgres://h/a%00", None),
        ("host", None),
        ("host=a port", None),
        ("host='a", None),
    ],
)
def test_it_is_read_as_libpq_reads_it(text: str, given: dict[str, str] | None) -> None:
    """None is what libpq refuses, too."""
    if given is None:
        with pytest.raises(Unreadable):
            parse(text)
    else:
        assert dict(parse(text)) == given
