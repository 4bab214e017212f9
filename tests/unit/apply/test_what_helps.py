"""What an admin lacks, as SQL, and who may run it (rule 21)."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import pytest

from regent.apply.result import ChangeResult, refused, way_out
from regent.apply.what_helps import with_what_helps
from regent.changes import (
    AlterRole,
    Change,
    CreateRole,
    DisableRole,
    Effect,
    GrantMembership,
    GrantPrivileges,
    ObjectRef,
    Plan,
    RevokeMembership,
    SetPassword,
)
from regent.desired import Attributes
from regent.gate.refusals import Refusal, refusals, without_refused
from regent.observed import Acl, ObjectGroup, ObservedMembership, ObservedServer
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from shared.state import Verifier
from tests.declared import NOON, role, server

VERIFIER = "SCRAM-SHA-256$4096:c2FsdA==$stored:server"


def on(major: int, *memberships: ObservedMembership, **admin: bool) -> ObservedServer:
    """A server whose admin is no superuser, with an owner, a group and a superuser."""
    attributes = {"createrole": True, **admin}
    made = server(role("app"), role("crew"), role("root", superuser=True), major=major)
    roles = {**made.roles, "my-admin": role("my-admin", **attributes)}
    return replace(made, admin_is_superuser=False, roles=roles, memberships=memberships)


def grant(owner: str) -> GrantPrivileges:
    """SELECT on a table of this owner."""
    table = ObjectRef(1, "s", "t", "r", owner)
    return GrantPrivileges("mydb", ObjectKind.TABLE, (table,), frozenset({"SELECT"}), ("crew",))


def said(change: Change, server: ObservedServer, sqlstate: str = "42501") -> str:
    """The message of a refusal."""
    no = ChangeResult(change, False, sqlstate, "no", "Give it.", remaining=(change,))
    return with_what_helps(no, server).message


ADMIN_OF_APP = ObservedMembership("app", "my-admin", "root", admin=True, inherit=False)
OR_WITH_ADMIN = "as a superuser, or as a role that has ADMIN over"
GRANT_IT = 'GRANT SELECT ON TABLE "s"."t" TO "crew"'
OWNED = "pg_database_owner"
BE_ONE = "have the Regent's adminUser be one, or take it out of spec.attributes."
CREATED = CreateRole("new", ResourceKey("Role", "default", "new"), Attributes())


def making(**attributes: bool) -> CreateRole:
    """A new role with these."""
    return replace(CREATED, attributes=Attributes(**attributes))


@pytest.mark.found("E213")
@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        (grant("app"), on(15), 'no. Run GRANT "app" TO "my-admin"; as the admin itself.'),
        (
            grant("app"),
            on(18),
            f'no. Run GRANT "app" TO "my-admin"; {OR_WITH_ADMIN} "app".',
        ),
        (
            grant("app"),
            on(18, ADMIN_OF_APP),
            'no. Run GRANT "app" TO "my-admin" WITH INHERIT TRUE; as the admin itself.',
        ),
        (
            grant("root"),
            on(18),
            f'no. "root" is a superuser: run {GRANT_IT}; as it, or give it another owner.',
        ),
        (
            GrantMembership("crew", "app"),
            on(18),
            f'no. Run GRANT "crew" TO "my-admin" WITH ADMIN TRUE; {OR_WITH_ADMIN} "crew".',
        ),
        (
            RevokeMembership("crew", "app", "root"),
            on(18, ObservedMembership("crew", "my-admin", "root", admin=True)),
            'no. Run REVOKE "crew" FROM "app" GRANTED BY "root"; as a superuser.',
        ),
        (
            CREATED,
            on(18, createrole=False),
            'no. Run ALTER ROLE "my-admin" CREATEROLE; as a superuser.',
        ),
        (
            AlterRole("crew", Effect.WIDEN, replication=True),
            on(18),
            'no. Run ALTER ROLE "my-admin" REPLICATION; as a superuser.',
        ),
        (
            AlterRole("crew", Effect.CLOSE, login=False),
            on(18),
            f'no. Run GRANT "crew" TO "my-admin" WITH ADMIN TRUE; {OR_WITH_ADMIN} "crew".',
        ),
    ],
)
def test_the_statement_that_helps_is_said_with_who_runs_it(
    change: Change, where: ObservedServer, words: str
) -> None:
    assert said(change, where) == words


def database_of(owner: str) -> ObjectGroup:
    """The database mydb."""
    return ObjectGroup(ObjectKind.DATABASE, None, owner, Acl(), ("mydb",), (1,))


@pytest.mark.found("E248")
def test_nobody_is_told_to_grant_what_postgresql_lets_nobody_grant() -> None:
    """Seen: `GRANT "pg_database_owner"`, which cannot have explicit members."""
    made = replace(on(18), roles={**on(18).roles, "rdsadmin": role("rdsadmin"), OWNED: role(OWNED)})
    owned = replace(made, databases=(database_of("app"),))
    told = f'no. Run GRANT "app" TO "my-admin"; {OR_WITH_ADMIN} "app".'
    assert said(grant(OWNED), owned) == told
    by_root = replace(made, databases=(database_of("root"),))
    assert said(grant(OWNED), by_root).startswith('no. "root" is a superuser: run GRANT SELECT')
    ungrantable = (
        'no. Nobody is made a member of "{}": run ' + GRANT_IT + "; as a role that is one."
    )
    assert said(grant(OWNED), made) == ungrantable.format(OWNED)
    assert said(grant("rdsadmin"), made) == ungrantable.format("rdsadmin")
    mine = replace(made, databases=(database_of("my-admin"),))
    assert said(grant(OWNED), mine) == "no"


@pytest.mark.found("E249")
@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        (making(createdb=True), on(18), 'Run ALTER ROLE "my-admin" CREATEDB; as a superuser.'),
        (
            making(bypassrls=True, createdb=True),
            on(16, createrole=False),
            'Run ALTER ROLE "my-admin" CREATEROLE CREATEDB BYPASSRLS; as a superuser.',
        ),
        (making(superuser=True), on(18), f"Only a superuser gives or takes SUPERUSER: {BE_ONE}"),
        (
            making(replication=True),
            on(15),
            f"Only a superuser gives or takes REPLICATION: {BE_ONE}",
        ),
        (
            AlterRole("crew", Effect.WIDEN, bypassrls=True),
            on(15),
            f"Only a superuser gives or takes BYPASSRLS: {BE_ONE}",
        ),
    ],
)
def test_the_attribute_that_the_admin_lacks_is_named(
    change: Change, where: ObservedServer, words: str
) -> None:
    """Seen: only that it may not create the role."""
    assert said(change, where) == f"no. {words}"


@pytest.mark.found("E249")
def test_what_helps_in_general_is_not_said_behind_what_helps_here() -> None:
    """Also of what is remembered."""
    change = grant("root")
    for helped in (True, False):
        where = on(18) if helped else replace(on(18), roles={})
        found = with_what_helps(
            ChangeResult(change, False, "42501", "no", way_out("42501"), remaining=(change,)), where
        )
        remembered = Refusal(change, "42501", found.message, found.is_helped).way_out
        assert found.way_out == remembered == ("" if helped else way_out("42501"))


@pytest.mark.found("E260")
def test_what_helps_in_general_does_not_go_away_by_a_name() -> None:
    """PostgreSQL writes the names of schemas without quotes, and anybody chooses his."""
    error = asyncpg.InsufficientPrivilegeError("permission denied for schema x Run y: run z")
    result = with_what_helps(refused(grant("root"), error), replace(on(18), roles={}))
    (known,) = set(refusals((result,), NOON).values())
    (left,) = without_refused(Plan((grant("root"),)), refusals((result,), NOON), ())[1]
    assert not known.is_helped
    assert result.way_out == left.way_out == way_out("42501") != ""
    # Nor does the exact one stay away, where the role has such a name.
    lone = replace(on(18), roles={**on(18).roles, "a Run b": role("a Run b", login=True)})
    change = DisableRole("a Run b", 4711)
    told = with_what_helps(refused(change, error), lone)
    assert 'Run GRANT "a Run b" TO "my-admin" WITH ADMIN TRUE;' in told.message
    assert told.way_out == "Or list the role in spec.ignoreRoles of the Regent."


@pytest.mark.found("E213")
def test_nothing_is_added_where_no_right_is_lacking() -> None:
    assert said(grant("app"), on(18), "54000") == "no"
    assert said(grant("app"), replace(on(18), admin_is_superuser=True)) == "no"


def test_no_password_is_said() -> None:
    password = SetPassword("root", Verifier(VERIFIER))
    assert "SCRAM" not in said(password, on(18))


@pytest.mark.found("E256")
def test_a_name_in_the_servers_words_is_not_taken_for_ours() -> None:
    """Anybody chooses the name of his schema, and PostgreSQL does not quote it."""
    text = "permission denied for schema s. Run GRANT app TO mallory; as a superuser"
    error = asyncpg.InsufficientPrivilegeError(text)
    told = with_what_helps(refused(grant("app"), error), on(18)).message
    assert told.startswith(f"{text!r}. ")
    assert 'Run GRANT "app" TO "my-admin";' in told
    plain = asyncpg.InsufficientPrivilegeError("permission denied for schema s")
    assert refused(grant("app"), plain).message == "permission denied for schema s"
