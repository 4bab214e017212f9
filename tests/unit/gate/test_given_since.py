"""What was given while the brake is pulled is not lost without it; what ends, ends (rule 20)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest

from regent.accept.merge import accept
from regent.changes import AlterRole, ClearPassword, DropRole, Effect, EndSessions, Plan
from regent.gate import given
from regent.gate.brake_memory import superseded
from regent.gate.given import MOST_LAYERS, given_with, states_since
from regent.gate.losses import LOGIN, losses, without
from regent.gate.widest import Layer, together
from regent.passes.full import ROUNDS, decided
from regent.passes.look import Looked, Memory, compared
from regent.plan.matching import Compilations
from regent.remembered import AcceptedState, BrakeMemory
from regent.resolve import Situation, resolve
from shared.keys import ResourceKey
from shared.state import REVEAL, etag
from tests.declared import NOON, REGENT, accepted, state
from tests.unit.gate.catalog import Catalog

PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
PERMISSIONS = "".join(
    f"Permission/{p.lower()}:"
    f" {{database: mydb, schemas: [s], tables: ['*'], actions: [{p}], implied: false}}\n"
    for p in PRIVILEGES
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
    memory = BrakeMemory(baseline=base)
    for one in (more, less):
        memory = memory.model_copy(update=given_with(memory, one))
    layers = memory.given
    assert len(layers) == 2
    assert given_with(memory, less) == {"given": layers, "beyond": frozenset()}
    spec = [
        one.state.resources["Permission/default/select"].spec for one in states_since(base, layers)
    ]
    assert [one.schemas for one in spec] == [("s",), ("x",)]  # type: ignore[union-attr]
    assert BrakeMemory.model_validate_json('{"latches": 1}').given == ()


MOST_PERMISSIONS = 512
"""That one resource lists."""
GROUPS = tuple(f"g{n}" for n in range(MOST_LAYERS + 2))
FEW = GROUPS[:4]
ANOTHER = "User/another: {database: mydb}\n"
THERE = roles("stays", "more", *GROUPS, permissions="") + ANOTHER
NARROWED = roles(*A) + THERE


def with_many_forms(groups: Sequence[str], of_the_first: str = "") -> Server:
    """User u was given one group after the other, and keeps all: each earlier one is withheld."""
    server = Server()
    server.push(roles(*A, permissions=MANY) + THERE + in_group("stays"))
    assert server.push(NARROWED + in_group("stays")).verdict.is_pulled
    for group in groups:
        more = of_the_first if group == groups[0] else ""
        server.push(NARROWED + in_group(group, more))
    return server


def in_group(group: str, more: str = "") -> str:
    """A User of one group."""
    return f"User/u: {{roles: [{group}]{more}}}\n"


@pytest.mark.found("E401")
@pytest.mark.rule("20")
def test_what_is_withheld_stays_so_beyond_as_many_forms_as_are_kept_apart() -> None:
    """No push takes the oldest; one digest is over all of it, and a release takes all but one."""
    server = with_many_forms(GROUPS)
    assert {("group", name) for name in GROUPS} <= server.holds("u")
    assert len(server.memory.given) <= MOST_LAYERS
    assert not server.memory.beyond
    before = server.holds("u")
    looked = server.run()
    assert server.holds("u") == before
    server.memory = server.memory.model_copy(update={"released_digest": looked.verdict.digest})
    server.run()
    assert server.holds("u") == {("group", GROUPS[-1]), ("login", "")}
    assert server.memory.given == ()


@pytest.mark.found("E401")
@pytest.mark.rule("20")
def test_explicit_ends_go_beyond_as_many_forms_as_are_kept_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A User may not log in any more, and is deleted; drift goes as well. Groups are withheld."""
    monkeypatch.setattr(given, "MOST_LAYERS", 2)
    server = with_many_forms(FEW)
    server.catalog.granted["t0", "u"] = {"DELETE"}
    server.push(NARROWED + in_group("stays", ", enabled: false"))
    assert server.holds("u") == {("group", name) for name in (*FEW, "stays")}
    server.push(NARROWED)
    assert "u" not in server.catalog.roles
    assert server.memory.pulled_at is not None
    assert all(("t0", "DELETE") in server.holds(name) for name in A)


@pytest.mark.found("E401")
@pytest.mark.rule("20", "24")
def test_an_access_ends_at_its_time_beyond_as_many_forms_as_are_kept_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was given by the oldest form alone, which is no layer of its own any more."""
    monkeypatch.setattr(given, "MOST_LAYERS", 2)
    access = f", access: [{{role: more, until: {LATER}, reason: it}}]"
    server = with_many_forms(FEW, access)
    assert ("group", "more") in server.holds("u")
    server.now += DAY
    server.run()
    assert server.holds("u") == {("login", ""), *(("group", name) for name in (*FEW, "stays"))}


@pytest.mark.found("E401")
@pytest.mark.rule("20")
def test_both_forms_of_a_permission_count_where_two_layers_became_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also for a role of the baseline that lists it, and that no push has touched."""
    monkeypatch.setattr(given, "MOST_LAYERS", 1)
    server = Server()
    form = "Permission/p: {{database: mydb, schemas: [s], tables: ['*'], actions: [{}]}}\n"
    listing = roles("stays") + roles("r", permissions="p")
    server.push(roles(*A, permissions=MANY) + form.format("DELETE") + listing)
    assert server.push(form.format("DELETE") + listing).verdict.is_pulled
    for action in PRIVILEGES[:3]:
        server.push(form.format(action) + listing)
        assert len(server.memory.given) <= 1
    has = {what for kind, what in server.holds("r") if kind == "t0"}
    assert has == set(PRIVILEGES)


