"""The brake and adoption, driven through looks, restarts, releases and edits in any order.

What is checked is reckoned here from what was declared and from the catalog alone, never by asking
the brake: what it let through must be what the rules 10 and 20 allow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from regent.accept.merge import accept
from regent.changes import AlterRole, Change, Effect, GrantMembership, SetPassword
from regent.gate.brake import deletions, has_news
from regent.passes.full import ROUNDS, decided, without_ended
from regent.passes.look import Looked, Memory, compared
from regent.plan.matching import Compilations
from regent.remembered import AcceptedState, BrakeMemory
from regent.resolve import Situation, resolve
from shared.state import REVEAL, etag
from tests.declared import NOON, REGENT, VERIFIER, state
from tests.unit.brake.catalog import TABLES, Catalog, Held

NAMES = ("r0", "r1", "r2", "r3", "r4")
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
UNCOUNTED = 6
"""Of the 30 edges that there can be, 20%: as many may go within an hour without a release."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One resource: a Role or a User, that lists permissions, and of a User groups."""

    is_user: bool
    privileges: frozenset[str]
    groups: frozenset[str] = frozenset()


SPECS = st.builds(
    Spec,
    is_user=st.booleans(),
    privileges=st.frozensets(st.sampled_from(PRIVILEGES)),
    groups=st.frozensets(st.sampled_from(NAMES), max_size=2),
)
DECLARATIONS = st.dictionaries(st.sampled_from(NAMES), SPECS)


def text_of(declared: dict[str, Spec]) -> str:
    """The manifests. A User lists the Roles among its groups."""
    lines = [
        f"Permission/{p.lower()}-{d}:"
        f" {{database: {d}, schemas: [s], tables: ['*'], actions: [{p}], implied: false}}"
        for p in PRIVILEGES
        for d in ("mydb", "other")
    ]
    for name, spec in sorted(declared.items()):
        listed = [f"{p.lower()}-{d}" for p in sorted(spec.privileges) for d in ("mydb", "other")]
        kind, more = "Role", "database: mydb"
        if spec.is_user:
            kind = "User"
            roles = [g for g in sorted(spec.groups) if g in declared and not declared[g].is_user]
            more = f"roles: {roles}, passwordSecretRef: {{name: s, key: k}}"
            more += "" if roles else ", database: mydb"
        lines.append(f"{kind}/{name}: {{{more}, permissions: {listed}, adopt: true}}")
    return "\n".join(lines).replace("'", '"')


def held_by(declared: dict[str, Spec]) -> frozenset[Held]:
    """What the declarations give."""
    found: set[Held] = set()
    for name, spec in declared.items():
        found |= {(name, table, p) for p in spec.privileges for _, table, _ in TABLES}
        if spec.is_user:
            found.add((name, "login", ""))
            found |= {
                (name, "group", g) for g in spec.groups if g in declared and not declared[g].is_user
            }
    return frozenset(found)


@dataclass(slots=True)
class Release:
    """What a person saw and let through."""

    etag: str
    losses: frozenset[tuple[str, ...]] = frozenset()


@dataclass(slots=True)
class Known:
    """What the rules allow, reckoned independently."""

    declared: dict[str, Spec] = field(default_factory=dict)
    drifted: set[Held] = field(default_factory=set)
    """Given by others to roles that were managed then."""
    free: set[str] = field(default_factory=set)
    """Roles of which the end is explicit."""
    unclean: set[str] = field(default_factory=set)
    """Roles that were there before us, and were never seen without what nobody declared."""
    excused: set[Held] = field(default_factory=set)
    """What a state gave that never became the baseline, and that the next one does not give."""
    lost: list[tuple[datetime, tuple[str, str, str]]] = field(default_factory=list)
    released: Release = field(default_factory=lambda: Release(""))


