"""`plan` and `apply` as processes, on real servers: what they do, say, and end with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from shared.utc import utc
from tests.ahead import Ahead
from tests.command import flights, postgregent, postgregent_process
from tests.postgres.canary import Canary
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

API = "putnam120.postgregent/v1alpha1"


def add(directory: Path, kind: str, name: str, **spec: object) -> None:
    """One more manifest, or another text for the same."""
    document = {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}
    (directory / f"{kind}-{name}.yaml").write_text(yaml.safe_dump(document))


async def roles(database: Database) -> set[str]:
    """The roles that are neither PostgreSQL's nor the test's."""
    connection = await database.connect()
    rows = await connection.fetch(
        "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'"
        " AND rolname <> ALL ('{postgres,my-admin,app_owner}')"
    )
    return {row["rolname"] for row in rows}


async def test_a_plan_shows_the_changes_and_writes_nothing(
    database: Database, tmp_path: Path
) -> None:
    """Exit status 2, no role, no home database."""
    ended = await postgregent(
        "plan", str(flights(tmp_path)), "--dsn", database.dsn(), "-o", "json", "--sql"
    )
    assert ended.status == 2, ended.err
    plan = ended.data()
    assert plan["summary"]["add"] == len(plan["changes"]) > 0
    assert plan["summary"]["change"] == plan["summary"]["takeAway"] == 0
    assert any("home database" in note for note in plan["notes"])
    statements = [text for change in plan["changes"] for text in change["statements"]]
    assert any(text.startswith('CREATE ROLE "mydb-viewer"') for text in statements)
    assert not any("SCRAM-SHA-256$4096:" in text for text in statements)
    assert await roles(database) == set()
    connection = await database.connect()
    assert not await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'postgregent')"
    )


async def test_apply_brings_everything_about_and_a_second_plan_is_empty(
    database: Database, tmp_path: Path
) -> None:
    """0 from apply, 0 from plan, and nothing is done by a second apply."""
    directory = str(flights(tmp_path))
    first = await postgregent("apply", directory, "--dsn", database.dsn(), "-o", "json")
    assert first.status == 0, first.out + first.err
    assert all(result["done"] for result in first.data()["results"])
    assert all(outcome["state"] == "Ready" for outcome in first.data()["outcomes"])
    assert await roles(database) >= {"flights-admin", "mydb-viewer", "summer-intern-2"}
    plan = await postgregent("plan", directory, "--dsn", database.dsn(), "-o", "json")
    assert (plan.status, plan.data()["changes"]) == (0, [])
    second = await postgregent("apply", directory, "--dsn", database.dsn(), "-o", "yaml")
    assert (second.status, yaml.safe_load(second.out)["results"]) == (0, [])


async def test_a_plan_reads_well_and_says_what_it_adds_up_to(
    database: Database, tmp_path: Path
) -> None:
    """Text for people: resources as headings, a symbol for each change, a sum at the end."""
    ended = await postgregent("plan", str(flights(tmp_path)), "--dsn", database.dsn())
    assert "\nRole default/mydb-viewer\n  + create role mydb-viewer\n" in ended.out
    assert ended.out.splitlines()[-1].startswith("Plan: ")
    assert "\x1b[" not in ended.out, "no colour but on a terminal"


@pytest.mark.rule("19")
async def test_no_password_is_in_what_the_commands_write(
    database: Database, tmp_path: Path, canary: Canary
) -> None:
    """Neither the user's nor the admin's, in no form; nor in the server's log (see `canary`)."""
    directory = flights(tmp_path)
    secrets = directory / "secrets.yaml"
    secrets.write_text(secrets.read_text().replace("demo-only-intern-2-password", canary.password))
    assert canary.password in secrets.read_text()
    written = b""
    for command, output in (("plan", "json"), ("plan", "table"), ("apply", "table")):
        ended = await postgregent_process(
            command, str(directory), "--dsn", database.dsn(), "--sql", "-o", output
        )
        written += ended.everything
    canary.assert_nowhere({"output": written})
    connection = await database.connect("summer-intern-2", canary.password)
    assert await connection.fetchval("SELECT session_user") == "summer-intern-2"


