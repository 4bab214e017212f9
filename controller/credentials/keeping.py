"""Makes the Secrets of Users with `credentials`, and rotates the passwords in them.

The Secret first, the push after it: what a look finds in the Secret is pushed as any password is.
A new one is made only where the Regents of the User can set it now, since whoever reads it before
is refused; the first one at once. Of a User one of whose Regents is doubted nothing is done, and
nothing is missing that could not be read (rule 17). A Secret is only ever created and
never replaced, and a change is of the version that was read: a leader that was overtaken writes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Set
from datetime import UTC, datetime

from controller.core.passwords import Secrets
from controller.core.secrets import Secret
from controller.credentials.due import (
    Deed,
    Wanted,
    change_of,
    due,
    may_wait,
    new_password,
    new_secret,
    wanted_of,
)
from controller.credentials.kept import as_named, is_reserved, name_of, reserved, trouble_of
from controller.kube.api import KubeApi
from controller.kube.errors import IMMUTABLE, ApiError
from controller.kube.events import EventKind, EventRecorder, News, Reference
from controller.kube.kinds import SECRET
from controller.kube.lease import NotLeader
from controller.kube.owners import owning_users
from controller.kube.retries import Retries
from controller.lifecycle.finalizer_patches import at_once
from controller.observe.world import World
from controller.regents.fleet import Fleet
from controller.status.patch import regents_in
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.resources import User, UserSpec
from shared.state import DesiredState, Trouble

log = get_logger(__name__)
Doing = tuple[Wanted, Secret | None, Deed]
NOT_WRITABLE = "SecretNotWritable"
OF_THE_SECRET = frozenset(
    {
        NOT_WRITABLE,
        "SecretNotFound",
        "SecretUnreadable",
        "VerifierMalformed",
        "VerifierOutOfBounds",
    }
)
"""On what is in the Secret, or cannot be written there, and no word on what a Regent can set: a new
password is the way out."""


class Keeping:
    """The Secrets of all Users with `credentials`; what was refused of one makes no other wait."""

    def __init__(
        self,
        api: KubeApi,
        recorder: EventRecorder,
        fleet: Fleet,
        own_namespace: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._recorder = recorder
        self._fleet = fleet
        self._own_namespace = own_namespace
        self._clock = clock
        self._refused: dict[ResourceKey, Trouble] = {}
        self._told: dict[ResourceKey, str] = {}
        """By User, that a new password waits."""
        self.retries: Retries[ResourceKey] = Retries()

    def read(
        self, world: World, user: ResourceKey, spec: UserSpec
    ) -> tuple[UserSpec, Secrets] | Trouble | None:
        """By what a password that is made is read, or why not; None where none is made."""
        name, secrets = name_of(user, spec), world.secrets.values
        if name is None:
            return None
        if is_reserved(name, self._own_namespace):
            return reserved(name)
        found = world.declared.resources[user].resource
        uid = found.metadata.uid if found else None
        trouble = self._refused.get(user) or trouble_of(user, uid or "", name, secrets)
        return trouble or as_named(spec, name, secrets)

    async def look(self, world: World, doubted: Container[ResourceKey]) -> None:
        """See to every User that some Regent has, and whose Secrets are known.

        Not where nothing is pushed to one of them, as not all that is declared for it is known.
        """
        self.retries.begin()
        self.retries.forget_except(world.declared.resources)
        now, unready = self._clock(), self._unready(world)
        is_sure = not (world.compiled.failed or world.compiled.unsure)
        doing: list[Doing] = []
        waiting: dict[ResourceKey, str] = {}
        gone: set[ResourceKey] = set()
        for wanted in self._wanted(world, doubted):
            found = world.secrets.values.get(wanted.secret)
            deed = due(wanted, found, now, is_sure=is_sure)
            if deed is None:
                continue
            why = unready.get(str(wanted.user), "")
            if why and may_wait(deed, found, is_first=self._is_first(world, wanted.user)):
                waiting[wanted.user] = _waits(wanted, found, why)
                gone |= set() if found else {wanted.user}
            else:
                doing.append((wanted, found, deed))
        left = {wanted.user for wanted, _, _ in doing}
        self._refused = {key: why for key, why in self._refused.items() if key in left}
        for key in gone:
            self._refused[key] = Trouble(reason="SecretNotFound", message=waiting[key])
        self._wait(world, waiting, gone)
        await at_once(self._do(world, one, now, unready.get(str(one[0].user), "")) for one in doing)

    def _wanted(self, world: World, doubted: Container[ResourceKey]) -> list[Wanted]:
        states: dict[str, list[DesiredState]] = {}
        unsure: set[str] = set()
        for regent, state in world.compiled.states.items():
            for text, entry in state.resources.items():
                if entry.kind == "User" and entry.spec.credentials is not None:
                    states.setdefault(text, []).append(state)
                    if regent in doubted:
                        unsure.add(text)
        declared = world.declared
        unknown = world.secrets.awaited | world.secrets.unreadable.keys()
        sure = states.keys() - unsure
        users = {text: declared.resources[ResourceKey.parse(text)].resource for text in sure}
        found = (
            wanted_of(user, states[text])
            for text, user in users.items()
            if isinstance(user, User) and user.key not in declared.deleting
        )
        return [
            one
            for one in found
            if one is not None
            and one.secret.namespace not in unknown
            and not is_reserved(one.secret, self._own_namespace)
        ]

    def _unready(self, world: World) -> dict[str, str]:
        """Whose password some Regent of theirs would not set now, as far as is known, and why."""
        found: dict[str, str] = {}
        for regent, state in world.compiled.states.items():
            served = self._fleet.served.get(regent)
            is_heard = self._fleet.hears(regent) and regent not in world.leaving
            status = served.status if served and is_heard else None
            said = status.resources if status and not status.observing else ()
            sets = {one.resource for one in said if one.is_ready or one.reason in OF_THE_SECRET}
            why = {one.resource: f"it says {one.reason} of the User" for one in said}
            other = "it is not heard, leaves, or has not seen the User"
            if status and status.observing:
                other = status.observing.rstrip(".")
            for text in state.resources.keys() - sets:
                found[text] = f"{regent} would not set it now ({why.get(text, other)})"
        return found

    def _is_first(self, world: World, user: ResourceKey) -> bool:
        """Whether no password was made before: no Regent has one in force, or may have.

        One that was not met since this controller leads may, where the User's status tells of it.
        """
        text, in_force = str(user), self._fleet.in_force()
        told = regents_in(world.declared.raw[user].get("status") or {})
        of = [key for key, state in world.compiled.states.items() if text in state.resources]
        return not any(
            text in in_force[regent] if regent in in_force else regent in told for regent in of
        )

    def _wait(
        self, world: World, waiting: Mapping[ResourceKey, str], gone: Set[ResourceKey]
    ) -> None:
        """Say once that a new password waits, and why."""
        for key, note in waiting.items():
            if self._told.get(key) != note:
                about = Reference.to(world.declared.raw[key])
                kind: EventKind = "Warning" if key in gone else "Normal"
                self._recorder.record(News(about, kind, "PasswordWaits", "Rotate", note))
                self.retries.failed(key)  # the next look has this word for its Regents
        self._told = dict(waiting)

    async def _do(self, world: World, doing: Doing, now: datetime, unready: str) -> bool:
        wanted, found, deed = doing
        key = wanted.user
        if not self.retries.is_due(key):
            return False
        try:
            await self._write(*doing, now)
        except NotLeader:
            return False  # the term is over, and the present leader sees to it
        except ApiError as error:
            self.retries.failed(key)
            self._failed(wanted, found, error)
            return False
        self._refused.pop(key, None)
        self.retries.damp(key)  # the cache has not heard of it yet
        log.info("secret written", user=str(key), secret=str(wanted.secret), deed=deed.name)
        raw = world.declared.raw[key]
        if deed is not Deed.AMEND and not any(owning_users(raw["metadata"])):  # of a lease nobody
            about = Reference.to(raw)
            note = f"A new password is in Secret {wanted.secret}. {_when(unready)}"
            self._recorder.record(News(about, "Normal", "PasswordMade", "Rotate", note))
        return True

    async def _write(self, wanted: Wanted, found: Secret | None, deed: Deed, now: datetime) -> None:
        namespace, name = wanted.secret.namespace, wanted.secret.name
        password = new_password(wanted.length)
        if found is None:
            await self._api.create(SECRET, namespace, new_secret(wanted, password, now))
        else:
            kept = deed is Deed.AMEND
            change = change_of(wanted, found, None if kept else password, now)
            await self._api.patch(SECRET, namespace, name, change)

    def _failed(self, wanted: Wanted, found: Secret | None, error: ApiError) -> None:
        """What may pass by itself is told of nobody; what others did, the next look sees."""
        key, name = wanted.user, wanted.secret
        log.info("secret not written yet", user=str(key), secret=str(name), problem=str(error))
        if error.is_conflict and found is None:
            # It is not read while it is being deleted; one that was made a moment ago soon is.
            self._refused[key] = Trouble(
                reason="SecretNotFound",
                message=f"Secret {name} cannot be made: one of that name is being deleted, and is"
                " there until its finalizers are taken off. It is tried again. What they are:"
                f" kubectl get secret {name.name} -n {name.namespace} -o"
                " jsonpath={.metadata.finalizers}",
            )
        passes = error.is_transient or error.is_conflict or error.is_not_found
        if not passes and not error.is_namespace_ending:
            way_out = (
                "It is immutable. Delete it, and one with a new password is made: kubectl delete"
                f" secret {name.name} -n {name.namespace}"
                if IMMUTABLE in str(error)
                else "Where it is the right that is missing: set credentials.enabled of the chart,"
                f" with {name.namespace} in its secrets.namespaces."
            )
            self._refused[key] = Trouble(
                reason=NOT_WRITABLE,
                message=f"Secret {name} cannot be written: {error}. The password stays as it is,"
                f" and it is tried again. {way_out}",
            )


def _waits(wanted: Wanted, found: Secret | None, why: str) -> str:
    if found is None:
        return (
            f"Secret {wanted.secret} is not there. It is made, with a new password, as soon as that"
            f" can be set: {why}. Until then the password before is in force, and this Secret does"
            " not keep it."
        )
    return (
        f"A new password for Secret {wanted.secret} is due and waits until it can be set: {why}."
        " Until then the present one stays."
    )


def _when(unready: str) -> str:
    """When a password that was made is in force; only what is so."""
    if unready:
        return f"It is in force once its Regents have set it: {unready}."
    return "Its Regents are told of it now."
