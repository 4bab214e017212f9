"""What authors of another namespace may not do through a Regent that lets them in (rules 3, 10)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.facts.once import all_ready, applied, is_settled, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.every_version, pytest.mark.slow_versions(14, 16, 17)]

ALLOW: dict[str, Any] = {
    "databases": ["mydb"],
    "schemas": ["app_a"],
    "names": ["a_*", "shared"],
    "actions": ["USAGE", "SELECT", "CONNECT"],
    "memberOf": ["platform_reader"],
}
PLATFORM = "Role/platform_admin: {database: mydb}\nRole/platform_reader: {database: mydb}\n"
TWIN = """
Permission/team-a/read: {database: mydb, schemas: [app_a], actions: [SELECT], tables: ["*"]}
Role/team-a/reader:
  {database: mydb, roleName: a_reader, permissions: [read], memberOf: [{role: platform_reader}]}
User/team-a/ann: {roles: [reader], userName: a_ann, attributes: {}}
"""


def lets_in(allow: dict[str, Any] | None = None, **own: Any) -> dict[str, Any]:
    """A Regent that lets namespace team-a in, and the push that says so."""
    entry = {"names": ["team-a"], "allow": ALLOW if allow is None else allow}
    regent = {"allowedNamespaces": [entry], **({"allow": own} if own else {})}
    return {"regent": regent, "namespaces": {"team-a": 0}}


async def with_schemas(database: Database) -> None:
    """What team-a may use, and what it may not."""
    await database.execute(
        "CREATE SCHEMA app_a; CREATE TABLE app_a.t (); CREATE SCHEMA secret;"
        " CREATE TABLE secret.t (); CREATE ROLE legacy LOGIN PASSWORD 'x';"
    )


@pytest.mark.rule("3")
async def test_what_is_listed_is_given(database: Database) -> None:
    await with_schemas(database)
    report = await applied(database, PLATFORM + TWIN, **lets_in())
    assert all_ready(report), report.outcomes
    assert await is_settled(database, PLATFORM + TWIN, 2, **lets_in())
    look = await database.connect()
    assert await look.fetchval("SELECT has_table_privilege('a_ann', 'app_a.t', 'SELECT')")
    assert await look.fetchval("SELECT pg_has_role('a_ann', 'platform_reader', 'MEMBER')")


OF_OTHERS = "{creator: app_owner, schemas: [app_a], objects: tables, actions: [SELECT]}"
BEYOND = {
    "database": ("Permission", "{database: postgres, actions: [CONNECT]}", "NoRegent"),
    "schema": (
        "Permission",
        "{database: mydb, schemas: [secret], actions: [SELECT], tables: ['*']}",
        "allowedNamespaces[0].allow.schemas",
    ),
    "pattern": (
        "Permission",
        "{database: mydb, schemas: ['*'], actions: [SELECT], tables: ['*']}",
        "allowedNamespaces[0].allow.schemas",
    ),
    "action": (
        "Permission",
        "{database: mydb, schemas: [app_a], actions: [DELETE], tables: ['*']}",
        "allowedNamespaces[0].allow.actions",
    ),
    "no-list": (
        "Permission",
        "{database: mydb, languages: [plpgsql], actions: [USAGE]}",
        "languages is not in spec.allowedNamespaces[0].allow.outsideSchemas",
    ),
    "role": ("Role", "{database: mydb, roleName: a_r, permissions: [schema]}", ""),
    "name": ("Role", "{database: mydb, roleName: b_x}", "allowedNamespaces[0].allow.names"),
    "a_group": (
        "Role",
        "{database: mydb, memberOf: [{role: platform_admin}]}",
        "allowedNamespaces[0].allow.memberOf",
    ),
    "a_admin": (
        "Role",
        "{database: mydb, memberOf: [{role: platform_reader, admin: true}]}",
        "spec.memberOf",
    ),
    "a_monitor": (
        "Role",
        "{database: mydb, memberOf: [{role: pg_monitor}]}",
        "allowedNamespaces[0].allow.memberOf",
    ),
    "a_createdb": (
        "Role",
        "{database: mydb, attributes: {createdb: true}}",
        "allowedNamespaces[0].allow.attributes",
    ),
    "a_setting": (
        "Role",
        "{database: mydb, parameters: {log_statement: none}}",
        "spec.allow.parameters",
    ),
    "a_elsewhere": (
        "Role",
        "{database: mydb, databaseParameters: {other: {work_mem: '8MB'}}}",
        "allowedNamespaces[0].allow.databases",
    ),
    "adopted": (
        "User",
        "{database: mydb, userName: shared, adopt: true}",
        "allowedNamespaces[0].allow.adopt",
    ),
    "a_creator": (
        "Role",
        f"{{database: mydb, defaultPrivileges: [{OF_OTHERS}]}}",
        "allowedNamespaces[0].allow.creators",
    ),
    "preempts": ("User", "{database: mydb, userName: platform_new}", "allow.names"),
    "taken": ("User", "{database: mydb, userName: a_taken}", "Role/default/a_taken keeps it"),
}


@pytest.mark.rule("3", "7", "10")
async def test_what_is_not_listed_is_not_given(database: Database) -> None:
    """Each thing that an author may ask for beyond the entry, on one Regent, at once."""
    await with_schemas(database)
    await database.execute("CREATE ROLE shared")
    platform = PLATFORM + "Role/a_taken: {database: mydb}\n"
    await applied(database, platform)
    asked = "".join(f"{kind}/team-a/{name}: {spec}\n" for name, (kind, spec, _) in BEYOND.items())
    asked += "Role/team-a/lister: {database: mydb, roleName: a_lister, permissions: ["
    asked += ", ".join(name for name, (kind, _, _) in BEYOND.items() if kind == "Permission")
    platform += "Role/platform_new: {database: mydb}\n"
    report = await applied(database, platform + asked + "]}\n", 2, **lets_in())
    assert outcome(report, "Role/platform_new").is_ready
    for name, (kind, _, said) in BEYOND.items():
        found = outcome(report, f"{kind}/team-a/{name}")
        assert said in f"{found.reason} {found.message}", found
    look = await database.connect()
    members = (
        "SELECT member::regrole::text, roleid::regrole::text, admin_option"
        " FROM pg_auth_members WHERE member::regrole::text LIKE 'a\\_%'"
    )
    assert [tuple(row) for row in await look.fetch(members)] == [
        ("a_admin", "platform_reader", False)
    ]
    held = "SELECT has_schema_privilege('a_lister', s, 'USAGE') FROM unnest($1::text[]) s"
    assert [row[0] for row in await look.fetch(held, ["secret", "app_a"])] == [False, False]
    assert not await look.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'shared'")
    assert not await look.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'a_taken'")


@pytest.mark.rule("3", "12")
async def test_an_entry_lets_nobody_do_more_than_the_regent_itself_allows(
    database: Database,
) -> None:
    await with_schemas(database)
    wide = {**ALLOW, "schemas": ["*"], "attributes": ["superuser"], "memberOf": ["*", "legacy"]}
    asked = (
        "Permission/team-a/all: {database: mydb, schemas: [secret], actions: [USAGE]}\n"
        "Role/team-a/a_r: {database: mydb, permissions: [all], attributes: {superuser: true}}\n"
        "Role/team-a/a_l: {database: mydb, memberOf: [{role: legacy}]}\n"
    )
    report = await applied(database, asked, **lets_in(wide, schemas=["app_*"]))
    assert "within spec.allow.schemas" in outcome(report, "Permission/team-a/all").message
    assert "spec.allow.attributes" in outcome(report, "Role/team-a/a_r").message
    assert "spec.allow.memberOf" in outcome(report, "Role/team-a/a_l").message


@pytest.mark.rule("3", "18", "20")
async def test_a_narrowed_entry_and_a_namespace_that_is_shut_out_end_at_once(
    database: Database,
) -> None:
    """More than two roles, and every login: a person is asked about neither."""
    await with_schemas(database)
    users = "".join(f"User/team-a/a_u{n}: {{roles: [reader]}}\n" for n in range(4))
    declared = PLATFORM + TWIN + users
    await applied(database, declared, **lets_in())
    narrow = lets_in({**ALLOW, "actions": ["USAGE"], "memberOf": []})
    report = await applied(database, declared, 2, **narrow)
    assert report.brake is None
    look = await database.connect()
    assert not await look.fetchval("SELECT has_table_privilege('a_ann', 'app_a.t', 'SELECT')")
    assert not await look.fetchval("SELECT pg_has_role('a_ann', 'platform_reader', 'MEMBER')")
    keys = [
        line.split(":")[0] for line in (TWIN + users).splitlines() if line.startswith(("R", "U"))
    ]
    shut: dict[str, Any] = {"elsewhere": tuple(keys), "regent": {}}
    report = await applied(database, PLATFORM, 3, **shut)
    assert report.brake is None
    assert await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'a\\_%'") == 0


@pytest.mark.rule("20")
async def test_of_a_namespace_that_is_served_a_mass_deletion_waits_for_a_person(
    database: Database,
) -> None:
    """The twin: the same resources, gone, while their namespace is let in as before."""
    await with_schemas(database)
    users = "".join(f"User/team-a/a_u{n}: {{roles: [reader]}}\n" for n in range(4))
    await applied(database, PLATFORM + TWIN + users, **lets_in())
    report = await applied(database, PLATFORM, 2, **lets_in())
    assert report.brake is not None
    look = await database.connect()
    assert await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'a\\_%'") == 6


@pytest.mark.rule("7")
async def test_the_holder_of_a_name_keeps_it_when_another_namespace_declares_it_too(
    database: Database,
) -> None:
    """And the other takes nothing with it when it goes."""
    wide = {**ALLOW, "names": ["*"]}
    first = "User/team-a/shared: {database: mydb}\n"
    second = "User/team-b/shared: {database: mydb, attributes: {createdb: true}}\n"
    entry = {"names": ["team-a", "team-b"], "allow": wide}
    both: dict[str, Any] = {
        "regent": {"allowedNamespaces": [entry]},
        "namespaces": {"team-a": 0, "team-b": 0},
    }
    assert all_ready(await applied(database, first, **both))
    report = await applied(database, first + second, 2, **both)
    assert outcome(report, "User/team-b/shared").reason == "NameConflict"
    assert outcome(report, "User/team-a/shared").is_ready
    assert all_ready(await applied(database, first, 3, **both))
    look = await database.connect()
    assert await look.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'shared'")


LED_TO = {
    "a_ops": ("ops", "is a member of 'inner', and 'inner' is not allowed"),
    "a_db": ("makers", "has createdb"),
    "a_run": ("runners", "may run function public.as_super() in mydb with the rights of"),
    "a_far": ("far", "is a member of 'runners', and 'runners' may run"),
}


@pytest.mark.rule("3", "12")
async def test_a_group_is_joined_with_what_it_leads_to_or_not_at_all(database: Database) -> None:
    """By membership, by attributes, and by code that runs with a superuser's rights."""
    await with_schemas(database)
    await database.execute(
        "CREATE ROLE inner; CREATE ROLE ops IN ROLE inner; CREATE ROLE makers CREATEDB;"
        "CREATE ROLE runners; CREATE ROLE far IN ROLE runners; CREATE ROLE plain IN ROLE inner;"
        "CREATE FUNCTION as_super() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1;"
        "REVOKE ALL ON FUNCTION as_super() FROM PUBLIC;"
        "GRANT EXECUTE ON FUNCTION as_super() TO runners;"
        'ALTER FUNCTION as_super() OWNER TO "my-admin"'
    )
    allow = {**ALLOW, "memberOf": ["ops", "makers", "r*", "far", "platform_reader", "plain"]}
    asked = "".join(
        f"Role/team-a/{name}: {{database: mydb, memberOf: [{{role: {group}}}]}}\n"
        for name, (group, _) in LED_TO.items()
    )
    own = {"memberOf": ["*", "ops", "makers", "runners", "far", "plain"]}
    report = await applied(database, PLATFORM + asked, **lets_in(allow, **own))
    for name, (_, said) in LED_TO.items():
        found = outcome(report, f"Role/team-a/{name}")
        assert (found.reason, said in found.message) == ("NotAllowed", True), found
    look = await database.connect()
    members = "SELECT count(*) FROM pg_auth_members WHERE member::regrole::text LIKE 'a\\_%'"
    assert await look.fetchval(members) == 0
    wide = {**allow, "memberOf": ["runners", "*", *own["memberOf"]], "attributes": ["createdb"]}
    report = await applied(database, PLATFORM + asked, 2, **lets_in(wide, **own))
    assert all_ready(report), report.outcomes
    assert await look.fetchval(members) == len(LED_TO)


