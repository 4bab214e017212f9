"""What a preflight says of facts: each rule by itself, without a server."""

from __future__ import annotations

import ast
import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from cli.pages import PAGE_LINES
from cli.preflight_page import Subject, sheet
from cli.terminal import Terminal
from regent.observed import AclItem, ObjectGroup, ObservedMembership, ObservedServer
from regent.preflight.facts import DatabaseFacts, EventTrigger, Facts, Owned, Session, Slot
from regent.preflight.finding import Finding, Severity
from regent.preflight.judge import judged
from regent.preflight.others import KEEPS_OURS_OUT
from regent.settings import ServerSettings
from shared.names import OWNER_ROLE
from shared.privileges import ObjectKind
from tests.declared import role, server

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "operations.md"
TODAY = date(2026, 6, 1)
SMALL = {"createrole": True, "createdb": True}


def admin(*roles: object, major: int = 18, **attributes: bool) -> ObservedServer:
    """A server whose admin is no superuser."""
    on = server(*roles, major=major)  # type: ignore[arg-type]
    own = role("my-admin", login=True, **attributes)
    return replace(on, admin_is_superuser=False, roles={**on.roles, "my-admin": own})


def facts(on: ObservedServer, **more: object) -> Facts:
    return Facts(server=on, today=TODAY, home="postgregent", **more)  # type: ignore[arg-type]


def found(one: Facts) -> dict[str, Finding]:
    return {finding.name: finding for finding in judged(one)}


def ways(finding: Finding) -> list[str]:
    return [way.text for way in finding.ways]


def member(who: str, group: str, by: str = "postgres", **options: bool) -> ObservedMembership:
    return ObservedMembership(group, who, by, **{"admin": False, **options})


def test_an_admin_with_all_that_it_needs_is_blocked_by_nothing() -> None:
    for on in (server(), admin(**SMALL)):
        assert not [one for one in judged(facts(on)) if one.severity is Severity.BLOCKS]


def test_a_standby_and_a_template_block_a_superuser_too() -> None:
    on = replace(server(), is_in_recovery=True)
    one = found(facts(on, databases={"mydb": DatabaseFacts(is_template=True)}))
    assert one["standby"].severity is one["template"].severity is Severity.BLOCKS
    assert ways(one["template"]) == ['ALTER DATABASE "mydb" IS_TEMPLATE false;']


@pytest.mark.parametrize(
    ("owner", "member_of", "names"),
    [
        ("", False, set()),
        (OWNER_ROLE, True, set()),
        (OWNER_ROLE, False, {"home-database"}),
        ("somebody", True, {"home-database"}),
    ],
)
def test_a_home_database_that_is_there_must_be_postgregents_and_open(
    owner: str, member_of: bool, names: set[str]
) -> None:
    on = admin(role(OWNER_ROLE), **SMALL)
    group = ObjectGroup(ObjectKind.DATABASE, None, owner, (), ("postgregent",), (1,))
    rows = (member("my-admin", OWNER_ROLE),) if member_of else ()
    on = replace(on, databases=(group,) if owner else (), memberships=rows)
    blocking = {one.name for one in judged(facts(on)) if one.severity is Severity.BLOCKS}
    assert blocking == names


def test_an_admin_without_createdb_is_told_what_a_superuser_runs() -> None:
    one = found(facts(admin(createrole=True)))["home-database"]
    assert 'CREATE DATABASE "postgregent"' in ways(one)[0]
    assert ways(found(facts(admin()))["no-createrole"]) == [
        'ALTER ROLE "my-admin" CREATEROLE CREATEDB;'
    ]


def test_an_owner_blocks_a_superuser_is_a_risk_and_the_platform_is_a_note() -> None:
    on = admin(
        role("app_owner"),
        role("root", superuser=True),
        role("supabase_admin", superuser=True),
        role("supabase_auth_admin"),
        **SMALL,
    )
    owned = [
        Owned(name, 2, f"table public.of_{name}", is_ours=name == "mine")
        for name in ("app_owner", "mine", "root", "supabase_admin", "supabase_auth_admin")
    ]
    one = found(facts(on, databases={"mydb": DatabaseFacts(owned=tuple(owned))}))
    assert one["owner-out-of-reach"].severity is Severity.BLOCKS
    assert ways(one["owner-out-of-reach"]) == ['GRANT "app_owner" TO "my-admin";']
    assert one["owned-by-a-superuser"].objects == (
        "root (2 objects in mydb, such as table public.of_root)",
    )
    assert len(one["owned-by-the-platform"].objects) == 2
    assert "owner-out-of-reach" not in found(facts(server(role("app_owner"))))


