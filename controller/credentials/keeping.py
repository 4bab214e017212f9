"""Makes the Secrets of Users with `credentials`, and rotates the passwords in them.

The Secret first, the push after it: what a look finds in the Secret is pushed as any password is.
A new one is made only where the Regents of the User can set it now, since whoever reads it before
is refused. Nothing is missing that could not be read (rule 17), a Secret is only ever created and
never replaced, and a change is of the version that was read: a leader that was overtaken writes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
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
from controller.kube.errors import ApiError
from controller.kube.events import EventRecorder, News, Reference
from controller.kube.kinds import SECRET
from controller.kube.lease import NotLeader
from controller.kube.owners import owning_users
from controller.kube.retries import Retries
from controller.lifecycle.finalizer_patches import at_once
from controller.observe.world import World
from controller.regents.fleet import Fleet
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.resources import User, UserSpec
from shared.state import DesiredState, Trouble

log = get_logger(__name__)
Doing = tuple[Wanted, Secret | None, Deed]
NOT_WRITABLE = "SecretNotWritable"
OF_THE_SECRET = frozenset(
    {NOT_WRITABLE, "SecretUnreadable", "VerifierMalformed", "VerifierOutOfBounds"}
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

    async def look(self, world: World) -> None:
        """See to every User that some Regent has, and whose Secrets are known."""
        self.retries.begin()
        self.retries.forget_except(world.declared.resources)
        now, unready = self._clock(), self._unready(world)
        is_sure = not (world.compiled.failed or world.compiled.unsure)
        doing: list[Doing] = []
        for wanted in self._wanted(world):
            found = world.secrets.values.get(wanted.secret)
            deed = due(wanted, found, now, is_sure=is_sure)
            if deed and not (str(wanted.user) in unready and may_wait(deed, found)):
                doing.append((wanted, found, deed))
        left = {wanted.user for wanted, _, _ in doing}
        self._refused = {key: why for key, why in self._refused.items() if key in left}
        await at_once(self._do(world, one, now) for one in doing)

    def _wanted(self, world: World) -> list[Wanted]:
        states: dict[str, list[DesiredState]] = {}
        for state in world.compiled.states.values():
            for text, entry in state.resources.items():
                if entry.kind == "User" and entry.spec.credentials is not None:
                    states.setdefault(text, []).append(state)
        declared = world.declared
        unknown = world.secrets.awaited | world.secrets.unreadable.keys()
        users = {text: declared.resources[ResourceKey.parse(text)].resource for text in states}
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

    def _unready(self, world: World) -> frozenset[str]:
        """Whose password some Regent of theirs would not set now, as far as is known."""
        found: set[str] = set()
        for regent, state in world.compiled.states.items():
            served = self._fleet.served.get(regent)
            is_heard = self._fleet.hears(regent) and regent not in world.leaving
            status = served.status if served and is_heard else None
            said = status.resources if status and not status.observing else ()
            sets = {one.resource for one in said if one.is_ready or one.reason in OF_THE_SECRET}
            found |= state.resources.keys() - sets
        return frozenset(found)

    async def _do(self, world: World, doing: Doing, now: datetime) -> bool:
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
            note = f"A new password is in Secret {wanted.secret}; it is in force in a moment."
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
            self._refused[key] = Trouble(
                reason=NOT_WRITABLE,
                message=f"Secret {name} cannot be written: {error}. The password stays as it is,"
                " and it is tried again. Where it is the right that is missing: set"
                f" credentials.enabled of the chart, with {name.namespace} in its"
                " secrets.namespaces.",
            )