@pytest.mark.rule("3", "12")
async def test_drift_of_a_group_that_is_managed_puts_nobody_out(database: Database) -> None:
    """It is corrected; who is in the group stays in it meanwhile."""
    await with_schemas(database)
    assert all_ready(await applied(database, PLATFORM + TWIN, **lets_in()))
    await database.execute("CREATE ROLE other; GRANT other TO platform_reader")
    report = await applied(database, PLATFORM + TWIN, 2, **lets_in())
    assert all_ready(report), report.outcomes
    assert await is_settled(database, PLATFORM + TWIN, 3, **lets_in())
    look = await database.connect()
    assert await look.fetchval("SELECT pg_has_role('a_ann', 'platform_reader', 'MEMBER')")
    assert not await look.fetchval("SELECT pg_has_role('platform_reader', 'other', 'MEMBER')")


@pytest.mark.found("E190")
@pytest.mark.rule("3", "12")
async def test_a_pattern_lets_nobody_into_a_group_that_runs_code_of_a_superuser(
    database: Database,
) -> None:
    """In the Regent's own namespace. Twins: its exact name, and code of nobody in particular."""
    await database.execute(
        "CREATE ROLE runners; CREATE ROLE far IN ROLE runners; CREATE ROLE readers;"
        "CREATE FUNCTION as_super() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';"
        "CREATE FUNCTION as_owner() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';"
        "REVOKE ALL ON FUNCTION as_super(), as_owner() FROM PUBLIC;"
        "GRANT EXECUTE ON FUNCTION as_super() TO runners;"
        "GRANT EXECUTE ON FUNCTION as_owner() TO readers;"
        'ALTER FUNCTION as_super() OWNER TO "my-admin";'
        "ALTER FUNCTION as_owner() OWNER TO app_owner;"
    )
    asked = "".join(
        f"User/u_{group}: {{database: mydb, memberOf: [{{role: {group}}}]}}\n"
        for group in ("runners", "far", "readers")
    )
    report = await applied(database, asked, regent={"allow": {"memberOf": ["*"]}})
    for group in ("runners", "far"):
        assert "as_super() in mydb" in outcome(report, f"User/u_{group}").message
    assert outcome(report, "User/u_readers").is_ready
    named = {"allow": {"memberOf": ["runners", "far", "*"]}}
    assert all_ready(await applied(database, asked, 2, regent=named))
