"""Who gets a role gets it alone: whoever had it is out before anything new is given (rule 10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType
from typing import Any

import asyncpg
import pytest

from regent.home.locks import RegentLock
from regent.one_shot import OnceReport
from shared import scram
from tests.attacks.test_adoption import nobody_leaves
from tests.integration.facts.once import all_ready, applied, is_settled, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.found("E109"), pytest.mark.rule("7", "10")]

TABLES = ("flights", "airports")
ROLES = """
Permission/see-flights: {database: mydb, schemas: [schema1], tables: [flights], actions: [SELECT]}
Permission/see-airports: {database: mydb, schemas: [schema1], tables: [airports], actions: [SELECT]}
Role/pilots: {database: mydb, permissions: [see-flights]}
Role/ground: {database: mydb, permissions: [see-airports]}
User/keeper: {database: mydb}
"""
SECRET = "passwordSecretRef: {name: s, key: k}"
SECRETS = {name: scram.build(f"the password of {name}").value for name in ("ann", "bob")}
"""Of two persons, each with a password of its own."""
NONE: Mapping[str, str] = MappingProxyType({})


class KilledError(BaseException):
    """Nothing tidies up after it."""


@contextmanager
def killed_after(writes: int) -> Iterator[None]:
    """The process ends before it writes once more; each write is one transaction, or one end."""
    left = count(writes, -1)

    def require(_: RegentLock) -> None:
        if next(left) <= 0:
            raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RegentLock, "require", require)
        yield


@dataclass(slots=True, eq=False)
class Person:
    """Who knows a password, and has sessions that were opened with it."""

    database: Database
    name: str
    sessions: list[asyncpg.Connection] = field(default_factory=list)

    async def enters(self, role: str) -> bool:
        """Whether this password is good for this role; the session stays."""
        try:
            session = await self.database.connect(role, f"the password of {self.name}")
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
            return False
        self.sessions.append(session)
        return True

    async def sees(self) -> set[str]:
        """The tables that any of the sessions can read."""
        found: set[str] = set()
        for session in self.sessions:
            for table in TABLES:
                try:
                    await session.fetch(f"SELECT FROM schema1.{table} LIMIT 1")
                except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    continue
                found.add(table)
        return found


async def step_by_step(
    database: Database, text: str, secrets: Mapping[str, str], check: Callable[[], Awaitable[None]]
) -> OnceReport:
    """Killed before each write in turn, and started again; what holds is checked in between."""
    for writes in count(1):
        report = None
        with killed_after(writes), suppress(KilledError):
            report = await push(database, text, secrets)
        await check()
        if report is not None:
            return report
    raise AssertionError("unreachable")


async def push(
    database: Database, text: str, secrets: Mapping[str, str] = NONE, **more: Any
) -> OnceReport:
    """Bring the server to it; `secrets` says whose password a User has."""
    passwords = {f"User/{user}": {"verifier": SECRETS[who]} for user, who in secrets.items()}
    return await applied(database, ROLES + text, passwords=passwords, **more)


def nobody_sees_more(
    roles: Iterable[str], may: Mapping[Person, str]
) -> Callable[[], Awaitable[None]]:
    """Each person, with a password or a session, sees at most one table: its own."""

    async def check() -> None:
        for person, table in may.items():
            for role in roles:
                await person.enters(role)
            assert await person.sees() <= {table}, person.name

    return check


@pytest.mark.every_version
async def test_two_who_swap_their_names_never_have_what_is_the_others(database: Database) -> None:
    """Seen: each went on in his session, and with his password, in what was the other's role."""
    ann, bob = Person(database, "ann"), Person(database, "bob")

    def users(one: str, other: str) -> str:
        return (
            f"User/ann: {{userName: {one}, roles: [pilots], {SECRET}}}\n"
            f"User/bob: {{userName: {other}, roles: [ground], {SECRET}}}\n"
        )

    own = {"ann": "ann", "bob": "bob"}
    assert all_ready(await push(database, users("aa", "bb"), own))
    assert await ann.enters("aa")
    assert await bob.enters("bb")
    may = {ann: "flights", bob: "airports"}
    swapped = users("bb", "aa")
    report = await step_by_step(database, swapped, own, nobody_sees_more(("aa", "bb"), may))
    assert all_ready(report), report.outcomes
    assert await ann.enters("bb")
    assert await bob.enters("aa")
    assert not await ann.enters("aa")
    assert [await ann.sees(), await bob.sees()] == [{"flights"}, {"airports"}]