class TheBrake(RuleBasedStateMachine):
    """One Regent, its home database and its server."""

    def __init__(self) -> None:
        super().__init__()
        self.catalog = Catalog()
        self.known = Known()
        self.now = NOON
        self.revision = 0
        self.accepted: AcceptedState | None = None
        self.memory = BrakeMemory()
        self.stored = self.memory
        self.unread: frozenset[str] = frozenset()
        self.seen: Looked | None = None
        self.used: set[str] = set()
        self.shown: set[str] = set()

    @initialize(
        there=st.dictionaries(
            st.sampled_from(NAMES),
            st.tuples(st.booleans(), st.booleans(), st.frozensets(st.sampled_from(PRIVILEGES))),
        ),
        members=st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=3),
    )
    def a_server(
        self,
        there: dict[str, tuple[bool, bool, frozenset[str]]],
        members: set[tuple[str, str]],
    ) -> None:
        """Roles of others, with this and that."""
        for name, (login, createrole, privileges) in sorted(there.items()):
            self.catalog.add(name, login=login, createrole=createrole)
            for _, table, _ in TABLES:
                self.catalog.granted[table, name] = set(privileges)
        pairs = {(g, m) for g, m in members if g < m and g in there and m in there}
        self.catalog.members = pairs
        self.known.unclean = set(there)

    @rule(declared=DECLARATIONS)
    def push(self, declared: dict[str, Spec]) -> None:
        """Another state is accepted."""
        self._push(declared)

    @precondition(lambda self: self.known.declared)
    @rule(data=st.data())
    def change_one(self, data: st.DataObject) -> None:
        """One resource is another, or gone."""
        name = data.draw(st.sampled_from(sorted(self.known.declared)))
        spec = data.draw(st.none() | SPECS)
        left = {key: one for key, one in self.known.declared.items() if key != name}
        self._push(left if spec is None else left | {name: spec})

    def _push(self, declared: dict[str, Spec]) -> None:
        self.revision += 1
        users = {
            f"User/{name}": {"verifier": VERIFIER} for name, one in declared.items() if one.is_user
        }
        old = self.accepted.state.resources if self.accepted else {}
        text = text_of(declared)
        pushed = state(text, passwords=users, revision=self.revision)
        gone = tuple(sorted(set(old) - set(pushed.resources)))
        pushed = pushed.model_copy(update={"deleted": gone})
        known, before = self.known, self.known.declared
        baseline = self.memory.baseline.push_etag if self.memory.baseline else ""
        if self.accepted and baseline != self.accepted.push_etag:
            known.excused |= held_by(before) - held_by(declared)
        known.excused -= held_by(declared)
        known.free -= set(declared)
        known.drifted -= held_by(declared)
        known.declared = declared
        self.accepted = accept(self.accepted, pushed, etag(pushed), self.now)

    @precondition(lambda self: self.accepted)
    @rule(steps=st.integers(0, 12) | st.just(1000))
    def run_a_pass(self, steps: int) -> None:
        """A pass, that is killed after so many changes."""
        assert self.accepted is not None
        for _ in range(ROUNDS):
            looked = self._look()
            self._decide(looked)
            for change in looked.verdict.plan.changes:
                if steps == 0:
                    self.restart()
                    return
                steps -= 1
                self._carry_out(change)
            self.memory = without_ended(self.memory, looked.verdict.plan.changes)
            if not looked.verdict.plan.changes:
                break
        self._decide(self._look())
        self.stored = self.memory

    @rule()
    def restart(self) -> None:
        """Only what was stored is known."""
        text = self.stored.model_dump_json(context=REVEAL, exclude_none=True, by_alias=True)
        self.memory = BrakeMemory.model_validate_json(text)

    @precondition(lambda self: self.seen and self.seen.verdict.is_pulled)
    @rule()
    def release(self) -> None:
        """A person reads what is withheld, and releases exactly that."""
        looked = self._look()
        verdict = looked.verdict
        if not verdict.is_pulled:
            return
        losses = frozenset((x.role, x.kind, x.privilege, x.detail) for x in verdict.withheld)
        self.memory = self.memory.model_copy(update={"released_digest": verdict.digest})
        self.stored = self.memory
        self.known.released = Release(looked.push_etag, losses)
        self.used.add(verdict.digest)
        assert not self._look().verdict.is_pulled
        self.run_a_pass(1000)

    @precondition(lambda self: self.used and self.accepted)
    @rule(data=st.data())
    def release_again(self, data: st.DataObject) -> None:
        """A digest that was used once is good for nothing."""
        pulled = self._look().verdict.is_pulled
        stale = data.draw(st.sampled_from(sorted(self.used)))
        before = self.memory
        self.memory = before.model_copy(update={"released_digest": stale})
        assert self._look().verdict.is_pulled == pulled
        self.run_a_pass(1000)

    @rule(name=st.sampled_from(NAMES), privilege=st.sampled_from(PRIVILEGES))
    def drift(self, name: str, privilege: str) -> None:
        """Somebody grants something to a role."""
        if name not in self.catalog.roles:
            return
        held = (name, "t0", privilege)
        mark = self.catalog.marks.get(name)
        given = self.catalog.granted.setdefault(("t0", name), set())
        if privilege not in given:
            given.add(privilege)
            if mark is not None and name not in self.known.unclean:
                self.known.drifted.add(held)

    @rule()
    def a_database_comes_or_goes(self) -> None:
        """It cannot be read for a while."""
        self.unread = frozenset() if self.unread else frozenset({"other"})

    @rule()
    def time_passes(self) -> None:
        """What was taken is forgotten after an hour."""
        self.now += timedelta(minutes=61)
        self.known.free.clear()

    def _look(self) -> Looked:
        assert self.accepted is not None
        observed = self.catalog.observe(self.unread)
        situation = Situation(
            accepted=self.accepted,
            marks=tuple(self.catalog.marks.values()),
            server=observed.server,
            regent=REGENT,
            served=("mydb", "other"),
            now=self.now,
        )
        unread = dict.fromkeys(self.unread, "It is away.")
        resolution = resolve(situation)
        memory = Memory(accepted=self.accepted, brake=self.memory)
        self.seen = compared(situation, resolution, observed, unread, memory, Compilations())
        if self.seen.verdict.is_pulled:
            digest = self.seen.verdict.digest
            assert digest not in self.used, "a digest that was used is shown again"
            self.shown.add(digest)
        return self.seen

    def _decide(self, looked: Looked) -> None:
        assert self.accepted is not None
        verdict, memory = looked.verdict, self.memory
        if not verdict.is_pulled and memory.baseline:
            gone = deletions(memory.baseline, self.accepted)
            recent = {key for at, key in memory.deletions if self.now - at < timedelta(hours=1)}
            if len(recent | set(gone)) <= 2:
                self.known.free |= {key.rpartition("/")[2] for key in gone}
        self.memory = decided(memory, looked, self.accepted, self.now)
        if has_news(self.memory, memory):
            self.stored = self.memory

    def _carry_out(self, change: Change) -> None:
        self._check_hands(change)
        before = set(self.catalog.held())
        self.catalog.apply(change)
        there = set(self.catalog.held())
        for role, kind, what in sorted(before - there):
            self._check_loss(role, kind, what)
        self.known.drifted &= there
        self.known.excused &= there
        declared = held_by(self.known.declared)
        for name in sorted(self.known.unclean):
            extra = {held for held in there if held[0] == name and held[1] != "login"} - declared
            if name in self.catalog.marks and not extra:
                self.known.unclean.discard(name)

    def _check_loss(self, role: str, kind: str, what: str) -> None:
        """Nothing that is declared goes, and of the rest not more than the rule lets through."""
        known, held = self.known, (role, kind, what)
        assert held not in held_by(known.declared), f"{held} is declared"
        if held in known.drifted or held in known.excused or role in known.free:
            return
        edge = _edge(role, kind, what)
        assert self.accepted is not None
        if known.released.etag == self.accepted.push_etag and any(
            edge == loss[:3]
            and (kind in ("login", "group", "attribute") or f"s.{kind} " in loss[3])
            for loss in known.released.losses
        ):
            return
        if known.released.etag == self.accepted.push_etag and (
            (role, "ROLE", "EXISTS", "") in known.released.losses
        ):
            return
        known.lost.append((self.now, edge))
        edges = {one for at, one in known.lost if self.now - at < timedelta(hours=1)}
        assert len(edges) <= UNCOUNTED, f"nobody let {edges} through"

    def _check_hands(self, change: Change) -> None:
        """Whoever gets a role gets what is declared for it, and no more."""
        match change:
            case SetPassword(role=role) | AlterRole(role=role, effect=Effect.OPEN):
                got = role
            case GrantMembership(group=group, member=member):
                if (group, member) in self.catalog.members:
                    return
                got = group
            case _:
                return
        if got in self.known.unclean and got in self.catalog.roles:
            declared = held_by(self.known.declared)
            extra = {
                held
                for held in self.catalog.held()
                if held[0] == got and held[1] != "login" and held not in declared
            }
            assert not extra, f"{change} gives {extra}, which nobody declared"


