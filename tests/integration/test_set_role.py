"""`setRole`: every session acts as another role than the one that logs in; both are admins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from regent.server.address import ServerAddress
from regent.server.connect import Connector, SetRoleRefused
from tests.command import flights, postgregent
from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.clusters import ADMIN
from tests.postgres.database import Database
from tests.preventing import refusal
from tests.settings import settings_for

LOGIN, ACTS, PASSWORD = "dba login", "the dbas", "a-password-of-the-tests"
BREAKS = """
GRANT USAGE ON SCHEMA schema1 TO between;
GRANT SELECT ON schema1.flights TO between WITH GRANT OPTION;
SET ROLE between;
GRANT SELECT ON schema1.flights TO "flights-admin";
RESET ROLE;
GRANT DELETE ON schema1.flights TO "mydb-viewer";
ALTER ROLE "mydb-viewer" CREATEDB;
"""


async def as_another(
    database: Database, attributes: str, *, login: str = "NOINHERIT", member: bool = True
) -> None:
    """A login that has nothing, and a role with these attributes that it may become."""
    await database.execute(
        f'CREATE ROLE "{ACTS}" NOLOGIN {attributes};'
        f"CREATE ROLE \"{LOGIN}\" LOGIN {login} PASSWORD '{PASSWORD}';"
        + (f'GRANT "{ACTS}" TO "{LOGIN}";' if member else "")
    )


def connector(database: Database, role: str | None = ACTS) -> Connector:
    async def password() -> str:
        return PASSWORD

    address = ServerAddress("127.0.0.1", database.server.port, LOGIN, set_role=role)
    return Connector(address, password)


def declared(folder: Path, **more: Any) -> str:
    """The reference, with `setRole`, and these resources."""
    directory = flights(folder)
    for path in directory.glob("*.yaml"):
        documents = [one for one in yaml.safe_load_all(path.read_text()) if one]
        for one in documents:
            if one["kind"] == "Regent":
                one["spec"] |= {"adminUser": LOGIN, "setRole": ACTS}
        path.write_text(yaml.safe_dump_all(documents))
    for name, spec in more.items():
        kind, _, called = name.partition("_")
        document = {
            "apiVersion": "putnam120.postgregent/v1alpha1",
            "kind": kind,
            "metadata": {"name": called},
            "spec": spec,
        }
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(document))
    return str(directory)


@pytest.mark.found("E290")
@pytest.mark.every_version
@pytest.mark.slow_versions(16, 17)
async def test_a_login_that_may_nothing_applies_and_corrects_all_as_the_role_it_becomes(
    database: Database, tmp_path: Path
) -> None:
    await as_another(database, "SUPERUSER")
    directory = declared(tmp_path)
    dsn = database.dsn(LOGIN, PASSWORD)
    first = await postgregent("apply", directory, "--dsn", dsn)
    assert first.status == 0, first.out + first.err
    await database.execute(f"CREATE ROLE between; {BREAKS}")
    before = await postgregent("plan", directory, "--dsn", dsn, "-o", "json")
    assert before.status == 2, before.out + before.err
    again = await postgregent("apply", directory, "--dsn", dsn)
    assert again.status == 0, again.out + again.err
    after = await postgregent("plan", directory, "--dsn", dsn, "-o", "json")
    assert (after.status, after.data()["changes"]) == (0, []), after.out
    connection = await database.connect()
    rows = await connection.fetch(
        "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
        " JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = $1 ORDER BY 1",
        LOGIN,
    )
    assert [row["rolname"] for row in rows] == ["postgregent_owner", ACTS]


@pytest.mark.found("E290")
@pytest.mark.every_version
@pytest.mark.slow_versions(16, 17)
async def test_a_role_that_is_no_superuser_is_enough_and_the_login_has_what_it_needs_of_the_home(
    database: Database, tmp_path: Path
) -> None:
    await as_another(database, "CREATEROLE CREATEDB")
    await database.execute(f'GRANT app_owner TO "{ACTS}" WITH ADMIN OPTION')
    directory = declared(tmp_path)
    dsn = database.dsn(LOGIN, PASSWORD)
    for _ in range(2):
        ended = await postgregent("apply", directory, "--dsn", dsn)
        assert ended.status == 0, ended.out + ended.err
    after = await postgregent("plan", directory, "--dsn", dsn, "-o", "json")
    assert (after.status, after.data()["changes"]) == (0, []), after.out


@pytest.mark.found("E290")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_nothing_that_a_session_does_to_itself_leads_back_to_the_login(
    database: Database,
) -> None:
    await as_another(database, "CREATEROLE")
    connection = await connector(database).connect("mydb", purpose="test")
    try:
        for statement in (
            "RESET ROLE",
            "RESET ALL",
            "DISCARD ALL",
            "BEGIN; SET LOCAL ROLE NONE; ROLLBACK",
        ):
            await connection.execute(statement)
            who = f"SELECT current_user::text -- after {statement}"
            assert await connection.fetchval(who) == ACTS, statement
        assert await connection.fetchval("SELECT session_user::text") == LOGIN
    finally:
        await connection.close()


@pytest.mark.found("E290")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_a_login_that_may_not_become_the_role_is_refused_with_the_grant_that_helps(
    database: Database,
) -> None:
    await as_another(database, "CREATEROLE", member=False)
    for role, said in ((ACTS, "permission denied"), ("nobody", "nobody")):
        with pytest.raises(SetRoleRefused, match=said) as refused:
            await connector(database, role).connect("mydb", purpose="test")
        assert f'GRANT "{role}" TO "{LOGIN}"' in refused.value.way_out
    await database.execute(f'GRANT "{ACTS}" TO "{LOGIN}"')
    connection = await connector(database).connect("mydb", purpose="test")
    await connection.close()


@pytest.mark.found("E290")
async def test_what_a_login_that_is_a_superuser_has_set_for_itself_does_not_reach_the_sessions(
    database: Database,
) -> None:
    """The role that acts could not set it back."""
    await as_another(database, "CREATEROLE", login="SUPERUSER")
    await database.execute(
        f'ALTER ROLE "{LOGIN}" SET session_replication_role = replica;'
        f'ALTER ROLE "{LOGIN}" SET role = "{ADMIN}"'
    )
    connection = await connector(database).connect("mydb", purpose="test")
    try:
        assert await connection.fetchval("SHOW session_replication_role") == "origin"
        assert await connection.fetchval("SELECT current_user::text") == ACTS
    finally:
        await connection.close()


@pytest.mark.found("E290")
@pytest.mark.rule("9")
async def test_neither_the_login_nor_the_role_is_ever_managed_joined_or_disabled(
    database: Database, tmp_path: Path
) -> None:
    await as_another(database, "SUPERUSER")
    directory = declared(
        tmp_path,
        Role_login={"database": "mydb", "roleName": LOGIN, "adopt": True},
        User_dbas={"database": "mydb", "userName": ACTS, "adopt": True},
        User_climber={"database": "mydb", "memberOf": [{"role": LOGIN}]},
        User_other={"database": "mydb", "memberOf": [{"role": ACTS}]},
    )
    text = next(path for path in Path(directory).glob("*.yaml") if "setRole" in path.read_text())
    text.write_text(text.read_text().replace("setRole:", "unmanagedRoles: Disable\n  setRole:"))
    ended = await postgregent("apply", directory, "--dsn", database.dsn(LOGIN, PASSWORD))
    assert ended.status != 0
    connection = await database.connect()
    rows = await connection.fetch(
        "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname IN ($1, $2)", LOGIN, ACTS
    )
    assert dict(map(tuple, rows)) == {LOGIN: True, ACTS: False}
    joined = await connection.fetchval(
        "SELECT count(*) FROM pg_auth_members m JOIN pg_roles u ON u.oid = m.member"
        " WHERE u.rolname IN ('climber', 'other')"
    )
    assert joined == 0
    assert ended.out.count("is the Regent's own admin user") >= 2, ended.out


@pytest.mark.found("E290", "E335")
@pytest.mark.rule("25")
async def test_the_daemon_detects_corrects_and_prevents_as_the_role_and_is_uninstalled_as_it(
    database: Database, tmp_path: Path
) -> None:
    """The judge spares the login, which is a member of the owner role, and refuses the owner."""
    await as_another(database, "SUPERUSER")
    settings = settings_for(database)
    server = settings.server.model_copy(update={"admin_user": LOGIN, "set_role": ACTS})
    server = server.model_copy(update={"admin_password": SecretStr(PASSWORD)})
    regents = {"adminUser": LOGIN, "setRole": ACTS, "enforcement": "Prevent"}
    async with running(settings.model_copy(update={"server": server}), tmp_path) as regent:
        assert (await regent.push(state(REFERENCE, regent=regents))).status_code == 202
        status = await regent.settled(1)
        assert {r["reason"] for r in status["resources"]} == {"Applied"}, status
        intruder = await database.connect()
        owner = await database.connect(database.owner)
        grant = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'

        async def is_refused() -> bool:
            tried = owner.transaction()
            await tried.start()
            try:
                return bool(await refusal(owner, grant))
            finally:
                await tried.rollback()

        await eventually(is_refused)
        await intruder.execute(grant)

        async def is_gone() -> bool:
            may: bool = await intruder.fetchval(
                "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"
            )
            return not may

        await eventually(is_gone)
        assert await intruder.fetchval(
            "SELECT bool_and(pg_get_userbyid(evtowner) = $1) FROM pg_event_trigger", ACTS
        )
        assert (await regent.drifts(1))[0]["actor"]["certainty"] == "Recorded"
    dsn = database.dsn(LOGIN, PASSWORD)
    ended = await postgregent("uninstall", "--dsn", dsn, "--yes")
    assert ended.status == 0, ended.out + ended.err
    assert await intruder.fetchval("SELECT count(*) FROM pg_event_trigger") == 0