async def test_a_dsn_to_another_database_is_refused_with_both_names(
    database: Database, tmp_path: Path
) -> None:
    """Interface 8, and its password is not repeated."""
    dsn = database.server.dsn("postgres")
    ended = await postgregent("apply", str(flights(tmp_path)), "--dsn", dsn)
    assert ended.status == 1
    assert "postgres" in ended.err
    assert "databaseName mydb" in ended.err
    assert database.server.password.get_secret_value() not in ended.err + ended.out


async def test_without_a_dsn_the_regent_says_where_and_its_secret_the_password(
    database: Database, tmp_path: Path
) -> None:
    """`databaseHost`, `port` and `adminPasswordSecretRef` of the directory are enough."""
    directory = flights(tmp_path)
    server: PostgresServer = database.server
    regent = directory / "regent.yaml"
    document = yaml.safe_load(regent.read_text())
    document["spec"] |= {"databaseHost": server.host, "port": server.port}
    regent.write_text(yaml.safe_dump(document))
    secrets = directory / "secrets.yaml"
    declared = secrets.read_text().replace(
        "demo-only-admin-password", server.password.get_secret_value()
    )
    secrets.write_text(declared)
    ended = await postgregent("plan", str(directory))
    assert ended.status == 2, ended.err


async def test_an_invalid_resource_stops_everything(database: Database, tmp_path: Path) -> None:
    """Interface 10: exit status 1, every problem, and nothing is written."""
    directory = flights(tmp_path)
    add(directory, "Role", "mistaken", database="mydb", permisions=["a"])
    add(directory, "Role", "lonely", database="mydb", permissions=["conect-to-mydb"])
    ended = await postgregent("apply", str(directory), "--dsn", database.dsn())
    assert ended.status == 1
    assert "did you mean permissions" in ended.err.lower()
    assert "did you mean connect-to-mydb" in ended.err.lower()
    assert await roles(database) == set()


@pytest.mark.rule("4")
async def test_a_database_that_nobody_serves_is_applied_around(
    database: Database, tmp_path: Path
) -> None:
    """The rest is applied, exit status 3, and plan then has nothing to do."""
    directory = flights(tmp_path)
    add(directory, "Role", "nowhere", database="otherdb")
    ended = await postgregent("apply", str(directory), "--dsn", database.dsn(), "-o", "json")
    assert ended.status == 3, ended.err
    reasons = {one["resource"]: one["reason"] for one in ended.data()["outcomes"]}
    assert reasons["Role/default/nowhere"] == "NoRegent"
    plan = await postgregent("plan", str(directory), "--dsn", database.dsn())
    assert plan.status == 0, plan.out


@pytest.mark.rule("19")
async def test_a_missing_secret_stops_nothing_but_the_password(
    database: Database, tmp_path: Path
) -> None:
    """Exit status 3; the user is there, waits as NOLOGIN, and has its role."""
    directory = flights(tmp_path)
    (directory / "secrets.yaml").unlink()
    ended = await postgregent("apply", str(directory), "--dsn", database.dsn(), "-o", "json")
    assert ended.status == 3, ended.err
    connection = await database.connect()
    row = await connection.fetchrow(
        "SELECT rolcanlogin, pg_has_role(rolname, 'mydb-viewer', 'MEMBER')"
        " FROM pg_roles WHERE rolname = 'summer-intern-2'"
    )
    assert row is not None
    assert tuple(row) == (False, True)


async def test_secrets_may_come_from_the_environment(database: Database, tmp_path: Path) -> None:
    """POSTGREGENT_SECRET_<NAME>__<KEY>, with --secrets-from-env."""
    directory = flights(tmp_path)
    (directory / "secrets.yaml").unlink()
    environment = {
        "POSTGREGENT_SECRET_MYDB_INTERN_PASSWORDS__INTERN_2": "from-the-environment",
        "POSTGREGENT_SECRET_MYDB_PASSWORDS__FLIGHTS_ADMIN": "as-well",
    }
    ended = await postgregent(
        "apply", str(directory), "--dsn", database.dsn(), "--secrets-from-env",
        environment=environment,
    )  # fmt: skip
    assert ended.status == 0, ended.out + ended.err
    connection = await database.connect("summer-intern-2", "from-the-environment")
    assert await connection.fetchval("SELECT 1") == 1