@pytest.mark.every_version
@pytest.mark.parametrize("secret", [SECRET, ""])
async def test_who_replaces_a_user_under_its_name_comes_after_it(
    database: Database, secret: str
) -> None:
    """Seen: the deleted User's session and password went on with what its successor got."""
    ann, bob = Person(database, "ann"), Person(database, "bob")
    old = f"User/old: {{userName: solo, roles: [pilots], {SECRET}}}\n"
    new = f"User/new: {{userName: solo, roles: [ground]{', ' if secret else ''}{secret}}}\n"
    assert all_ready(await push(database, old, {"old": "ann"}))
    assert await ann.enters("solo")
    may = {ann: "flights", bob: "airports"}
    secrets = {"new": "bob"} if secret else NONE
    report = await step_by_step(database, new, secrets, nobody_sees_more(("solo",), may))
    assert all_ready(report), report.outcomes
    assert not await ann.enters("solo")
    assert await ann.sees() == set()
    assert await bob.enters("solo") is bool(secret)
    look = await database.connect()
    assert await look.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'solo'")


@pytest.mark.every_version
@pytest.mark.parametrize("name", ["userName: solo", "renamedFrom: solo"])
async def test_the_same_person_goes_on_under_another_resource(
    database: Database, name: str
) -> None:
    """The twin: the same password is in force, so nothing is interrupted."""
    ann = Person(database, "ann")
    old = f"User/old: {{userName: solo, roles: [pilots], {SECRET}}}\n"
    assert all_ready(await push(database, old, {"old": "ann"}))
    assert await ann.enters("solo")
    new = f"User/new: {{{name}, roles: [pilots, ground], {SECRET}}}\n"
    assert all_ready(await push(database, new, {"new": "ann"}))
    assert await ann.sees() == {"flights", "airports"}
    assert await is_settled(
        database, ROLES + new, passwords={"User/new": {"verifier": SECRETS["ann"]}}
    )


@pytest.mark.parametrize("name", ["", "userName: old, "])
async def test_a_rename_without_a_secret_goes_on_where_it_says_so(
    database: Database, name: str
) -> None:
    """Its password is nobody's business, and `renamedFrom` says that it is the same role."""
    ann = Person(database, "ann")
    assert all_ready(await push(database, "User/old: {roles: [pilots]}\n"))
    await database.execute("ALTER ROLE old PASSWORD 'the password of ann'")
    assert await ann.enters("old")
    new = f"User/new: {{{name}roles: [pilots], renamedFrom: old}}\n"
    assert all_ready(await push(database, new))
    assert await ann.enters("old" if name else "new")
    assert await ann.sees() == {"flights"}


@pytest.mark.every_version
async def test_whoever_had_an_adopted_role_never_has_what_its_adopter_gets(
    database: Database,
) -> None:
    """Seen: its old password had the new memberships before it was replaced."""
    ann, bob = Person(database, "ann"), Person(database, "bob")
    await database.execute(
        "CREATE ROLE legacy LOGIN CREATEDB PASSWORD 'the password of ann';"
        "GRANT USAGE ON SCHEMA schema1 TO legacy; GRANT SELECT ON schema1.flights TO legacy"
    )
    assert await ann.enters("legacy")
    text = f"User/legacy: {{adopt: true, roles: [ground], {SECRET}}}\n"
    may = {ann: "flights", bob: "airports"}
    check = nobody_sees_more(("legacy",), may)
    report = await step_by_step(database, text, {"legacy": "bob"}, check)
    assert all_ready(report), report.outcomes
    assert await bob.enters("legacy")
    assert not await ann.enters("legacy")
    assert [await ann.sees(), await bob.sees()] == [set(), {"airports"}]


@pytest.mark.every_version
async def test_an_adoption_that_cannot_be_finished_gives_nothing_and_locks_nobody_out(
    database: Database,
) -> None:
    """Seen: while the password was withheld the old one had all that the adopter should get."""
    ann = Person(database, "ann")
    await database.execute(
        "CREATE ROLE dba SUPERUSER; CREATE ROLE legacy LOGIN PASSWORD 'the password of ann';"
        "GRANT dba TO legacy; GRANT USAGE ON SCHEMA schema1 TO legacy;"
        "GRANT SELECT ON schema1.flights TO legacy"
    )
    text = f"User/legacy: {{adopt: true, roles: [pilots, ground], {SECRET}}}\n"
    member = (
        "SELECT EXISTS (SELECT FROM pg_auth_members WHERE roleid = 'ground'::regrole"
        " AND member = 'legacy'::regrole)"
    )
    look = await database.connect()
    async with nobody_leaves(database, "dba", "legacy"):
        report = await push(database, text, {"legacy": "bob"})
        assert not outcome(report, "User/legacy").is_ready
        assert await ann.enters("legacy")
        assert not await look.fetchval(member)
    assert all_ready(await push(database, text, {"legacy": "bob"}))
    assert not await ann.enters("legacy")
    assert await look.fetchval(member)
