"""What was given while the brake is pulled is not lost without it; what ends, ends (rule 20)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from regent.accept.merge import accept
from regent.changes import AlterRole, ClearPassword, DropRole, Effect, EndSessions, Plan
from regent.gate.brake_memory import superseded
from regent.gate.given import MOST_LAYERS, layers_with, states_since
from regent.gate.losses import LOGIN, losses, without
from regent.passes.full import ROUNDS, decided
from regent.passes.look import Looked, Memory, compared
from regent.plan.matching import Compilations
from regent.remembered import AcceptedState, BrakeMemory
from regent.resolve import Situation, resolve
from shared.keys import ResourceKey
from shared.state import REVEAL, etag
from tests.declared import NOON, REGENT, accepted, state
from tests.unit.gate.catalog import Catalog

PERMISSIONS = "".join(
    f"Permission/{p.lower()}:"
    f" {{database: mydb, schemas: [s], tables: ['*'], actions: [{p}], implied: false}}\n"
    for p in ("SELECT", "INSERT", "UPDATE", "DELETE")
)
DAY = timedelta(days=1)
LATER = (NOON + DAY).isoformat()
MANY = "select, insert, update, delete"


def roles(*names: str, permissions: str = "select") -> str:
    """Roles that list these permissions."""
    return "".join(f"Role/{n}: {{database: mydb, permissions: [{permissions}]}}\n" for n in names)


A = tuple(f"a{n}" for n in range(4))
N = tuple(f"n{n}" for n in range(8))


class Server:
    """One Regent with its memory, that is stored and read again before each look."""

    def __init__(self) -> None:
        self.catalog = Catalog()
        self.memory = BrakeMemory()
        self.accepted: AcceptedState | None = None
        self.now = NOON

    def push(self, text: str) -> Looked:
        """Accept it, and run a pass to its end."""
        old = self.accepted.state.resources if self.accepted else {}
        pushed = state(PERMISSIONS + text)
        gone = tuple(sorted(set(old) - set(pushed.resources)))
        pushed = pushed.model_copy(update={"deleted": gone})
        self.memory = superseded(self.memory, self.accepted)
        self.accepted = accept(self.accepted, pushed, etag(pushed), self.now)
        return self.run()

    def killed_midway(self, text: str) -> None:
        """Accept a push that only gives; die once it is carried out, before its end is stored."""
        pushed = state(PERMISSIONS + text)
        self.memory = superseded(self.memory, self.accepted)
        self.accepted = accept(self.accepted, pushed, etag(pushed), self.now)
        looked = self.look()
        assert not looked.verdict.is_pulled
        for change in looked.verdict.plan.changes:
            self.catalog.apply(change)

    def run(self) -> Looked:
        """A pass."""
        for _ in range(ROUNDS):
            looked = self.look()
            self.memory = decided(self.memory, looked, self._accepted, self.now)
            for change in looked.verdict.plan.changes:
                self.catalog.apply(change)
            if not looked.verdict.plan.changes:
                break
        self.memory = decided(self.memory, self.look(), self._accepted, self.now)
        return self.look()

    @property
    def _accepted(self) -> AcceptedState:
        assert self.accepted is not None
        return self.accepted

    def look(self) -> Looked:
        """After a restart."""
        text = self.memory.model_dump_json(context=REVEAL, exclude_none=True, by_alias=True)
        self.memory = BrakeMemory.model_validate_json(text)
        observed = self.catalog.observe(frozenset())
        situation = Situation(
            accepted=self._accepted,
            marks=tuple(self.catalog.marks.values()),
            server=observed.server,
            regent=REGENT,
            served=("mydb", "other"),
            now=self.now,
        )
        memory = Memory(accepted=self._accepted, brake=self.memory)
        return compared(situation, resolve(situation), observed, {}, memory, Compilations())

    def holds(self, role: str) -> set[tuple[str, str]]:
        """What a role has, as (thing, which)."""
        return {(kind, what) for name, kind, what in self.catalog.held() if name == role}


def pulled() -> Server:
    """A server of four roles, all of them deleted: withheld."""
    server = Server()
    server.push(roles(*A, "stays"))
    assert server.push(roles("stays")).verdict.is_pulled
    assert set(A) <= set(server.catalog.roles)
    return server


@pytest.mark.found("E6")
@pytest.mark.rule("20")
@pytest.mark.parametrize("then", [roles("stays"), roles("stays", *A), "", roles("new", "stays")])
def test_what_was_given_while_the_brake_is_pulled_is_withheld_like_the_rest(then: str) -> None:
    """Also by going back to exactly the state before, which is the baseline itself."""
    server = pulled()
    server.push(roles("stays", *N))
    looked = server.push(then)
    assert looked.verdict.is_pulled
    assert set(N) <= set(server.catalog.roles)
    assert all(("t0", "SELECT") in server.holds(name) for name in N)
    assert set(N) <= {loss.role for loss in looked.verdict.withheld}
    server.push(roles("stays", *A, *N))
    assert not server.memory.given
    assert server.memory.pulled_at is None


@pytest.mark.found("E6")
@pytest.mark.rule("20")
def test_what_existing_roles_were_given_while_the_brake_is_pulled_counts() -> None:
    """More permissions, a wider Permission, a membership: each given, then taken, one by one."""
    server = pulled()
    server.push(roles("stays", permissions=MANY) + "User/u: {roles: [stays]}\n")
    server.push(roles("stays", permissions="select, insert") + "User/u: {database: mydb}\n")
    server.push(roles("stays") + "User/u: {database: mydb}\n")
    looked = server.push(roles("stays"))
    assert looked.verdict.is_pulled
    assert {what for kind, what in server.holds("stays") if kind == "t0"} == {
        "SELECT", "INSERT", "UPDATE", "DELETE",
    }  # fmt: skip
    assert ("group", "stays") in server.holds("u")


@pytest.mark.found("E6")
@pytest.mark.rule("20")
def test_a_release_takes_what_was_given_since_and_nothing_is_remembered_of_it() -> None:
    """The digest is that of the first look, and of each later one."""
    server = pulled()
    server.push(roles("stays", *N))
    first = server.push(roles("stays")).verdict.digest
    assert server.run().verdict.digest == first
    server.memory = server.memory.model_copy(update={"released_digest": first})
    server.run()
    assert set(server.catalog.roles) == {"stays"}
    assert server.memory.given == ()


@pytest.mark.found("E6")
@pytest.mark.rule("20")
def test_drift_on_what_was_given_since_is_corrected_and_not_counted() -> None:
    """Somebody grants more to a role that the baseline does not know."""
    server = pulled()
    server.push(roles("stays", *N))
    server.catalog.granted["t0", "n0"].add("DELETE")
    looked = server.push(roles("stays", *N[:4]))
    assert ("t0", "DELETE") not in server.holds("n0")
    assert not any(loss.privilege == "DELETE" for loss in looked.verdict.withheld)


@pytest.mark.found("E6")
@pytest.mark.rule("20")
def test_two_deletions_an_hour_of_what_was_given_since_are_free_and_the_third_is_not() -> None:
    """Also one after the other, while something else is withheld."""
    server = Server()
    server.push(roles(*A, "stays", permissions=MANY))
    server.push(roles(*A, "stays"))
    assert server.memory.pulled_at is not None
    server.push(roles(*A, "stays", *N))
    for count in (1, 2, 3):
        server.push(roles(*A, "stays", *N[count:]))
    assert set(N) - set(server.catalog.roles) == {"n0", "n1"}


@pytest.mark.found("E6")
@pytest.mark.rule("20")
def test_what_is_remembered_does_not_grow_with_the_pushes() -> None:
    """A Regent that stays pulled for days: roles that come, change and go."""
    server = pulled()
    many = MOST_LAYERS // 2
    for n in range(many):
        server.push(roles("stays", f"n{n}") + roles("both", permissions=MANY))
        server.push(roles("stays", f"n{n}", permissions="select, update") + roles("both"))
    assert len(server.memory.given) <= 3
    assert {f"n{n}" for n in range(many)} <= set(server.catalog.roles)
    assert ("t0", "DELETE") in server.holds("both")


def test_a_layer_never_hides_the_form_of_a_permission_from_those_that_list_it() -> None:
    """One push gives a role more, the next narrows what it lists: two layers."""
    base = accepted(PERMISSIONS + roles("r", permissions=""))
    more = accepted(PERMISSIONS + roles("r"), base)
    less = accepted(PERMISSIONS.replace("[s]", "[x]") + roles("r"), more)
    layers = layers_with(layers_with((), base, more), base, less)
    assert len(layers) == 2
    assert layers_with(layers, base, less) == layers
    spec = [
        one.state.resources["Permission/default/select"].spec for one in states_since(base, layers)
    ]
    assert [one.schemas for one in spec] == [("s",), ("x",)]  # type: ignore[union-attr]
    assert BrakeMemory.model_validate_json('{"latches": 1}').given == ()


ACCESS = "User/u: {{database: mydb, {}}}\n"


@pytest.mark.found("E7")
@pytest.mark.rule("20", "24")
@pytest.mark.parametrize(
    "before",
    [
        "access: [{role: stays, until: 2099-01-01T00:00:00Z, reason: it}]",
        "roles: [stays]",
    ],
)
def test_access_for_a_time_ends_at_its_declared_end_though_the_brake_is_pulled(before: str) -> None:
    """The end is brought forward by the push that takes so much elsewhere."""
    server = Server()
    server.push(roles(*A, "stays") + ACCESS.format(before))
    assert ("group", "stays") in server.holds("u")
    ends = f"access: [{{role: stays, until: {LATER}, reason: it}}]"
    looked = server.push(roles("stays") + ACCESS.format(ends))
    assert looked.verdict.is_pulled
    assert ("group", "stays") in server.holds("u")
    server.now += DAY
    assert server.run().verdict.is_pulled
    assert ("group", "stays") not in server.holds("u")
    assert set(A) <= set(server.catalog.roles)


@pytest.mark.found("E7")
@pytest.mark.rule("20")
def test_access_that_is_no_longer_declared_or_goes_on_otherwise_is_no_explicit_end() -> None:
    """An entry that was removed waits; one of two that is past ends nothing."""
    server = Server()
    one = "{role: stays, until: 2099-01-01T00:00:00Z, reason: it}"
    past = "{role: stays, until: 2020-01-01T00:00:00Z, reason: it}"
    server.push(roles(*A, "stays") + ACCESS.format(f"access: [{one}]"))
    server.push(roles("stays") + ACCESS.format(f"access: [{past}, {one}]"))
    assert ("group", "stays") in server.holds("u")
    server.push(roles("stays") + "User/u: {database: mydb}\n")
    assert ("group", "stays") in server.holds("u")


@pytest.mark.found("E7")
@pytest.mark.rule("20")
def test_a_limit_and_an_expiry_to_come_do_not_wait_with_an_attribute_that_does() -> None:
    """They are one ALTER ROLE."""
    narrowed = AlterRole(
        "u", Effect.NARROW, createdb=False, connection_limit=0, valid_until=NOON + DAY
    )
    alone = AlterRole("u", Effect.NARROW, createdb=False)
    both = Plan((narrowed, alone))
    kept, touched = without(both, losses(both))
    assert kept.changes == (
        AlterRole("u", Effect.NARROW, connection_limit=0, valid_until=NOON + DAY),
    )
    assert touched == (narrowed, alone)


@pytest.mark.found("E7")
@pytest.mark.rule("20")
def test_a_role_that_never_had_login_does_not_lose_it() -> None:
    """What ends for it are sessions and a password; they wait with the role."""
    key = ResourceKey.parse("Role/default/r")
    ends = (EndSessions("r", "its end", (key,)), ClearPassword("r", (key,)))
    gone = Plan((*ends, DropRole("r", (key,))))
    lost = losses(gone)
    assert not any(atom[2] == LOGIN for atom in lost)
    kept, touched = without(gone, lost)
    assert (kept.changes, touched) == ((), gone.changes)
    assert without(Plan(ends), lost)[0].changes == ()
    closed = Plan((AlterRole("r", Effect.CLOSE, login=False), *ends))
    assert {atom[2] for atom in losses(closed)} == {LOGIN}


@pytest.mark.found("E108")
def test_what_is_kept_as_a_role_keeps_its_attributes() -> None:
    """They are losses like LOGIN, each of its own."""
    powers = AlterRole("r", Effect.CLOSE, createrole=False)
    ends = (EndSessions("r", "its end"), powers, DropRole("r"))
    gone = Plan((AlterRole("r", Effect.CLOSE, login=False), *ends))
    assert {atom[2] for atom in losses(gone)} == {LOGIN, "CREATEROLE", "EXISTS"}
    assert without(gone, losses(gone))[0].changes == ()
    assert {atom[2] for atom in losses(Plan(ends))} == {"CREATEROLE", "EXISTS"}


@pytest.mark.found("E32")
def test_what_a_push_gave_before_it_was_killed_is_not_lost_without_a_release() -> None:
    """The next push comes before any pass has looked again; put right, nothing is withheld."""
    server = Server()
    server.push(roles(*A))
    server.killed_midway(roles(*A, *N))
    assert server.push(roles(*A)).verdict.is_pulled
    assert set(server.catalog.roles) >= set(N)
    assert not server.push(roles(*A, *N)).verdict.is_pulled
    assert server.push(roles(*A)).verdict.is_pulled