async def test_of_several_regents_one_must_be_named(database: Database, tmp_path: Path) -> None:
    """The error lists them; --regent chooses."""
    directory = flights(tmp_path)
    second = yaml.safe_load((directory / "regent.yaml").read_text())
    second["metadata"]["name"] = "other-regent"
    second["spec"]["databaseName"] = "otherdb"
    (directory / "other.yaml").write_text(yaml.safe_dump(second))
    ended = await postgregent("plan", str(directory), "--dsn", database.dsn())
    assert ended.status == 1
    assert "default/my-regent, default/other-regent" in ended.err
    chosen = await postgregent(
        "plan", str(directory), "--dsn", database.dsn(), "--regent", "my-regent"
    )
    assert chosen.status == 2, chosen.err


@pytest.mark.rule("20")
@pytest.mark.found("E16")
async def test_what_the_brake_withholds_is_listed_and_released_by_its_digest(
    database: Database, tmp_path: Path
) -> None:
    """Exit status 3 with the digest; `apply --release` lets it through."""
    directory = flights(tmp_path)
    for number in range(8):
        add(directory, "Role", f"team-{number}", database="mydb", permissions=["connect-to-mydb"])
    arguments = (str(directory), "--dsn", database.dsn())
    assert (await postgregent("apply", *arguments)).status == 0
    for number in range(8):
        (directory / f"Role-team-{number}.yaml").unlink()
    braked = await postgregent("apply", *arguments, "-o", "json")
    assert braked.status == 3, braked.out
    digest = braked.data()["brake"]["digest"]
    assert "team-7" in await roles(database)
    told = await postgregent("apply", *arguments)
    assert f"--release {digest}" in told.out
    wrong = await postgregent("apply", *arguments, "--release", "0123456789abcdef")
    assert "--release 0123456789abcdef: that is not its digest" in wrong.out
    released = await postgregent("apply", *arguments, "--release", digest)
    assert released.status == 0, released.out + released.err
    idle = await postgregent("apply", *arguments, "--release", digest)
    assert idle.status == 2, "E33: it was all done, and yet not what was asked for"
    assert f"--release {digest}: nothing is withheld" in idle.out
    assert "team-7" not in await roles(database)


async def test_a_wrong_option_is_no_plan_with_changes(tmp_path: Path) -> None:
    """Exit status 2 means changes, so a misunderstood call ends with 1."""
    ended = await postgregent_process("plan", str(tmp_path), "--no-such-option")
    assert ended.status == 1
    assert "no-such-option" in ended.err


async def test_uninstall_takes_everything_off_but_the_roles(
    database: Database, tmp_path: Path
) -> None:
    """Asks when it can, refuses when it cannot; with --home the home database goes too."""
    directory = str(flights(tmp_path))
    assert (await postgregent("apply", directory, "--dsn", database.dsn())).status == 0
    asked = await postgregent("uninstall", "--dsn", database.dsn())
    assert (asked.status, "--yes" in asked.err) == (1, True)
    ended = await postgregent("uninstall", "--dsn", database.dsn(), "--home", "--yes")
    assert ended.status == 0, ended.err
    connection = await database.connect()
    assert await roles(database) >= {"flights-admin", "mydb-viewer", "summer-intern-2"}
    assert await connection.fetchval("SELECT to_regnamespace('postgregent')") is None
    assert not await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'postgregent')"
    )


@pytest.mark.found("C27")
async def test_what_does_nothing_yet_is_said_by_plan_and_apply(
    database: Database, tmp_path: Path
) -> None:
    """Of the Regent it is said as of any resource. A Role with `public: true` makes no role."""
    directory = flights(tmp_path)
    add(directory, "Role", "everybody", database="mydb", public=True, permissions=[])
    for file in directory.glob("*.yaml"):
        text = file.read_text("utf-8")
        in_vain = "databaseName: mydb\n  enforcement: Prevent\n  detector: Polling"
        file.write_text(text.replace("databaseName: mydb", in_vain))
    arguments = (str(directory), "--dsn", database.dsn(), "-o", "json")
    for command, status in (("plan", 2), ("apply", 3), ("plan", 0)):
        ended = await postgregent(command, *arguments)
        assert ended.status == status, ended.out
        reasons = {one["resource"]: one["reason"] for one in ended.data()["outcomes"]}
        assert reasons["Regent/default/my-regent"] == "Unsupported"
    assert "everybody" not in await roles(database)


