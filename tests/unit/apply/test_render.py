"""Changes as SQL and as words: quoted, chunked, and without secrets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regent.apply.render import Statement, render
from regent.apply.verifiers import to_bind
from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateRole,
    DropRole,
    Effect,
    EndSessions,
    GrantDefaults,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    HandOver,
    ObjectRef,
    ReleaseRole,
    RenameRole,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetPassword,
)
from regent.desired import Attributes
from regent.plan.describe import describe, where
from regent.plan.settings import list_items
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from shared.state import Verifier

HOLDER = ResourceKey("User", "default", "ann")
SECRET = "SCRAM-SHA-256$4096:c2FsdA==$stored:server"
TABLE, COLUMN = ObjectKind.TABLE, ObjectKind.COLUMN
names = st.text(min_size=1).filter(lambda text: "\x00" not in text)


def refs(number: int, owner: str = "owner", schema: str | None = "s") -> tuple[ObjectRef, ...]:
    return tuple(ObjectRef(i, schema, f"t{i}", "r", owner) for i in range(number))


def grant(kind: ObjectKind, objects: tuple[ObjectRef, ...], **more: object) -> GrantPrivileges:
    made = GrantPrivileges("mydb", kind, objects, frozenset({"SELECT", "INSERT"}), ("a", None))
    return replace(made, **more)  # type: ignore[arg-type]


def sql(change: Change, major: int = 18) -> str:
    (statement,) = render(change, major=major)
    return statement.sql


def test_privileges_go_on_many_objects_to_many_grantees_in_one_statement() -> None:
    assert sql(grant(TABLE, refs(2))) == (
        'GRANT INSERT, SELECT ON TABLE "s"."t0", "s"."t1" TO "a", PUBLIC'
    )


def test_column_privileges_name_their_columns_behind_each_privilege() -> None:
    change = grant(COLUMN, refs(1), columns=("id", "city"), grantable=True)
    assert sql(change) == (
        'GRANT INSERT ("id", "city"), SELECT ("id", "city") ON TABLE "s"."t0"'
        ' TO "a", PUBLIC WITH GRANT OPTION'
    )


@pytest.mark.parametrize(
    ("kind", "schema", "text"),
    [
        (ObjectKind.SEQUENCE, "s", 'ON SEQUENCE "s"."t0"'),
        (ObjectKind.SCHEMA, None, 'ON SCHEMA "t0"'),
        (ObjectKind.DATABASE, None, 'ON DATABASE "t0"'),
        (ObjectKind.TYPE, "s", 'ON TYPE "s"."t0"'),
        (ObjectKind.ROUTINE, "s", 'ON ROUTINE "s"."t0"()'),
        (ObjectKind.LANGUAGE, None, 'ON LANGUAGE "t0"'),
        (ObjectKind.FOREIGN_DATA_WRAPPER, None, 'ON FOREIGN DATA WRAPPER "t0"'),
        (ObjectKind.FOREIGN_SERVER, None, 'ON FOREIGN SERVER "t0"'),
        (ObjectKind.LARGE_OBJECT, None, "ON LARGE OBJECT 0 TO"),
        (ObjectKind.PROPERTY_GRAPH, "s", 'ON PROPERTY GRAPH "s"."t0"'),
        (ObjectKind.TABLESPACE, None, 'ON TABLESPACE "t0"'),
        (ObjectKind.PARAMETER, None, 'ON PARAMETER "t0"'),
    ],
)
def test_each_kind_is_named_as_grant_wants_it(
    kind: ObjectKind, schema: str | None, text: str
) -> None:
    assert text in sql(grant(kind, refs(1, schema=schema)))


@pytest.mark.rule("22")
def test_more_than_500_objects_are_several_statements() -> None:
    statements = render(grant(TABLE, refs(1001)), major=18)
    assert [s.sql.count('"s".') for s in statements] == [500, 500, 1]


def test_a_revoke_runs_as_its_grantor_only_where_that_is_not_the_owner() -> None:
    objects = (*refs(1, owner="bob"), *refs(1, owner="owner"))
    change = RevokePrivileges(
        "mydb", TABLE, objects, frozenset({"SELECT"}), ("a",), "bob", cascade=True
    )
    text = 'REVOKE SELECT ON TABLE "s"."t0" FROM "a" CASCADE'
    assert render(change, major=18) == (Statement(text, text), Statement(text, text, "bob"))


def test_the_grant_option_can_go_alone() -> None:
    change = RevokePrivileges(
        "mydb", TABLE, refs(1), frozenset({"SELECT"}), ("a",), "owner", grant_option_only=True
    )
    assert sql(change) == 'REVOKE GRANT OPTION FOR SELECT ON TABLE "s"."t0" FROM "a"'


@pytest.mark.parametrize(
    ("change", "major", "text"),
    [
        (GrantMembership("g", "m"), 18, 'GRANT "g" TO "m" WITH INHERIT TRUE, SET TRUE'),
        (
            GrantMembership("g", "m", admin=True, inherit=False, set_role=False),
            16,
            'GRANT "g" TO "m" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
        ),
        (GrantMembership("g", "m", admin=True), 15, 'GRANT "g" TO "m" WITH ADMIN OPTION'),
        (GrantMembership("g", "m"), 14, 'GRANT "g" TO "m"'),
        (RevokeMembership("g", "m", "x"), 16, 'REVOKE "g" FROM "m" GRANTED BY "x"'),
        (
            RevokeMembership("g", "m", "x", admin_only=True),
            15,
            'REVOKE ADMIN OPTION FOR "g" FROM "m"',
        ),
    ],
)
def test_memberships_have_options_and_grantors_from_16_on(
    change: Change, major: int, text: str
) -> None:
    assert sql(change, major) == text


def test_a_role_is_made_without_login_and_with_what_differs_from_the_defaults() -> None:
    plain = CreateRole("r", HOLDER, Attributes())
    assert sql(plain) == 'CREATE ROLE "r" WITH NOLOGIN'
    moment = datetime(2030, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    rich = CreateRole("r", HOLDER, Attributes(createdb=True, inherit=False), 3, moment)
    assert sql(rich) == (
        'CREATE ROLE "r" WITH NOLOGIN CREATEDB NOINHERIT CONNECTION LIMIT 3'
        " VALID UNTIL '2030-01-01 00:00:00+00:00'"
    )


def test_only_what_changes_is_altered_and_for_ever_is_infinity() -> None:
    change = AlterRole("r", Effect.WIDEN, login=False, bypassrls=True, forever=True)
    assert sql(change) == "ALTER ROLE \"r\" WITH NOLOGIN BYPASSRLS VALID UNTIL 'infinity'"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (AlterSetting("r", None, "work_mem", "8MB"), 'ALTER ROLE "r" SET "work_mem" TO \'8MB\''),
        (
            AlterSetting("r", "d", "app.user", "it's"),
            'ALTER ROLE "r" IN DATABASE "d" SET "app"."user" TO \'it\'\'s\'',
        ),
        (
            AlterSetting("r", None, "search_path", '"$user", Public'),
            "ALTER ROLE \"r\" SET \"search_path\" TO '$user', 'public'",
        ),
        (AlterSetting("r", None, "search_path", ""), 'ALTER ROLE "r" SET "search_path" TO \'\''),
        (AlterSetting("r", "d", "x", None), 'ALTER ROLE "r" IN DATABASE "d" RESET "x"'),
        (RenameRole("a", "b", HOLDER), 'ALTER ROLE "a" RENAME TO "b"'),
        (ClearPassword("r"), 'ALTER ROLE "r" WITH PASSWORD NULL'),
        (DropRole("r"), 'DROP ROLE "r"'),
    ],
)
def test_small_changes_are_one_plain_statement(change: Change, text: str) -> None:
    assert sql(change) == text


@pytest.mark.parametrize(
    ("change", "text", "words"),
    [
        (
            GrantDefaults("d", 'o"w', "s", TABLE, "r", frozenset({"SELECT", "INSERT"})),
            ('ALTER DEFAULT PRIVILEGES FOR ROLE "o""w" IN SCHEMA "s"'
            ' GRANT INSERT, SELECT ON TABLES TO "r"'),
            'grant INSERT, SELECT on new tables of o"w in s to r',
        ),
        (
            RevokeDefaults("d", "o", None, ObjectKind.ROUTINE, "r", frozenset({"EXECUTE"})),
            'ALTER DEFAULT PRIVILEGES FOR ROLE "o" REVOKE EXECUTE ON FUNCTIONS FROM "r"',
            "revoke EXECUTE on new routines of o from r",
        ),
        (
            RevokeDefaults(
                "d", "o", None, ObjectKind.LARGE_OBJECT, "r", frozenset({"SELECT"}),
                grant_option_only=True,
            ),
            ('ALTER DEFAULT PRIVILEGES FOR ROLE "o"'
            ' REVOKE GRANT OPTION FOR SELECT ON LARGE OBJECTS FROM "r"'),
            "revoke the grant option for SELECT on new large objects of o from r",
        ),
    ],
)  # fmt: skip
def test_default_privileges_are_on_what_will_be_made(change: Change, text: str, words: str) -> None:
    assert sql(change) == text
    assert describe(change) == words


@pytest.mark.parametrize(
    "change",
    [
        AdoptRole("r", HOLDER),
        HandOver("r", HOLDER),
        ReleaseRole("r"),
        EndSessions("r", "why"),
        HandOnOwned("d", "r", "boss"),
    ],
)
def test_marks_sessions_and_ownership_are_not_statements(change: Change) -> None:
    assert render(change, major=18) == ()
    assert describe(change)


@pytest.mark.rule("19")
@pytest.mark.found("E163")
def test_a_verifier_is_bound_and_never_in_a_statement() -> None:
    change = SetPassword("r", Verifier(SECRET))
    (statement,) = render(change, major=18)
    assert SECRET in to_bind([change])
    assert SECRET not in statement.sql
    for shown in (statement.shown, repr(statement), describe(change), repr(change)):
        assert SECRET not in shown


@given(schema=names, name=names, grantee=names)
def test_whatever_a_name_holds_it_stays_one_identifier(
    schema: str, name: str, grantee: str
) -> None:
    """Reading the quoted identifiers back gives the very names, and nothing else is left over."""
    ref = ObjectRef(1, schema, name, "r", "owner")
    change = GrantPrivileges("mydb", TABLE, (ref,), frozenset({"SELECT"}), (grantee,))
    text = sql(change)
    found, rest = _identifiers(text)
    assert found == [schema, name, grantee]
    assert rest == "GRANT SELECT ON TABLE . TO "


@given(st.lists(st.text(st.characters(exclude_characters="\x00"), min_size=1), min_size=1))
def test_a_list_survives_being_quoted_and_read_back(items: list[str]) -> None:
    value = ", ".join('"' + item.replace('"', '""') + '"' for item in items)
    assert list_items("search_path", value) == tuple(items)


def _identifiers(text: str) -> tuple[list[str], str]:
    found: list[str] = []
    rest, at = "", 0
    while at < len(text):
        if text[at] != '"':
            rest, at = rest + text[at], at + 1
            continue
        name, at = "", at + 1
        while text[at] != '"' or text[at : at + 2] == '""':
            step = 2 if text[at] == '"' else 1
            name, at = name + text[at], at + step
        found.append(name)
        at += 1
    return found, rest


@pytest.mark.parametrize(
    ("change", "line", "place"),
    [
        (
            GrantPrivileges("mydb", TABLE, refs(3), frozenset({"SELECT"}), ("viewer",)),
            "grant SELECT on 3 tables in s (t0, t1, t2) to viewer",
            "database mydb",
        ),
        (
            GrantPrivileges("mydb", TABLE, refs(9), frozenset({"SELECT"}), tuple("abcde")),
            "grant SELECT on 9 tables in s (t0, t1, t2, …) to a, b, c and 2 more",
            "database mydb",
        ),
        (
            RevokePrivileges(
                "mydb", COLUMN, refs(1), frozenset({"SELECT"}), (None,), "bob", ("id",)
            ),
            "revoke SELECT (id) on table s.t0 from PUBLIC, granted by bob",
            "database mydb",
        ),
        (
            RevokePrivileges(
                "mydb", COLUMN, refs(1), frozenset({"SELECT", "UPDATE"}), ("a",), "o", ("id",)
            ),
            "revoke SELECT (id), UPDATE (id) on table s.t0 from a, granted by o",
            "database mydb",
        ),
        (
            GrantPrivileges(
                "mydb",
                ObjectKind.SCHEMA,
                refs(1, schema=None),
                frozenset({"USAGE"}),
                ("a",),
            ),
            "grant USAGE on schema t0 to a",
            "database mydb",
        ),
        (GrantMembership("g", "m", admin=True), "make m a member of g with ADMIN", "role m"),
        (
            RevokeMembership("g", "m", "x", admin_only=True),
            "take ADMIN over g from m (granted by x)",
            "role m",
        ),
        (
            AlterRole("r", Effect.WIDEN, login=True, connection_limit=-1, forever=True),
            "alter role r: LOGIN, no connection limit, valid for ever",
            "role r",
        ),
        (
            CreateRole("r", HOLDER, Attributes(createdb=True)),
            "create role r with CREATEDB",
            "role r",
        ),
        (AlterSetting("r", "d", "x", "1"), "set x of r in d to 1", "role r"),
        (DropRole("a\nb"), "drop role a\\nb", "role a\\nb"),
    ],
)
def test_a_change_is_told_in_one_line(change: Change, line: str, place: str) -> None:
    assert describe(change) == line
    assert where(change) == place


def test_a_moment_without_a_zone_is_utc() -> None:
    change = AlterRole("r", Effect.NARROW, valid_until=datetime(2030, 1, 1))  # noqa: DTZ001 - the case
    aware = AlterRole("r", Effect.NARROW, valid_until=datetime(2030, 1, 1, tzinfo=UTC))
    assert sql(change) == sql(aware)
