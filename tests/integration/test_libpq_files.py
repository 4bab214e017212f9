"""Service files and password files, beside the real libpq that stands with the servers."""

from __future__ import annotations

import ctypes
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.dsn import parse_dsn
from cli.dsn_error import BadDsnError
from cli.password_file import from_file, look_up
from cli.service_file import parameters
from tests.command import flights, postgregent
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

LINES = ("[one]", "[two]", "[one] # more", "[onemore]", "host=h", "host=other", " port = 1",
         "port=2", "user=a b ", "# host=x", "", "\t", "dbname=a=b", "password='quoted'",
         "password=p\\x")  # fmt: skip
PIECES = ("h", "5432", "db", "ann", "*", ":", ":", ":", ":", "\\:", "\\\\", "\\", "#", "pw", "é")


class Option(ctypes.Structure):
    """PQconninfoOption."""

    _fields_ = [
        *((name, ctypes.c_char_p) for name in ("keyword", "envvar", "compiled", "val")),
        ("label", ctypes.c_char_p),
        ("dispchar", ctypes.c_char_p),
        ("dispsize", ctypes.c_int),
    ]


@pytest.fixture
def libpq(running_server: PostgresServer) -> ctypes.CDLL:
    program = Path(running_server.cluster.binaries.program("postgres"))
    library = ctypes.CDLL(str(next((program.parent.parent / "lib").glob("libpq.so.5"))))
    library.PQconndefaults.restype = ctypes.POINTER(Option)
    library.PQconninfoFree.argtypes = [ctypes.POINTER(Option)]
    library.PQconnectStart.restype = ctypes.c_void_p
    library.PQconnectStart.argtypes = [ctypes.c_char_p]
    library.PQpass.restype = ctypes.c_char_p
    library.PQpass.argtypes = [ctypes.c_void_p]
    library.PQfinish.argtypes = [ctypes.c_void_p]
    return library


@contextmanager
def variables(**values: str) -> Iterator[None]:
    """In the environment of this process, which libpq reads; nothing else of PostgreSQL's there."""
    before = {name: os.environ.pop(name) for name in tuple(os.environ) if name.startswith("PG")}
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]
        os.environ.update(before)


def of_the_service(library: ctypes.CDLL) -> dict[str, str]:
    options = library.PQconndefaults()
    found = {}
    index = 0
    while options[index].keyword:
        keyword, value = options[index].keyword.decode(), options[index].val
        if keyword in ("host", "port", "user", "dbname", "password") and value is not None:
            found[keyword] = value.decode()
        index += 1
    library.PQconninfoFree(options)
    return found


@pytest.mark.found("E292")
@pytest.mark.versions(15)
def test_service_files_are_read_as_libpq_reads_them(libpq: ctypes.CDLL, tmp_path: Path) -> None:
    chance = random.Random(292)  # noqa: S311 - no secret
    path = tmp_path / "services"
    agreed = 0
    with variables(PGSERVICEFILE=str(path), PGSERVICE="one", PGSYSCONFDIR=str(tmp_path / "none")):
        without = of_the_service(libpq)
        for _ in range(500):
            text = "\n".join(["[one]", *chance.choices(LINES, k=chance.randint(0, 6))])
            path.write_text(text)
            expected = of_the_service(libpq)
            try:
                found = parameters(text, "one", "x")
            except BadDsnError:
                continue
            assert found is not None
            if any(key not in {*without, "host", "password"} for key in found):
                continue  # " port " is a keyword of nobody
            assert {**without, **found} == expected, text
            agreed += 1
    assert agreed > 100


@pytest.mark.found("E292")
@pytest.mark.versions(15)
def test_password_files_are_read_as_libpq_reads_them(libpq: ctypes.CDLL, tmp_path: Path) -> None:
    """Where nobody listens: the password is looked up before anybody is asked."""
    chance = random.Random(292)  # noqa: S311 - no secret
    path = tmp_path / "passwords"
    path.touch(0o600)
    wanted = "host=h hostaddr=127.0.0.1 port=5432 dbname=db user=ann"
    matches = 0
    with variables(PGPASSFILE=str(path)):
        for _ in range(500):
            fields = [chance.choice((one, one, "*", "x")) for one in ("h", "5432", "db", "ann")]
            lines = [":".join((*fields, "".join(chance.choices(PIECES, k=3))))]
            lines += ["".join(chance.choices(PIECES, k=chance.randint(0, 12)))]
            chance.shuffle(lines)
            text = "\n".join(lines)
            path.write_text(text)
            connection = libpq.PQconnectStart(wanted.encode())
            expected = (libpq.PQpass(connection) or b"").decode()
            libpq.PQfinish(connection)
            found = look_up(text, ("h", "5432", "db", "ann"))
            assert (found or "") == expected, text
            matches += bool(found)
    assert matches > 50


