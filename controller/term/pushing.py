"""From what is declared to what each Regent is told, and what it must not be told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from functools import partial

from controller.core.compile import Push, compile_states, users_of
from controller.core.passwords import PasswordBook
from controller.core.revisions import Revisions
from controller.credentials.keeping import Keeping
from controller.kube.informer import NOT_LISTED
from controller.leases.lease import NOTE
from controller.lifecycle.untold import Untold
from controller.local.directory import Loaded
from controller.observe.caches import Caches
from controller.observe.reader import Declared, had_disabled, had_state_on
from controller.observe.world import World
from controller.regents.fleet import Fleet
from controller.regents.outcome import NotReached, not_synced
from controller.regents.vanished import vanished_of
from controller.status.patch import regents_in
from controller.workloads.admins import Account
from controller.workloads.faults import Faults
from shared.keys import ResourceKey
from shared.resources import Regent, UserSpec
from shared.state import DesiredState, PasswordEntry, Trouble

MOST_ENDED = 25_000
"""So many deletions are remembered, the latest: of more than a Regent has resources, none left."""


class Pushing:
    """`held` counts, by Regent, what its last push could not say; `doubted` are not pushed to."""

    def __init__(
        self,
        caches: Caches,
        fleet: Fleet,
        untold: Untold,
        account: Account,
        faults: Faults,
        keeping: Keeping,
    ) -> None:
        self.doubted: dict[ResourceKey, NotReached] = {}
        """To whom nothing is pushed, and why."""
        self.unread: Mapping[str, str] = {}
        """By watched place, why not all is known: Regents there may be, of whom nobody knows."""
        self.held: dict[ResourceKey, int] = {}
        self.in_force_held: dict[ResourceKey, tuple[str, ...]] = {}
        """By Regent, those of them that were accepted before: what they gave goes on."""
        self._caches = caches
        self._fleet = fleet
        self._untold = untold
        self._account = account
        self._faults = faults
        self._keeping = keeping
        self._passwords = PasswordBook()
        self._revisions = Revisions()
        self._ended: dict[ResourceKey, None] = {}
        """Whose deletion was seen, the latest last: a server that goes back lists them again."""
        self._states: Mapping[ResourceKey, DesiredState] = {}
        """What was compiled last, whether it was pushed or not."""

    async def compile(self, world: World) -> World:
        """Everything; what lacks our finalizer only where it is bound already.

        A Regent that is off serves nothing.
        """
        declared, secrets = world.declared, world.secrets
        self._pass_words_on(declared)
        bound, meetings = self._fleet.bound(), self._fleet.meetings()
        everywhere = frozenset().union(*bound.values())
        resources = {
            key: found
            for key, found in declared.resources.items()
            if (key not in world.unheld or key in everywhere)
            and key not in world.off
            and not self._is_uninstalled(key)
        }
        push = Push(
            world.origin,
            self._revisions.next(),
            "Vanished",
            deleted=self._deleted(declared, everywhere),
            has_uids=True,
            restored=self._caches.restored_at,
        )

        in_force = self._fleet.in_force()

        def password(regent: Regent, user: ResourceKey, spec: UserSpec) -> PasswordEntry | None:
            there = in_force.get(regent.key)
            if there is None:
                return None
            if spec.has_leases:
                return PasswordEntry(note=NOTE)
            why = secrets.unreadable.get(user.namespace, "")
            if why and spec.password_key is not None:
                return PasswordEntry(trouble=_unreadable(user.namespace, why, self._account))
            made = self._keeping.read(world, user, spec)
            if isinstance(made, Trouble):
                return PasswordEntry(trouble=made)
            named, known = made or (spec, secrets.values)
            return self._passwords.entry(regent, user, named, known, there)

        compiled = await asyncio.to_thread(
            compile_states,
            resources,
            bound=bound,
            passwords=password,
            push=push,
            before=self._states,
            namespaces=declared.namespaces,
            former=partial(_was_on, declared),
        )
        for key, error in compiled.failed.items():
            self._faults.note(key, "compiling its state", error)
        states = self._with_let_go(declared, compiled.states)
        kept = {key: self._states[key] for key in self._faults.now if key in self._states}
        self._states = {**kept, **states}
        return replace(world, compiled=replace(compiled, states=states), meetings=meetings)

    def _with_let_go(
        self, declared: Declared, states: Mapping[ResourceKey, DesiredState]
    ) -> dict[ResourceKey, DesiredState]:
        """What has vanished is deleted where a person says that it may go."""
        found: dict[ResourceKey, DesiredState] = {}
        for key, state in states.items():
            with self._faults.apart(key, "letting go what has vanished"):
                found[key] = self._let_go(state, declared.resources[key])
        return found

    def _let_go(self, state: DesiredState, regent: Loaded) -> DesiredState:
        served = self._fleet.served.get(state.regent.key)
        vanished = vanished_of(served.status if served else None)
        resource = regent.resource
        if vanished is None or resource is None:
            return state
        if resource.metadata.let_go_vanished != vanished.token:
            return state
        there = state.resources.keys() | state.held.keys()
        gone = set(vanished.resources) - there
        return state.model_copy(update={"deleted": tuple(sorted(gone.union(state.deleted)))})

    def _pass_words_on(self, declared: Declared) -> None:
        """What people say to each Regent, and what its status remembers of it."""
        for key, served in self._fleet.served.items():
            found = declared.resources.get(key)
            if found is not None and found.resource is not None:
                metadata = found.resource.metadata
                with self._faults.apart(key, "passing a person's word on"):
                    served.link.pass_on(metadata.consents)
                    raw = declared.raw[key]
                    served.link.remember(had_state_on(raw), had_disabled(raw))

    def hold_back(self, world: World, why: NotReached) -> None:
        """Push to nobody."""
        self.doubted = dict.fromkeys(world.declared.regents(), why)

    def push(self, world: World) -> None:
        """What was compiled, to every Regent whose namespace was known whole, and still is.

        Not to one that was met since: it is compiled for anew, with what was heard of it.
        """
        whole: dict[ResourceKey, DesiredState] = {}
        bound, meetings = self._fleet.bound(), self._fleet.meetings()
        doubted: dict[ResourceKey, NotReached] = {}
        for key, why in world.compiled.unsure.items():
            doubted[key] = not_synced(why)
        for key, state in world.compiled.states.items():
            served = {key.namespace, *(state.regent.namespaces or ())}
            served |= _namespaces_of(bound.get(key, frozenset()), state)
            if why := self._why_not_synced(world, served):
                doubted[key] = not_synced(why)
            elif late := sorted(served & world.secrets.awaited):
                said = (world.secrets.unreadable.get(one, NOT_LISTED) for one in late)
                for why in said:
                    if why != NOT_LISTED:  # it does not pass by itself within a moment
                        doubted[key] = not_synced(f"secrets: {why}")
            else:
                whole[key] = state
                self.held[key] = len(state.held)
                before = bound.get(key, frozenset())
                self.in_force_held[key] = tuple(
                    one for one in sorted(state.held) if ResourceKey.parse(one) in before
                )
        for key, state in whole.items():
            if meetings.get(key) != world.meetings.get(key):
                continue
            with self._faults.apart(key, "pushing its state"):
                self._fleet.push(key, state)
        self._passwords.forget_except(users_of(self._states))
        self.doubted = doubted
        self.unread = self._caches.unread()

    @property
    def why_not(self) -> str:
        """Why nothing is pushed to some, be they known or not; empty where all is."""
        said = [one.message for one in self.doubted.values()]
        said += [not_synced(why).message for why in self.unread.values()]
        return next(iter(said), "")

    def _why_not_synced(self, world: World, namespaces: Set[str]) -> str:
        """Of the first of these that was not known whole, or is not any more; empty where all are.

        One that is not watched is out of reach: what it declares is not known.
        """
        for namespace in sorted(namespaces):
            was_doubted = world.declared.doubts.why_not_synced(namespace)
            if why := was_doubted or self._caches.why_not_synced(namespace):
                return why
            if not self._caches.watches(namespace):
                return (
                    f"namespace {namespace} is served and not watched. Add it to watch.namespaces"
                    " of the chart, or take it out of spec.allowedNamespaces."
                )
        return ""

    def _deleted(self, declared: Declared, bound: frozenset[ResourceKey]) -> frozenset[ResourceKey]:
        """A Permission has no finalizer: where all is synced, its absence is its deletion."""
        departed = {key for key in self._untold.departures.all() if key not in declared.resources}
        absent = {
            key
            for key in bound
            if key.kind == "Permission"
            and key not in declared.resources
            and self._caches.watches(key.namespace)
        }
        deleting = {key for key in declared.deleting if key.kind != "Regent"}
        back = {key for key in self._ended if key in bound and key not in declared.resources}
        self._ended = ended(self._ended, deleting, declared.resources.keys())
        return frozenset(departed | absent | deleting | back)

    def _is_uninstalled(self, key: ResourceKey) -> bool:
        served = self._fleet.served.get(key)
        return served is not None and served.is_uninstalled


def _was_on(declared: Declared, key: ResourceKey) -> frozenset[ResourceKey]:
    """The Regents that its status tells of."""
    return regents_in(declared.raw.get(key, {}).get("status") or {})


def _namespaces_of(bound: frozenset[ResourceKey], state: DesiredState) -> frozenset[str]:
    """Of what a Regent has, and is not told to let go for its namespace."""
    out = frozenset(map(ResourceKey.parse, state.elsewhere))
    return frozenset(key.namespace for key in bound - out)


def ended(
    before: Iterable[ResourceKey], deleting: Set[ResourceKey], there: Set[ResourceKey]
) -> dict[ResourceKey, None]:
    """Whose deletion was seen. One that is made anew under its name may vanish like any other."""
    kept = [key for key in before if key not in there]
    return dict.fromkeys([*kept, *sorted(deleting)][-MOST_ENDED:])


def _unreadable(namespace: str, why: str, account: Account) -> Trouble:
    return Trouble(
        reason="SecretUnreadable",
        message=f"{account.unreadable(namespace, why)} Until then the password stays as it is.",
    )
