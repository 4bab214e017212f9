"""`postgregent export` on real servers: what it writes changes nothing but the marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import Ended, flights, postgregent
from tests.postgres.database import Database

MESSY = (Path(__file__).parent / "messy.sql").read_text()
AFTER_15 = """
GRANT SET ON PARAMETER log_min_duration_statement TO ops;
GRANT ALTER SYSTEM ON PARAMETER work_mem TO ops;
"""
AFTER_16 = "GRANT readers TO carol WITH INHERIT FALSE, SET FALSE;"

UNDECLARED = {
    "role bystander": 'GRANT EXECUTE ON ROUTINE "pg_catalog"."pg_ls_dir"(text) TO "bystander";',
    "role expired": 'CREATE ROLE "expired" LOGIN',
    "role optional": 'ALTER DEFAULT PRIVILEGES FOR ROLE "writers" GRANT SELECT ON TABLES TO'
    ' "optional" WITH GRANT OPTION;',
    "role root_too": 'GRANT "readers" TO "root_too"',
    "who granted what, where that is not the owner": 'SET ROLE "bob";',
    "what PUBLIC has on routines": 'REVOKE ALL ON ROUTINE "mine"."add"(integer, numeric) FROM',
    "owners of what stands in schemas": "-- 1 sequence, 2 tables in mine of mydb: writers",
}

CATALOG = """
SELECT jsonb_object_agg(part, found ORDER BY part)::text FROM (
    SELECT 'roles', jsonb_agg(to_jsonb(r) - 'oid' ORDER BY r.rolname)
      FROM pg_authid AS r WHERE r.rolname <> 'postgregent_owner'
    UNION ALL
    SELECT 'members', jsonb_agg(m::text ORDER BY m::text) FROM (
      SELECT to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor'
             || jsonb_build_array(m.roleid::regrole, m.member::regrole, m.grantor::regrole)
        FROM pg_auth_members AS m
       WHERE m.roleid::regrole::text <> 'postgregent_owner') AS m
    UNION ALL
    SELECT 'settings', jsonb_agg(to_jsonb(s) ORDER BY s::text) FROM pg_db_role_setting AS s
    UNION ALL
    SELECT 'relations', jsonb_agg(jsonb_build_array(c.oid::regclass, c.relowner, c.relacl::text)
                                  ORDER BY c.oid) FROM pg_class AS c
    UNION ALL
    SELECT 'columns', jsonb_agg(jsonb_build_array(a.attrelid, a.attname, a.attacl::text)
      ORDER BY a.attrelid, a.attnum) FROM pg_attribute AS a WHERE a.attacl IS NOT NULL
    UNION ALL
    SELECT 'routines', jsonb_agg(jsonb_build_array(p.oid::regprocedure, p.proowner, p.proacl::text)
                                 ORDER BY p.oid) FROM pg_proc AS p
    UNION ALL
    SELECT 'types', jsonb_agg(jsonb_build_array(t.oid::regtype, t.typowner, t.typacl::text)
                              ORDER BY t.oid) FROM pg_type AS t
    UNION ALL
    SELECT 'schemas', jsonb_agg(jsonb_build_array(n.nspname, n.nspowner, n.nspacl::text)
                                ORDER BY n.oid) FROM pg_namespace AS n WHERE n.nspname !~ '^pg_'
    UNION ALL
    SELECT 'databases', jsonb_agg(jsonb_build_array(d.datname, d.datdba, d.datacl::text)
      ORDER BY d.oid) FROM pg_database AS d WHERE d.datname <> 'postgregent'
    UNION ALL
    SELECT 'defaults', jsonb_agg(to_jsonb(d) - 'oid' ORDER BY d.oid) FROM pg_default_acl AS d
) AS f(part, found)
"""


async def catalog(database: Database) -> str:
    """Everything about roles, owners and privileges, as the server has it."""
    connection = await database.connect("postgres")
    return str(await connection.fetchval(CATALOG))


async def exported(database: Database, out: Path, *options: str) -> Ended:
    """The command, which is to succeed."""
    ended = await postgregent("export", str(out), "--dsn", database.dsn(), *options)
    assert ended.status == 0, ended.out + ended.err
    return ended


async def make_messy(database: Database) -> None:
    """What that version has of it."""
    await database.execute(MESSY)
    if database.server.version >= 15:
        await database.execute(AFTER_15)
    if database.server.version >= 16:
        await database.execute(AFTER_16)


async def changes_nothing(database: Database, out: Path) -> None:
    """Its plan are adoptions alone; `apply` does these, and nothing else is there afterwards."""
    before = await catalog(database)
    await plans_adoptions(out, database.dsn())
    arguments = (str(out), "--dsn", database.dsn(), "-o", "json")
    applied = await postgregent("apply", *arguments)
    assert applied.status == 0, applied.out + applied.err
    assert await catalog(database) == before
    again = await postgregent("plan", *arguments)
    assert (again.status, again.data()["changes"]) == (0, [])


async def plans_adoptions(out: Path, dsn: str) -> None:
    """And nothing else."""
    planned = (await postgregent("plan", str(out), "--dsn", dsn, "-o", "json")).data()
    kinds = {change["what"].partition(" ")[0] for change in planned["changes"]}
    assert kinds == {"adopt"}, planned["changes"]


def manifests(out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The specs of all that was written, by kind and name."""
    found = [
        one for file in sorted(out.rglob("*.yaml")) for one in yaml.safe_load_all(file.read_text())
    ]
    return {(one["kind"], one["metadata"]["name"]): one.get("spec", one) for one in found}