@pytest.mark.found("E292")
@pytest.mark.versions(15)
def test_a_password_file_that_others_may_read_is_not_read_and_that_is_said(
    libpq: ctypes.CDLL, tmp_path: Path
) -> None:
    path = tmp_path / "passwords"
    path.write_text("*:*:*:*:s3cr3t")
    fields = ("h", "5432", "db", "ann")
    for mode, is_read in ((0o600, True), (0o400, True), (0o640, False), (0o604, False)):
        path.chmod(mode)
        with variables(PGPASSFILE=str(path)):
            asked = b"host=h hostaddr=127.0.0.1 dbname=db user=ann"
            connection = libpq.PQconnectStart(asked)
            assert bool(libpq.PQpass(connection)) is is_read
            libpq.PQfinish(connection)
        found = from_file(str(path), {}, fields)
        assert (found.password is not None) is is_read
        assert is_read or f"chmod 600 {path}" in found.hint
        assert "s3cr3t" not in repr(found)


@pytest.mark.found("E292")
@pytest.mark.versions(18)
async def test_a_service_and_a_password_file_lead_to_the_server(
    database: Database, tmp_path: Path
) -> None:
    server = database.server
    (tmp_path / ".pg_service.conf").write_text(
        f"[mine]\nhost={server.host}\nport={server.port}\ndbname=mydb\nuser={server.superuser}\n"
        "application_name=psql\n"
    )
    passwords = tmp_path / ".pgpass"
    secret = server.password.get_secret_value()
    passwords.write_text(f"{server.host}:{server.port}:mydb:{server.superuser}:{secret}\n")
    passwords.chmod(0o600)
    directory = str(flights(tmp_path))
    home = {"HOME": str(tmp_path)}
    named = await postgregent("plan", directory, "--dsn", "service=mine", environment=home)
    assert named.status == 2, named.err
    by_variable = await postgregent(
        "plan", directory, "--dsn", "postgresql:///", environment={**home, "PGSERVICE": "mine"}
    )
    assert by_variable.status == 2, by_variable.err
    passwords.chmod(0o644)
    refused = await postgregent("plan", directory, "--dsn", "service=mine", environment=home)
    assert refused.status == 1
    assert "chmod 600" in " ".join(refused.err.split())
    unknown = await postgregent("plan", directory, "--dsn", "service=his", environment=home)
    assert unknown.status == 1
    assert "'his'" in unknown.err
    assert secret not in named.out + named.err + refused.err


@pytest.mark.found("E292")
def test_what_the_connection_string_says_comes_before_the_service_and_that_before_variables(
    tmp_path: Path,
) -> None:
    path = tmp_path / "services"
    path.write_text("[one]\nhost=first.example\nport=1\npassword=of-the-service\nuser=ann\n")
    environment = {"PGSERVICEFILE": str(path), "PGPASSWORD": "of-the-variable"}
    server = parse_dsn("host=second.example dbname=d service=one", environment).server
    assert (server.host, server.port, server.admin_user) == ("second.example", 1, "ann")
    assert server.admin_password is not None
    assert server.admin_password.get_secret_value() == "of-the-service"
    path.write_text("[one]\nhost=h\nuser=a\ndbname=d\ntarget_session_attrs=any\n")
    with pytest.raises(BadDsnError, match="has target_session_attrs"):
        parse_dsn("service=one", environment)
    path.write_text("[one]\nservice=two\n")
    with pytest.raises(BadDsnError, match="line 2"):
        parse_dsn("service=one", environment)
    with pytest.raises(BadDsnError, match="not there"):
        parse_dsn("service=one", {"PGSERVICEFILE": str(tmp_path / "none")})