def _is_at(detail: str, kind: str) -> bool:
    """Whether a loss is of this table; what stands in no table has no place."""
    return kind in ("login", "group", "attribute") or f"s.{kind} " in detail


def _edge(role: str, kind: str, what: str) -> tuple[str, str, str]:
    match kind:
        case "login":
            return role, "ROLE", "LOGIN"
        case "attribute":
            return role, "ROLE", what.upper()
        case "group":
            return role, "MEMBERSHIP", what
        case _:
            return role, "TABLE", what


def test_an_adoption_is_still_unfinished_when_its_role_was_not_declared_for_a_moment() -> None:
    """Found by the machine: a database is away, and the resource goes and comes back."""
    brake = TheBrake()
    brake.a_server(there={"r1": (True, False, frozenset({"SELECT"}))}, members=set())
    brake.a_database_comes_or_goes()
    user = Spec(is_user=True, privileges=frozenset())
    brake.push(declared={"r1": user, "r2": user})
    brake.run_a_pass(steps=1000)
    assert brake.memory.unfinished == {"r1"}
    brake.push(declared={"r2": user})
    brake.run_a_pass(steps=0)
    brake.push(declared={"r1": user, "r2": user})
    brake.run_a_pass(steps=1000)
    assert brake.catalog.roles["r1"].verifier is None
    brake.a_database_comes_or_goes()
    brake.run_a_pass(steps=1000)
    assert brake.catalog.roles["r1"].verifier is not None


pytestmark = [pytest.mark.rule("10", "20"), pytest.mark.found("A2")]
TestTheBrake = TheBrake.TestCase
TestTheBrake.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@pytest.mark.slow
class TestTheBrakeForLong(TheBrake.TestCase):  # type: ignore[valid-type,misc] # made by hypothesis
    """The same with many more examples."""

    settings = settings(max_examples=1_500, stateful_step_count=40, deadline=None)