async def test_what_was_applied_and_uninstalled_is_exported_and_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    """The flights example, which nobody manages any more."""
    directory = flights(tmp_path)
    await postgregent("apply", str(directory), "--dsn", database.dsn())
    left = await postgregent("uninstall", "--dsn", database.dsn(), "--home", "--yes")
    assert left.status == 0, left.err
    out = tmp_path / "out"
    await exported(database, out)
    found = manifests(out)
    assert found["User", "summer-intern-2"] == {"roles": ["mydb-viewer"], "adopt": True}
    assert found["Permission", "connect-mydb"] == {"database": "mydb", "actions": ["CONNECT"]}
    wide = tmp_path / "wide"
    await exported(database, wide, "--wildcards")
    assert manifests(wide)["Permission", "select-schema1-schema2"]["tables"] == ["*"]
    await plans_adoptions(wide, database.dsn())
    await changes_nothing(database, out)
    again = await postgregent("export", "--dsn", database.dsn())
    assert (again.status, again.out) == (1, "")
    assert "manages this database already" in again.err


@pytest.mark.found("E440")
async def test_a_messy_database_is_exported_and_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    """What no declaration says is listed with its SQL; whom the plan would change is left out."""
    await make_messy(database)
    out = tmp_path / "out"
    ended = await exported(database, out, "--passwords")
    found, comments = manifests(out), (out / "regent.yaml").read_text()
    assert {role for kind, role in found if kind == "Role"} == {
        "alice", "ops", "readers", "writers", "public"
    }  # fmt: skip
    assert found["User", "odd-name"]["userName"] == "Odd Name*"
    assert found["User", "odd-name"]["enabled"] is False
    assert found["User", "bob"]["memberOf"][0]["role"] == "readers"
    assert found["Regent", "mydb"]["allow"]["memberOf"] == ["pg_read_all_data"]
    assert found["Secret", "mydb-passwords"]["stringData"]["alice"].startswith("SCRAM-SHA-256$")
    said = ended.err.splitlines()
    for name, sql in UNDECLARED.items():
        assert any(one.startswith("not declared") and name in one for one in said)
        assert f"#   {sql}" in comments
    assert "SCRAM-SHA-256" not in comments + ended.err
    small, part = database.dsn("small", "small-secret"), tmp_path / "part"
    options = ("--roles", "b*", "--roles", "rea*", "--ignore-roles", "by*", "--schemas", "schema?")
    ended = await postgregent("export", str(part), *options, "--per", "role", "--dsn", small)
    assert ended.status == 0, ended.err
    assert {str(file.relative_to(part)) for file in part.rglob("*.yaml")} == {
        "regent.yaml", "permissions.yaml", "users/bob.yaml"
    }  # fmt: skip
    assert "not declared  role readers: spec.defaultPrivileges[" in ended.err
    narrow = manifests(part)["Regent", "mydb"]
    assert narrow["ignoreSchemas"] == ["mine", "public"]
    assert narrow["allow"]["memberOf"] == ["readers"]
    await plans_adoptions(part, small)
    ended = await postgregent("export", str(part), "--dsn", small)
    assert (ended.status, "never replaced" in ended.err) == (1, True)
    await changes_nothing(database, out)


async def test_the_sql_of_a_messy_database_brings_everything_back(
    database: Database, tmp_path: Path
) -> None:
    """Roles are dropped with all that they have, the statements run, and the export is the same."""
    await make_messy(database)
    before = await sql_of(database)
    connection = await database.connect("postgres")
    everybody = await connection.fetch(
        "SELECT quote_ident(rolname) FROM pg_roles WHERE oid >= 16384 "
        " AND rolname <> ALL ('{my-admin,app_owner}')"
    )
    for (role,) in everybody:
        await connection.execute(
            f'REASSIGN OWNED BY {role} TO "my-admin"; DROP OWNED BY {role} CASCADE'
        )
    await connection.execute(f"DROP ROLE {', '.join(role for (role,) in everybody)}")
    assert await sql_of(database) != before
    statements = [line for line in before.splitlines() if not line.startswith(("\\connect", "--"))]
    for statement in statements:
        if statement not in ('CREATE ROLE "my-admin";', 'CREATE ROLE "app_owner";'):
            await connection.execute(statement)
    assert await sql_of(database) == before
    assert "-- Not read: database postgres. Add --database for it." in before.splitlines()


async def sql_of(database: Database) -> str:
    """As it is now, with verifiers."""
    ended = await postgregent("export", "--sql", "--passwords", "--dsn", database.dsn())
    assert ended.status == 0, ended.err
    return ended.out


@pytest.mark.found("E504")
async def test_what_another_regent_manages_is_one_answer(
    database: Database, tmp_path: Path
) -> None:
    await postgregent("apply", str(flights(tmp_path)), "--dsn", database.dsn())
    managed = ("mydb-viewer", "flights-admin", "summer-intern-2")
    asked = [word for name in managed for word in ("--roles", name)]
    ended = await postgregent("export", "--dsn", database.dsn(), "--name", "second", *asked)
    assert (ended.status, ended.out) == (1, ""), ended.err
    assert ended.err.count("the Regent default/my-regent manages it") == 1, ended.err
    await database.execute("CREATE ROLE stray LOGIN")
    ended = await postgregent("export", "--dsn", database.dsn(), "--name", "second")
    assert (ended.status, "stray" in ended.out) == (0, True), ended.err
    assert ended.err.count("default/my-regent") == 1, ended.err
