"""The brake and adoption, driven through looks, restarts, releases and edits in any order.

A push is what a controller says: what can be read, what is held, and what was seen to be deleted.
What it means depends on what was accepted before, so the same push may come again and mean another.

What is checked is reckoned here from what was declared and from the catalog alone, never by asking
the brake: what it let through must be what the rules 10 and 20 allow.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from regent.accept.merge import accept
from regent.changes import AlterRole, Change, Effect, GrantMembership, SetPassword
from regent.gate.brake_memory import has_news
from regent.gate.deletions import deletions
from regent.passes.full import ROUNDS, decided, without_ended
from regent.passes.look import Looked, Memory, compared
from regent.plan.matching import Compilations
from regent.remembered import AcceptedState, BrakeMemory
from regent.resolve import Situation, resolve
from shared.state import REVEAL, DesiredState, Trouble, etag
from tests.declared import NOON, REGENT, VERIFIER, state
from tests.unit.gate.catalog import TABLES, Catalog, Held

NAMES = ("r0", "r1", "r2", "r3", "r4")
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
Edge = tuple[str, str, str]
HOUR = timedelta(hours=1)
DATABASES = {table: database for database, table, _ in TABLES}


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
EVERYTHING = {name: Spec(is_user=False, privileges=frozenset(PRIVILEGES)) for name in NAMES}
NOTHING = {name: Spec(is_user=False, privileges=frozenset()) for name in NAMES}
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
            roles = sorted(spec.groups)
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


def edges_of(declared: dict[str, Spec]) -> set[Edge]:
    """What is counted of what the declarations give, and every role."""
    return {_edge(*held) for held in held_by(declared)} | {
        (name, "ROLE", "EXISTS") for name in declared
    }


@dataclass(frozen=True, slots=True)
class Said:
    """The content of a push. `declared` has the groups that there were; keys are kind and name."""

    declared: dict[str, Spec]
    held: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()

    def state(self, revision: int) -> DesiredState:
        """As it is sent."""
        users = {f"User/{n}": {"verifier": VERIFIER} for n, s in self.declared.items() if s.is_user}
        return state(
            text_of(self.declared),
            held={as_key(key): UNREADABLE for key in sorted(self.held)},
            deleted=tuple(as_key(key) for key in sorted(self.deleted)),
            absent_means="Vanished",
            passwords=users,
            revision=revision,
        )

    def after(self, before: dict[str, Spec]) -> dict[str, Spec] | None:
        """What is in force then: what is held, or vanished, goes on. None: two of one name."""
        found = {key_of(name, spec): spec for name, spec in before.items()}
        kept = {key: spec for key, spec in found.items() if key not in self.deleted}
        kept |= {key_of(name, spec): spec for name, spec in self.declared.items()}
        after = {name_in(key): spec for key, spec in kept.items()}
        listed = {group for spec in self.declared.values() for group in spec.groups}
        is_there = all(group in after and not after[group].is_user for group in listed)
        return after if is_there and len(after) == len(kept) else None


UNREADABLE = Trouble(reason="Invalid", message="It cannot be read.")


def key_of(name: str, spec: Spec) -> str:
    return f"{'User' if spec.is_user else 'Role'}/{name}"


def as_key(short: str) -> str:
    return short.replace("/", "/default/")


def name_in(key: str) -> str:
    return key.rpartition("/")[2]


@dataclass(slots=True)
class Release:
    """What a person saw and let through, and of what."""

    declared: dict[str, Spec] | None = None
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
    """What a state declares of which no pass remembered that it gives it, and the next does not."""
    due: dict[Held, datetime] = field(default_factory=dict)
    """Since when a pass may take it: the judgement is made once, and it counts from then on."""
    since: list[dict[str, Spec]] = field(default_factory=list)
    """What was declared since everything was as declared, that state included."""
    lost: list[tuple[datetime, Edge]] = field(default_factory=list)
    released: Release = field(default_factory=Release)

    def lost_at(self, now: datetime) -> set[Edge]:
        """What went within the hour before, and nobody released."""
        return {edge for at, edge in self.lost if now - at < HOUR}

    def most_at(self, now: datetime) -> int:
        """As much may go within an hour: less than 5, or no more than 20%."""
        return max(4, len(self.lost_at(now).union(*map(edges_of, self.since))) // 5)


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
        self.is_given = False
        """A pass over this state has ended, or what it was to begin with was stored."""
        self.used: set[str] = set()
        self.shown: set[str] = set()
        self.said: list[Said] = []

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
        """Another state is accepted: all is read, and what is gone was seen to be deleted."""
        self._push(declared)

    @rule(declared=st.sampled_from((EVERYTHING, NOTHING)))
    def push_and_look(self, declared: dict[str, Spec]) -> None:
        """So much or so little that the way between them is for a person."""
        self._push(declared)
        self.run_a_pass(1000)

    @precondition(lambda self: self.known.declared)
    @rule(data=st.data())
    def change_one(self, data: st.DataObject) -> None:
        """One resource is another, or gone."""
        name = data.draw(st.sampled_from(sorted(self.known.declared)))
        spec = data.draw(st.none() | SPECS)
        left = {key: one for key, one in self.known.declared.items() if key != name}
        self._push(left if spec is None else left | {name: spec})

    @precondition(lambda self: self.known.declared)
    @rule(data=st.data(), are_held=st.booleans())
    def some_cannot_be_read(self, data: st.DataObject, are_held: bool) -> None:
        """They are held by name, or they vanished."""
        names = sorted(self.known.declared)
        lost = data.draw(st.just(set(names)) | st.sets(st.sampled_from(names), min_size=1))
        left = {name: spec for name, spec in self.known.declared.items() if name not in lost}
        keys = {key_of(name, self.known.declared[name]) for name in lost}
        self._say(Said(left, held=frozenset(keys if are_held else ())))

    @precondition(lambda self: self.known.declared)
    @rule(are_held=st.booleans())
    def nothing_can_be_read_twice(self, are_held: bool) -> None:
        """In between all is narrowed, or let go."""
        keys = frozenset(key_of(name, spec) for name, spec in self.known.declared.items())
        once = Said({}, held=keys if are_held else frozenset())
        gone = {key for key in keys if key.startswith("User/")} if are_held else keys
        between = Said(NOTHING if are_held else {}, deleted=frozenset(gone))
        for said in (once, between, once):
            self._say(said)
            self.run_a_pass(1000)

    @precondition(lambda self: self._vanished())
    @rule()
    def let_go_what_vanished(self) -> None:
        """A person says that it may go."""
        self._say(replace(self.said[-1], deleted=self._vanished()))

    @precondition(lambda self: self.said and self.said[-1].deleted)
    @rule()
    def say_it_without_deletions(self) -> None:
        """What was told once is not told again."""
        self._say(replace(self.said[-1], deleted=frozenset()))

    @precondition(lambda self: len(self.said) > 1)
    @rule(data=st.data())
    def say_the_same_again(self, data: st.DataObject) -> None:
        """The content of a push that was accepted before."""
        self._say(data.draw(st.sampled_from(self.said[-4:])))

    def _vanished(self) -> frozenset[str]:
        held = self.accepted.state.held if self.accepted else {}
        gone = (key for key, trouble in held.items() if trouble.reason == "Vanished")
        return frozenset(key.replace("/default/", "/") for key in gone)

    def _push(self, declared: dict[str, Spec]) -> None:
        roles = {name for name, spec in declared.items() if not spec.is_user}
        there = {n: replace(spec, groups=spec.groups & roles) for n, spec in declared.items()}
        old = {key_of(name, spec) for name, spec in self.known.declared.items()}
        new = {key_of(name, spec) for name, spec in there.items()}
        self._say(Said(there, deleted=frozenset(old - new)))

    def _say(self, said: Said) -> None:
        known, before = self.known, self.known.declared
        declared = said.after(before)
        if declared is None:
            return
        self.revision += 1
        if self.accepted and not self.is_given:
            known.excused |= held_by(before) - held_by(declared)
        known.excused -= held_by(declared)
        known.free -= set(declared)
        known.drifted -= held_by(declared)
        known.declared = declared
        known.since.append(declared)
        known.due = {held: at for held, at in known.due.items() if held not in held_by(declared)}
        pushed = said.state(self.revision)
        edition = self.accepted.edition if self.accepted else 0
        self.accepted = accept(self.accepted, pushed, etag(pushed), self.now)
        self.is_given &= self.accepted.edition == edition
        self.said.append(said)

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
        looked = self._look()
        self._decide(looked)
        self.stored = self.memory
        self.is_given = True
        self._note_the_end(looked)

    def _note_the_end(self, looked: Looked) -> None:
        """Of a pass that has read and done everything: what is left is withheld."""
        known, marks = self.known, self.catalog.marks.keys()
        if not looked.is_final or looked.verdict.plan.changes:
            return
        known.due.clear()
        left = {held for held in self.catalog.held() if held[0] in marks}
        if marks == known.declared.keys() and left <= held_by(known.declared):
            known.since = [known.declared]

    @rule()
    def restart(self) -> None:
        """Only what was stored is known."""
        text = self.stored.model_dump_json(context=REVEAL, exclude_none=True, by_alias=True)
        self.memory = BrakeMemory.model_validate_json(text)
        if self.accepted:
            self.accepted = AcceptedState.model_validate_json(self.accepted.stored())

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
        self.known.released = Release(self.known.declared, losses)
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
        memory = self.memory
        for held in set(self.catalog.held()) - held_by(self.known.declared):
            if DATABASES.get(held[1], "") not in self.unread:
                self.known.due.setdefault(held, self.now)
        gone = set(deletions(memory, self.accepted))
        recent = {key for at, key in memory.deletions if self.now - at < HOUR}
        if len(recent | gone) <= 2 and not self._is_last_login(gone):
            # Whatever else is withheld, and before there is a baseline.
            self.known.free |= set(map(name_in, gone))
        self.memory = decided(memory, looked, self.accepted, self.now)
        if has_news(self.memory, memory):
            self.stored = self.memory
            self.is_given = True

    def _is_last_login(self, gone: set[str]) -> bool:
        """Users are gone, and none is left."""
        is_left = any(spec.is_user for spec in self.known.declared.values())
        return not is_left and any(key.startswith("User/") for key in gone)

    def _carry_out(self, change: Change) -> None:
        self._check_hands(change)
        before = set(self.catalog.held())
        self.catalog.apply(change)
        there = set(self.catalog.held())
        is_put_out = isinstance(change, AlterRole) and change.for_now
        for role, kind, what in sorted(before - there):
            if not is_put_out:  # whoever had the role: LOGIN comes back for who gets it
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
        is_released = known.released.declared == known.declared
        if is_released and any(
            edge == loss[:3]
            and (kind in ("login", "group", "attribute") or f"s.{kind} " in loss[3])
            for loss in known.released.losses
        ):
            return
        if is_released and (role, "ROLE", "EXISTS", "") in known.released.losses:
            return
        known.lost.append((known.due.get(held, self.now), edge))
        edges = known.lost_at(self.now)
        assert len(edges) <= known.most_at(self.now), f"nobody let {edges} through"

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


def _edge(role: str, kind: str, what: str) -> Edge:
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


def with_all_in_force() -> TheBrake:
    """Five roles that are in force as declared."""
    brake = TheBrake()
    brake.push(declared=EVERYTHING)
    brake.run_a_pass(steps=1000)
    return brake


def test_what_vanished_and_was_let_go_stays_withheld_when_its_deletion_is_not_told_again() -> None:
    """What is pushed then was pushed before, and let through, when nothing was gone by it."""
    brake = with_all_in_force()
    keys = frozenset(f"Role/{name}" for name in NAMES)
    vanished = Said({})
    for said in (vanished, replace(vanished, deleted=keys), vanished):
        brake._say(said)
        brake.run_a_pass(steps=1000)
        assert set(brake.catalog.roles) == set(NAMES)
    assert brake.accepted is not None
    assert brake.accepted.departed.keys() == {as_key(key) for key in keys}
    brake.restart()
    brake.release()
    assert not brake.catalog.roles


def test_what_is_withheld_stays_so_when_all_is_held_again_as_it_was_before() -> None:
    """The same push holds what was declared last, which is another state now."""
    brake = with_all_in_force()
    before = set(brake.catalog.held())
    unreadable = Said({}, held=frozenset(f"Role/{name}" for name in NAMES))
    for said in (unreadable, Said(NOTHING), unreadable):
        brake._say(said)
        brake.run_a_pass(steps=1000)
        assert set(brake.catalog.held()) == before


@pytest.mark.found("E97")
def test_one_deletion_goes_at_once_while_the_losses_of_others_are_withheld() -> None:
    """Nor is it counted with what went within the hour: it never waits."""
    brake = with_all_in_force()
    brake.push(declared=EVERYTHING | {"r0": Spec(False, frozenset({"SELECT"}))})
    brake.run_a_pass(steps=1000)
    brake.push_and_look(declared=NOTHING)
    others = {held for held in brake.catalog.held() if held[0] != "r4"}
    brake.push(declared={name: spec for name, spec in NOTHING.items() if name != "r4"})
    brake.run_a_pass(steps=1000)
    assert set(brake.catalog.roles) == {"r0", "r1", "r2", "r3"}
    assert set(brake.catalog.held()) == others
    assert len(brake.memory.taken) == 3


@pytest.mark.found("E97")
def test_two_deletions_go_at_once_before_all_databases_were_ever_read() -> None:
    """There is no baseline yet, and what was given counts all the same."""
    brake = TheBrake()
    brake.a_database_comes_or_goes()
    brake.push_and_look(declared=EVERYTHING)
    assert brake.memory.baseline is None
    brake.push(declared={name: EVERYTHING[name] for name in ("r0", "r1", "r2")})
    brake.run_a_pass(steps=1000)
    assert set(brake.catalog.roles) == {"r0", "r1", "r2"}
    assert not brake.memory.taken


@pytest.mark.found("E97")
def test_the_last_login_waits_while_the_losses_of_others_are_withheld() -> None:
    """The one deletion that is not believed at once."""
    brake = TheBrake()
    user = Spec(is_user=True, privileges=frozenset(PRIVILEGES))
    brake.push(declared=EVERYTHING | {"r4": user})
    brake.run_a_pass(steps=1000)
    before = set(brake.catalog.held())
    brake.push_and_look(declared=NOTHING | {"r4": user})
    brake.push(declared={name: spec for name, spec in NOTHING.items() if name != "r4"})
    brake.run_a_pass(steps=1000)
    assert set(brake.catalog.held()) == before


@pytest.mark.found("E384")
def test_what_is_withheld_of_a_role_stays_so_while_it_passes_to_another_resource_and_back() -> None:
    """Found by the machine: while nobody speaks for the role, what once gave it that is needed."""
    brake = TheBrake()
    bare = Spec(is_user=True, privileges=frozenset())
    brake.push(declared=EVERYTHING | {"r2": bare})
    brake.run_a_pass(steps=1000)
    brake.push_and_look(declared=NOTHING | {"r2": user_of()})
    given = {held for held in brake.catalog.held() if held[0] == "r2" and held[1] != "login"}
    assert len(given) == len(PRIVILEGES) * len(TABLES)
    brake.push_and_look(declared=NOTHING)
    brake.push_and_look(declared=NOTHING | {"r2": bare})
    assert given <= set(brake.catalog.held())
    brake.release()
    assert given.isdisjoint(brake.catalog.held())


def with_groups(*groups: str, fourth: Spec | None = None) -> dict[str, Spec]:
    """Three Users in these groups, and a fourth User or Role: up to 36 edges with what went."""
    users = {name: user_of(*groups) for name in ("r0", "r1", "r2")}
    return EVERYTHING | users | {"r3": fourth or EVERYTHING["r3"]}


def user_of(*groups: str) -> Spec:
    """A User of these groups that has every privilege."""
    return Spec(is_user=True, privileges=frozenset(PRIVILEGES), groups=frozenset(groups))


@pytest.mark.found("E97")
def test_of_36_edges_seven_may_go_within_an_hour_and_an_eighth_waits() -> None:
    """What went within the hour is one of all edges as well."""
    brake = TheBrake()
    for declared in (
        with_groups("r3", "r4"),
        with_groups(),
        with_groups(fourth=user_of("r4")),
        with_groups(fourth=user_of()),
    ):
        brake.push(declared=declared)
        brake.run_a_pass(steps=1000)
        assert brake.memory.pulled_at is None
    assert len(brake.known.lost_at(brake.now)) == 7
    fewer = Spec(is_user=True, privileges=frozenset(PRIVILEGES[1:]))
    brake.push(declared=with_groups(fourth=user_of()) | {"r0": fewer})
    brake.run_a_pass(steps=1000)
    assert brake.memory.pulled_at is not None


@pytest.mark.found("E97")
def test_what_was_judged_before_a_crash_counts_from_then_and_not_from_when_it_goes() -> None:
    """The judgement is made once."""
    brake = with_all_in_force()
    one = EVERYTHING | {"r0": NOTHING["r0"]}
    brake.push(declared=one)
    brake.run_a_pass(steps=0)
    brake.time_passes()
    for declared in (one, one | {"r1": NOTHING["r1"]}):
        brake.push(declared=declared)
        brake.run_a_pass(steps=1000)
        assert brake.memory.pulled_at is None
    assert len(brake.known.lost_at(brake.now)) == 4
    assert not any(held[0] in ("r0", "r1") for held in brake.catalog.held())


@pytest.mark.found("E169")
def test_what_was_given_counts_though_no_pass_has_read_every_database_so_far() -> None:
    """And though who has it is a User by now, and another push goes by before it is released."""
    brake = TheBrake()
    brake.a_database_comes_or_goes()
    brake.push(declared=EVERYTHING)
    brake.run_a_pass(steps=1000)
    brake.a_database_comes_or_goes()
    brake.time_passes()
    had = set(brake.catalog.held())
    for privileges in ({"r4": frozenset(PRIVILEGES)}, {}):
        users = {n: Spec(is_user=True, privileges=privileges.get(n, frozenset())) for n in NAMES}
        brake.push(declared=users)
        brake.run_a_pass(steps=1000)
        brake.push(declared=NOTHING)
        brake.run_a_pass(steps=1000)
        assert had <= set(brake.catalog.held())


pytestmark = [pytest.mark.rule("10", "20"), pytest.mark.found("A2", "E2", "E6")]
TestTheBrake = TheBrake.TestCase
TestTheBrake.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@pytest.mark.slow
@pytest.mark.timeout(1_800)  # five minutes alone; its 1,500 examples are one test
class TestTheBrakeForLong(TheBrake.TestCase):  # type: ignore[valid-type,misc] # made by hypothesis
    """The same with many more examples."""

    settings = settings(max_examples=1_500, stateful_step_count=40, deadline=None)
