"""`--dsn` is read as libpq would, as far as it is taken at all, and its password is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.dsn import parse_dsn
from cli.dsn_error import BadDsnError

SECRET = "s3cr3t/p@ss"


def test_a_url_gives_all_its_parts() -> None:
    """Escaped characters are read back."""
    dsn = parse_dsn("postgresql://my%40admin:s3cr3t%2Fp%40ss@db.example.com:6432/my%20db", {})
    assert (dsn.server.host, dsn.server.port) == ("db.example.com", 6432)
    assert (dsn.server.admin_user, dsn.database) == ("my@admin", "my db")
    assert dsn.server.admin_password is not None
    assert dsn.server.admin_password.get_secret_value() == SECRET


def test_words_mean_the_same_as_a_url() -> None:
    """`key=value`, quoted where needed."""
    words = parse_dsn("host=10.0.0.5 user=admin dbname='my db' password=x sslmode=require", {})
    url = parse_dsn("postgres://admin:x@10.0.0.5/my%20db?sslmode=require", {})
    assert words == url
    assert words.server.tls_mode == "require"
    assert words.server.port == 5432


def test_an_address_of_version_6_stands_in_brackets() -> None:
    """As in any URL."""
    assert parse_dsn("postgresql://a@[::1]:5433/b", {}).server.host == "::1"


def test_pgpassword_is_taken_when_the_dsn_has_none() -> None:
    """The DSN's own comes first."""
    environment = {"PGPASSWORD": "from-environment"}
    without = parse_dsn("postgresql://a@localhost/b", environment).server.admin_password
    given = parse_dsn("postgresql://a:own@localhost/b", environment).server.admin_password
    assert without is not None
    assert given is not None
    assert without.get_secret_value() == "from-environment"
    assert given.get_secret_value() == "own"


def test_the_password_is_in_no_repr() -> None:
    """Neither written out nor as a string."""
    dsn = parse_dsn(f"host=localhost user=a dbname=b password={SECRET}", {})
    assert SECRET not in repr(dsn) + str(dsn)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgresql://a:{secret}@one,two/b", "several hosts"),
        ("postgresql://a:{secret}@/b", "names no host"),
        ("postgresql://{secret}@localhost/", "names no database"),
        ("postgresql://localhost/b?password={secret}", "names no user"),
        ("host=/var/run user=a dbname=b password={secret}", "neither a DNS name nor an IP"),
        ("host=localhost user=a dbname=b password={secret} port=99999", "port is not"),
        ("host=localhost user=a dbname=b password={secret} sslmode=maybe", "sslmode is not one of"),
        ("host=localhost user=a dbname=b password={secret} servicefile=x", "has servicefile"),
        ("host=localhost user=a dbname=b password='{secret}", "never closed"),
        ("{secret}", "neither a postgresql:// address"),
        ("postgresql://a:{secret}@localhost:port/b", "port is not"),
        ("postgresql://a:b@localhost/b?{secret}=x", "not known here"),
        ("postgresql://a:p@{secret}@localhost/b", "%40"),
        ("postgresql://a:{secret}%zz@localhost/b", "%25"),
        ("postgresql://a:{secret}@/b?host=/var/run/postgresql", "is a socket"),
        ("postgresql://a:{secret}@%2Fvar%2Flib%2Fpostgresql/dbname", "is a socket"),
        ("postgresql://a:{secret}@h/b?options=-c%20synchronous_commit%3Doff", "has options"),
        ("host=localhost user=a dbname=b password=my {secret} port=1", "lacks a"),
        ("host=a hostaddr=10.0.0.1 user=a dbname=b password={secret}", "host and hostaddr"),
        ("postgresql://a:{secret}@h/b?sslrootcert=system&sslmode=require", "verify-full"),
    ],
)
def test_what_is_not_taken_is_refused_without_showing_a_password(text: str, said: str) -> None:
    """Every refusal says why and how to write it."""
    with pytest.raises(BadDsnError) as refused:
        parse_dsn(text.format(secret="s3cr3t-!"), {})
    assert said in str(refused.value)
    assert "s3cr3t" not in str(refused.value)
    assert "postgresql://admin@" in refused.value.way_out


def test_a_certificate_authority_is_read_from_its_file(tmp_path: Path) -> None:
    """`sslrootcert`; one that is not there is named."""
    (tmp_path / "ca.pem").write_text("PEM")
    place = f"postgresql://a@localhost/b?sslmode=verify-full&sslrootcert={tmp_path}"
    assert parse_dsn(f"{place}/ca.pem", {}).server.ca_pem == "PEM"
    with pytest.raises(BadDsnError, match=r"nothing\.pem"):
        parse_dsn(f"{place}/nothing.pem", {})


def test_prefer_is_what_we_do_anyway() -> None:
    """TLS where the server has it; the password is safe either way."""
    assert parse_dsn("postgresql://a@localhost/b?sslmode=prefer", {}).server.tls_mode is None


@pytest.mark.found("C28")
def test_a_system_authority_verifies_and_require_with_one_does_too(tmp_path: Path) -> None:
    """As libpq documents sslrootcert; else a certificate of anybody would do."""
    assert parse_dsn("postgresql://a@h/b?sslrootcert=system", {}).server.tls_mode == "verify-full"
    (tmp_path / "ca.pem").write_text("PEM")
    asked = f"postgresql://a@h/b?sslmode=require&sslrootcert={tmp_path}/ca.pem"
    assert parse_dsn(asked, {}).server.tls_mode == "verify-ca"


@pytest.mark.found("C28")
def test_variables_that_are_not_read_are_named() -> None:
    """PGHOST is libpq's, and where the admin goes is written down."""
    with pytest.raises(BadDsnError, match="PGHOST is not read"):
        parse_dsn("postgresql://a@/b", {"PGHOST": "db.example.com"})