@pytest.mark.parametrize(("major", "is_found"), [(15, False), (16, True)])
def test_from_16_on_roles_of_others_are_out_of_reach(major: int, is_found: bool) -> None:
    on = admin(role("bob"), role("mine"), role("pg_monitor"), major=major, **SMALL)
    rows = (
        member("my-admin", "mine", admin=True),
        member("bob", "mine", by="someone"),
        member("bob", "pg_monitor"),
    )
    one = found(facts(replace(on, memberships=rows), declared=frozenset({"bob"})))
    assert ("no-admin-over" in one, "memberships-of-others" in one) == (is_found, is_found)
    if is_found:
        assert one["no-admin-over"].severity is Severity.BLOCKS
        assert ways(one["no-admin-over"]) == ['GRANT "bob" TO "my-admin" WITH ADMIN TRUE;']
        assert ways(one["memberships-of-others"]) == [
            'REVOKE "mine" FROM "bob" GRANTED BY "someone";'
        ]


def test_the_first_superuser_the_admin_and_a_platforms_roles_are_nobodys_fault() -> None:
    on = server(
        role("postgres", oid=10, login=True, superuser=True),
        role("rdsadmin", login=True, superuser=True, replication=True),
    )
    assert not {one.name for one in judged(facts(on)) if one.severity is Severity.RISK}


def test_a_ring_of_memberships_ends_and_the_shortest_chain_is_told() -> None:
    on = server(role("ann", login=True), role("a"), role("b"), role("pg_read_all_data"))
    rows = (
        member("ann", "a"),
        member("a", "b"),
        member("b", "a"),
        member("b", "pg_read_all_data"),
        member("ann", "b"),
    )
    one = found(facts(replace(on, memberships=rows)))["members-of-built-in-groups"]
    assert one.objects == ("ann in pg_read_all_data (through b)",)
    assert ways(one) == ['REVOKE "pg_read_all_data" FROM "b" GRANTED BY "postgres";']


def test_what_public_has_by_several_grantors_is_one_thing() -> None:
    acl = (
        AclItem(None, "a", frozenset({"CONNECT"})),
        AclItem(None, "b", frozenset({"TEMPORARY"})),
        AclItem("ann", "a", frozenset({"CREATE"})),
    )
    group = ObjectGroup(ObjectKind.DATABASE, None, "a", acl, ("mydb",), (1,))
    one = found(facts(replace(server(), databases=(group,)), databases={"mydb": DatabaseFacts()}))
    assert one["public-connects"].objects == one["public-temporary-tables"].objects == ("mydb",)
    assert "not-looked-into" not in one


def test_whose_replication_pooler_and_dump_is_affected() -> None:
    one = found(
        facts(
            server(role("backup_bot", login=True), role("walker")),
            senders=(Session("standby1", "walker"),),
            slots=(Slot("s", "logical", "pgoutput", "mydb", is_active=False),),
            sessions=(Session("PgBouncer 1.22", "app"), Session("psql", "app")),
            databases={
                "mydb": DatabaseFacts(
                    event_triggers=(
                        EventTrigger("postgregent_change", "my-admin", "ddl_command_end"),
                        EventTrigger("off", "x", "sql_drop", is_enabled=False),
                    )
                )
            },
        )
    )
    assert one["replicates"].objects == (
        "standby1 as walker",
        "logical slot s of mydb (pgoutput), which nobody reads",
    )
    assert one["poolers"].objects == ("PgBouncer 1.22 as app",)
    assert one["dumps"].objects == ("role backup_bot",)
    assert "event-triggers" not in one
    assert one["postgregent-is-here"].objects == ("mydb",)


def test_what_could_not_be_read_comes_first() -> None:
    one = judged(facts(server(), unread={"database x": "It is not there."}))[0]
    assert (one.name, one.is_unread, one.objects) == (
        "not-read",
        True,
        ("database x: It is not there.",),
    )


@pytest.mark.parametrize("width", [80, 200])
def test_a_server_with_thousands_of_roles_fits_a_page(width: int) -> None:
    """A name that turns the terminal round is only a name."""
    names = [f"a\x1b[2J\u202e role with a long name {number}" for number in range(3000)]
    on = server(*(role(name, login=True, createrole=True, bypassrls=True) for name in names))
    owned = tuple(Owned(name, 3, "table t", is_ours=False) for name in names)
    one = facts(on, databases={f"db{number}": DatabaseFacts(owned=owned) for number in range(3)})
    settings = ServerSettings(host="localhost", admin_user="my-admin")
    subject = Subject(settings, tuple(one.databases), on)
    out = io.StringIO()
    sheet(subject, judged(one), width=width, everything=False).write(Terminal(out))
    lines = out.getvalue().splitlines()
    assert len(lines) <= PAGE_LINES
    texts = [one for one in lines if "→" not in one and not one.startswith(" " * 10)]
    assert max(map(len, texts)) <= width
    assert all(map(str.isprintable, lines))


def test_the_documentation_lists_each_finding_and_the_command_of_a_restore() -> None:
    text = PAGE.read_text("utf-8")
    section = text[text.index("## Before the first apply") :]
    listed = set(re.findall(r"`([a-z][a-z0-9-]+)`", section[: section.index("\n## ", 3)]))
    strings = {
        node.value
        for path in (ROOT / "regent" / "preflight").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert {one for one in strings if re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", one)} <= listed
    assert listed - {"preflight"} <= strings
    assert KEEPS_OURS_OUT in text