@pytest.mark.found("C26")
async def test_a_misspelt_schema_is_said_by_plan_and_apply(
    database: Database, tmp_path: Path
) -> None:
    """It is Ready, gives nothing, and says so: it passed with `True Applied` before."""
    directory = flights(tmp_path)
    spec = {"database": "mydb", "schemas": ["schmea1"], "tables": ["*"], "actions": ["SELECT"]}
    add(directory, "Permission", "misspelt", **spec)
    arguments = (str(directory), "--dsn", database.dsn())
    said = "'mydb' has no schema 'schmea1'. Did you mean 'schema1'?"
    assert said in " ".join((await postgregent("plan", *arguments)).out.split())
    planned = await postgregent("plan", *arguments, "-o", "json")
    assert any(said in note and "misspelt" in note for note in planned.data()["notes"])
    applied = await postgregent("apply", *arguments, "-o", "json")
    [outcome] = [o for o in applied.data()["outcomes"] if "misspelt" in o["resource"]]
    assert (outcome["state"], outcome["matches"]) == ("Ready", 0)
    assert said in " ".join(outcome["notes"])


@pytest.mark.found("A10")
@pytest.mark.rule("24")
async def test_access_for_a_time_ends_with_an_apply_after_it_and_the_first_says_so(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is there when the time comes: until now nothing said that the access stays."""
    directory = flights(tmp_path)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    ends = utc(until)
    access = [{"role": "mydb-viewer", "until": ends, "reason": "on call"}]
    add(directory, "User", "ann", database="mydb", access=access)
    add(directory, "User", "bob", database="mydb", validUntil=ends)
    arguments = (str(directory), "--dsn", database.dsn(), "-o", "json")
    applied = await postgregent("apply", *arguments)
    assert applied.status == 0, applied.out
    [note] = [note for note in applied.data()["notes"] if "Nothing ends this" in note]
    for named in ("'ann' to Role 'mydb-viewer'", "'bob'", f"until {ends}", "postgregent local"):
        assert named in note
    connection = await database.connect()
    look = (
        "SELECT pg_has_role('ann', 'mydb-viewer', 'MEMBER'), rolcanlogin, rolvaliduntil"
        " FROM pg_roles WHERE rolname = 'bob'"
    )
    [row] = await connection.fetch(look)
    assert tuple(row) == (True, True, until)
    for module in ("regent.one_shot", "regent.passes.full"):
        monkeypatch.setattr(f"{module}.datetime", Ahead)
    applied = await postgregent("apply", *arguments)
    assert applied.status == 0, applied.out
    assert not [note for note in applied.data()["notes"] if "Nothing ends this" in note]
    [row] = await connection.fetch(look)
    assert tuple(row) == (False, False, until)


@pytest.mark.found("E16")
async def test_an_empty_directory_names_no_option_that_is_not_there(tmp_path: Path) -> None:
    for name in ("plan", "apply"):
        ended = await postgregent(name, str(tmp_path), "--dsn", "postgresql://a@127.0.0.1:1/mydb")
        assert ended.status == 1
        assert "There is no Regent in the directory" in ended.err
        assert "--allow-empty" not in ended.err


@pytest.mark.found("E247")
@pytest.mark.rule("7", "10")
async def test_a_rename_with_the_same_password_in_clear_interrupts_nobody(
    database: Database, tmp_path: Path
) -> None:
    """Seen: NOLOGIN, no password and ended sessions, as if another one got the role."""
    directory = flights(tmp_path)
    metadata = {"name": "clear", "labels": {"key1": "value1", "key2": "value2"}}
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    (directory / "Secret-clear.yaml").write_text(
        yaml.safe_dump(document | {"stringData": {"key": "in clear"}})
    )
    secret = {"name": "clear", "key": "key"}
    add(directory, "User", "old", roles=["mydb-viewer"], passwordSecretRef=secret)
    first = await postgregent("apply", str(directory), "--dsn", database.dsn())
    assert first.status == 0, first.out + first.err
    session = await database.connect("old", "in clear")
    (directory / "User-old.yaml").unlink()
    add(
        directory, "User", "new",
        roles=["mydb-viewer"], passwordSecretRef=secret, renamedFrom="old",
    )  # fmt: skip
    ended = await postgregent("apply", str(directory), "--dsn", database.dsn(), "-o", "json")
    assert ended.status == 0, ended.out + ended.err
    assert len(ended.data()["results"]) == 1, ended.out
    assert await session.fetchval("SELECT session_user::text") == "new"