@pytest.mark.found("E401")
@pytest.mark.rule("20")
def test_of_very_much_that_was_given_only_what_is_withheld_is_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the Permissions that it takes; what lists them and is of the baseline needs them too."""
    base = accepted(PERMISSIONS + roles("old"))
    wide = (
        PERMISSIONS.replace("[SELECT]", "[SELECT, INSERT]")
        + "Permission/more: {database: d, actions: [CONNECT]}\n"
    )
    layer = accepted(wide + roles("lost", permissions="more") + roles(*N), base).state.resources
    memory = BrakeMemory(baseline=base, given=(layer,))
    assert given_with(memory, base, needing=frozenset({"lost"}))["given"] == (layer,)
    monkeypatch.setattr(given, "MOST_ENTRIES", len(layer) - 1)
    assert given_with(memory, base)["given"] == (layer,), "nobody knows what is needed"
    for role, needed in (("lost", "more"), ("old", "select")):
        (left,) = cast(tuple[Layer], given_with(memory, base, needing=frozenset({role}))["given"])
        assert f"Permission/default/{needed}" in left
        assert left.keys() <= {f"Role/default/{role}", f"Permission/default/{needed}"}


def test_what_two_forms_of_a_resource_give_is_said_by_one() -> None:
    """Roles, accesses, memberships, attributes and what is owned, and the time that is later."""
    some = entries(
        "User/u: {roles: [a], memberOf: [{role: x}], attributes: {createdb: true}, enabled: false,"
        " owns: {databases: [{name: one}]}, validUntil: 2030-01-01T00:00:00Z}\n"
        "Role/r: {database: mydb, adopt: true, defaultPrivileges:"
        " [{creator: c, objects: tables, actions: [SELECT]}]}\n"
    )
    more = entries(
        "User/u: {roles: [b], memberOf: [{role: y}], attributes: {createrole: true},"
        " owns: {databases: [{name: two}]}, validUntil: 2031-01-01T00:00:00Z}\n"
        "Role/r: {database: mydb, defaultPrivileges:"
        " [{creator: c, objects: tables, actions: [INSERT]}]}\n"
    )
    both = entries(
        "User/u: {roles: [a, b], memberOf: [{role: x}, {role: y}],"
        " attributes: {createdb: true, createrole: true},"
        " owns: {databases: [{name: one}, {name: two}]}, validUntil: 2031-01-01T00:00:00Z}\n"
        "Role/r: {database: mydb, adopt: true, defaultPrivileges:"
        " [{creator: c, objects: tables, actions: [SELECT]},"
        " {creator: c, objects: tables, actions: [INSERT]}]}\n"
    )
    assert together(some, more, {}) == (both, frozenset())


def test_public_has_what_any_form_says_and_a_role_stays_beside_it() -> None:
    """A Role that spoke for PUBLIC and makes a role now."""
    public = entries("Role/r: {database: mydb, public: true, permissions: []}\n")
    private = entries("Role/r: {database: mydb}\n")
    for some, more in ((public, private), (private, public)):
        layer, beyond = together(some, more, {})
        assert not beyond
        assert layer["Role/default/r"] == private["Role/default/r"]
        assert public["Role/default/r"] in layer.values()


@pytest.mark.found("E401")
@pytest.mark.rule("20")
def test_of_what_no_entry_can_say_its_role_is_remembered() -> None:
    """Two forms list more permissions together than one resource may."""
    names = [f"p{n}" for n in range(MOST_PERMISSIONS + 1)]
    form = "Permission/{}: {{database: mydb, schemas: [s{}], actions: [USAGE]}}\n"
    there = "".join(form.format(name, name) for name in names)
    half = len(names) // 2
    user = "User/u: {{database: mydb, userName: them, permissions: {}}}\n"
    some, more = (entries(there + user.format(one)) for one in (names[:half], names[half:]))
    layer, beyond = together(some, more, {})
    assert beyond == {"them"}
    assert len(layer["User/default/u"].spec.permissions) == len(names) - half  # type: ignore[union-attr]
    fewer = entries(there + user.format(names[half:-1]))
    assert together(some, fewer, {})[1] == frozenset()


@pytest.mark.found("E401")
@pytest.mark.rule("20")
def test_what_is_taken_from_a_role_that_no_entry_can_say_is_withheld() -> None:
    """Explicit ends are not: it may not log in any more, and is deleted."""
    server = Server()
    server.push(roles(*A, permissions=MANY) + ANOTHER)
    assert server.push(roles(*A) + ANOTHER + user_of(MANY)).verdict.is_pulled
    server.memory = server.memory.model_copy(update={"given": (), "beyond": frozenset({"u"})})
    server.catalog.granted["t0", "u"] = set(PRIVILEGES)
    server.push(roles(*A) + ANOTHER + user_of("select"))
    assert {what for kind, what in server.holds("u") if kind == "t0"} == set(PRIVILEGES)
    server.push(roles(*A) + ANOTHER + user_of("select", ", enabled: false"))
    assert ("login", "") not in server.holds("u")
    server.push(roles(*A) + ANOTHER)
    assert "u" not in server.catalog.roles
    assert server.memory.pulled_at is not None


def user_of(permissions: str, more: str = "") -> str:
    """A User with these."""
    return f"User/u: {{database: mydb, permissions: [{permissions}]{more}}}\n"


def entries(text: str) -> Layer:
    """As they are remembered."""
    return accepted(text).state.resources


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
