"""Admins that are not superusers, as managed services and operators shape them (tests/shapes)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import postgregent
from tests.postgres.clusters import ADMIN, BOOTSTRAP
from tests.postgres.database import Database
from tests.shapes.shapes import SHAPES, Shape, called, shaped

API = "putnam120.postgregent/v1alpha1"
DECLARED: dict[str, dict[str, Any]] = {
    "Permission/connect": {"database": "mydb", "actions": ["CONNECT"]},
    "Permission/read": {
        "database": "mydb",
        "schemas": ["schema1"],
        "tables": ["*"],
        "actions": ["SELECT"],
    },
    "Role/reader": {"database": "mydb", "permissions": ["connect", "read"]},
    "Role/crew": {"database": "mydb"},
    "User/pilot": {
        "passwordSecretRef": {"name": "passwords", "key": "pilot"},
        "roles": ["reader"],
        "memberOf": [{"role": "crew"}],
        "parameters": {"work_mem": "8MB"},
    },
    "Regent/my-regent": {
        "adminUser": ADMIN,
        "adminPasswordSecretRef": {"name": "passwords", "key": "admin"},
        "databaseHost": "db.example.com",
        "databaseName": "mydb",
    },
}
BREAKS = """
GRANT DELETE ON schema1.flights TO reader;
REVOKE SELECT ON schema1.airports FROM reader;
REVOKE CONNECT ON DATABASE mydb FROM reader;
GRANT CREATE ON SCHEMA schema2 TO pilot;
ALTER ROLE reader LOGIN;
ALTER ROLE pilot NOLOGIN CONNECTION LIMIT 3;
ALTER ROLE pilot SET work_mem = '64MB';
REVOKE crew FROM pilot GRANTED BY "my-admin";
"""
STRANGER = "CREATE ROLE stranger; GRANT crew TO stranger"
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
some_shapes = pytest.mark.parametrize(
    "shape",
    [called(one) for one in ("createrole", "cloudnativepg", "rds", "crunchy")],
    ids=lambda shape: shape.name,
)
_HELPS = re.compile(r"[Rr]un ((?:GRANT|ALTER ROLE|REVOKE) [^;]+); as (the admin itself)?")
_HOME = re.compile(r"Run as a superuser what is not there yet of: (.+;)")
PASSWORD = "a-password-of-the-tests"


@pytest.fixture
def directory(tmp_path: Path) -> str:
    """A Permission, a Role, a User with a password, in a group that is declared as well."""
    for short, spec in DECLARED.items():
        kind, _, name = short.partition("/")
        one = {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}
        (tmp_path / f"{kind}-{name}.yaml").write_text(yaml.safe_dump(one))
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "passwords"},
        "stringData": {"pilot": PASSWORD, "admin": "read from the DSN"},
    }
    (tmp_path / "secret.yaml").write_text(yaml.safe_dump(secret))
    return str(tmp_path)


async def planned(directory: str, database: Database) -> list[dict[str, Any]]:
    """The changes that a plan has."""
    ended = await postgregent("plan", directory, "--dsn", database.dsn(), "-o", "json")
    assert ended.status in (0, 2), ended.out + ended.err
    changes: list[dict[str, Any]] = ended.data()["changes"]
    return changes


@every_shape
async def test_a_prepared_server_is_brought_to_what_is_declared_and_kept_so(
    shape: Shape, database: Database, directory: str
) -> None:
    """Planned, applied, broken by a superuser, corrected; then there is nothing to plan."""
    async with shaped(shape, database):
        assert await planned(directory, database)
        first = await postgregent("apply", directory, "--dsn", database.dsn(), "-o", "json")
        assert first.status == 0, first.out + first.err
        assert await planned(directory, database) == []
        pilot = await database.connect("pilot", PASSWORD)
        assert await pilot.fetchval("SELECT pg_catalog.count(*) FROM schema1.flights") == 2
        await database.execute(BREAKS, BOOTSTRAP)
        again = await postgregent("apply", directory, "--dsn", database.dsn(), "-o", "json")
        assert again.status == 0, again.out + again.err
        assert len(again.data()["results"]) >= len(BREAKS.strip().splitlines())
        assert await planned(directory, database) == []
        pilot = await database.connect("pilot", PASSWORD)
        assert await pilot.fetchval("SHOW work_mem") == "8MB"


@pytest.mark.found("E213")
@pytest.mark.rule("5", "21")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@some_shapes
async def test_what_the_admin_may_not_do_is_said_with_sql_that_then_helps(
    shape: Shape, database: Database, directory: str
) -> None:
    """Nothing is prepared but what the messages say, run by the one whom they name."""
    async with shaped(shape, database, is_prepared=False):
        ran: set[str] = set()
        for _ in range(4):
            ended = await postgregent("apply", directory, "--dsn", database.dsn(), "-o", "json")
            for statement, who in _said(ended.out + ended.err).items():
                if statement not in ran:
                    await database.execute(statement, who)
            ran |= _said(ended.out + ended.err).keys()
            if ended.status == 0:
                break
        assert ended.status == 0, ended.out + ended.err
        assert ran
        assert not any("SUPERUSER" in one for one in ran)
        assert await planned(directory, database) == []


@pytest.mark.found("E213")
@pytest.mark.rule("21")
@pytest.mark.versions(18)
async def test_a_membership_that_a_superuser_granted_is_his_to_take(
    database: Database, directory: str
) -> None:
    """From 16 on ADMIN takes what its holder granted, and nothing else."""
    async with shaped(called("createrole"), database):
        await postgregent("apply", directory, "--dsn", database.dsn())
        await database.execute(STRANGER, BOOTSTRAP)
        refused = await postgregent("apply", directory, "--dsn", database.dsn())
        assert refused.status == 3, refused.out + refused.err
        (statement,) = _said(refused.out.replace("\n", " "))
        assert statement == 'REVOKE "crew" FROM "stranger" GRANTED BY "postgres"'
        await database.execute(statement, BOOTSTRAP)
        assert await planned(directory, database) == []


def _said(text: str) -> dict[str, str]:
    """Each statement that a message says, in order, and who is to run it."""
    text = text.replace('\\"', '"')
    home = [one for found in _HOME.finditer(text) for one in found[1].split(";")]
    said = {one.strip(): BOOTSTRAP for one in home if one.strip()}
    return said | {one[1]: ADMIN if one[2] else BOOTSTRAP for one in _HELPS.finditer(text)}
