"""What is told of an end that was not carried out, beside which object, with which way out.

Rules 27 and 28. Whether a Regent is there to carry it out later is known only after a moment:
a namespace or a directory that is deleted takes Users and Regent within seconds. An Event lies in
the namespace of what it is about, and one that ends takes none: then it is told of an object in the
controller's own namespace, which stays.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.events import EventKind, EventRecorder, News, Reference
from controller.kube.kinds import DEPLOYMENT, JsonObject
from controller.kube.own import find_own, own_lease
from controller.lifecycle.finalizers import Release, role_of
from controller.lifecycle.uninstalled import has_installed
from controller.names import workload_name
from controller.observe.reader import Declared
from controller.regents.outcome import ACCESS_GOES_ON
from controller.regents.vanished import named
from controller.workloads.manifests import Plant
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.names import quote_ident

log = get_logger(__name__)
TOLD_AFTER_SECONDS = 5.0

_SAID: Mapping[Release, str] = {
    Release.WITHHELD: "The brake withholds this loss; release it on the Regent to carry it out.",
    Release.UNAPPROVED: (
        "Its access has not ended: the deletion waits for approval, as its Regent has approval:"
        " Manual. It ends when the digest in the Regent's status is approved."
    ),
    Release.UNREACHABLE: "The Regent or its server cannot be reached; access ends when it can.",
    Release.OBSERVING: (
        "Its Regent only looks, so nothing of its access was taken away. It ends when the Regent"
        " acts again: set enforcement to Correct, and take suspend out."
    ),
    Release.IN_RECOVERY: (
        "Its server is a standby, so nothing of its access was taken away. It ends when the Regent"
        " may write: promote the server, or name the primary."
    ),
    Release.TAKEOVER: (
        "Its Regent waits for a person to accept a takeover, so nothing of its access was taken"
        " away. It ends when that is accepted; look that the role cannot log in then."
    ),
    Release.TIMED_OUT: (
        "Access had not ended after 45 s. The Regent goes on trying, and its status says why."
    ),
    Release.UNMARKED: (
        "Its access has not ended: the role {role} may log in, and no mark says that PostgRegent"
        " made it, so nothing was taken from it. It is somebody else's, or the home database was"
        " put back to an older copy. If it was this resource's, end it by hand: ALTER ROLE {role}"
        " NOLOGIN. Its Regent's leftovers name it until then."
    ),
    Release.NO_REGENT: (
        "Its access has not ended: no Regent serves it any more ({regents} did), so its role {role}"
        " stays as it is, LOGIN and password too where it has them. End it by hand (ALTER ROLE"
        " {role} NOLOGIN), or declare it again, let a Regent take it up, and delete it then. The"
        " leftovers of a Regent that comes after the last one name it."
    ),
}
_LEFT = (
    "What it installed could not be taken off: event triggers, schema and marks are still there."
    " Run `postgregent uninstall --dsn`."
)
_NOTHING = (
    "It never got to work on its server, so it has installed nothing there, and nothing is left."
)
_WITHHELD = "What its brake withheld will not happen any more."
_TO_END = (
    "To end them, apply everything again with brake.mode Disabled on the Regent, and delete Users"
    " and Roles before it; or drop them by hand."
)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The end of one resource, to be told in a moment."""

    found: JsonObject = field(repr=False)
    reason: Release
    regents: frozenset[ResourceKey]
    since: float

    def is_told_by(self, regent: ResourceKey) -> bool:
        """Whether this Regent's own last words name it, and nothing else need."""
        return self.reason is Release.NO_REGENT and regent in self.regents


class LastWords:
    """Tells of what was let go before it had ended."""

    def __init__(
        self,
        api: KubeApi,
        recorder: EventRecorder,
        plant: Plant,
        name: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name` is the controller's own: of its Deployment and its Lease."""
        self._api = api
        self._recorder = recorder
        self._plant = plant
        self._clock = clock
        self.own = own_lease(plant.namespace, name)
        """What of the controller's own to tell things beside."""
        self._is_prepared = False
        self._waiting: deque[_Waiting] = deque()

    async def prepare(self) -> None:
        """Look what of our own there is to tell things beside: the Deployment, else the Lease.

        Where neither can be read it is the Lease, and the next look asks again.
        """
        if self._is_prepared:
            return
        try:
            self.own = await find_own(self._api, self._plant.namespace, self.own.name)
        except ApiError as error:
            log.info("the controller's own objects cannot be read yet", problem=str(error))
        else:
            self._is_prepared = True

    def of_resource(
        self, found: JsonObject, reason: Release, regents: frozenset[ResourceKey]
    ) -> None:
        """It was let go; told in a moment, where that is no end.

        Of one that no Regent serves, `regents` are those that had it and can be asked no more.
        """
        if reason in _SAID and (regents or reason is not Release.NO_REGENT):
            self._waiting.append(_Waiting(found, reason, regents, self._clock()))

    def tell(self, declared: Declared) -> bool:
        """Tell what is due. True while something is not.

        Where the Regents went as well, theirs are the last words.
        """
        before = self._clock() - TOLD_AFTER_SECONDS
        while self._waiting and self._waiting[0].since <= before:
            one = self._waiting.popleft()
            if one.reason is Release.NO_REGENT:
                self._record(one.found, str(one.reason), _note_of(one), self.own)
                continue
            staying = sorted(one.regents & declared.raw.keys() - declared.deleting)
            if staying:
                beside = self._deployment(staying[0])
                self._record(one.found, str(one.reason), _note_of(one), beside)
        return bool(self._waiting)

    def of_regent(self, found: JsonObject, reason: Release, status: StatusBody | None) -> None:
        """It was let go: what of it is left, and that its roles stay as they are."""
        roles = status.managed_roles if status else (found.get("status") or {}).get("managedRoles")
        is_braked = status is not None and status.brake.pulled
        leavers = self._leavers(ResourceKey("Regent", *_place(found)), status)
        if reason is not Release.ENDED and not has_installed(found, status):
            self._record(found, "NothingInstalled", _NOTHING, self.own, "Normal")
            return
        words = regent_words(reason, is_braked=is_braked, roles=int(roles or 0), leavers=leavers)
        if words is not None:
            # Its Deployment goes with it, so nobody could describe that.
            self._record(found, *words, self.own)

    def _leavers(self, regent: ResourceKey, status: StatusBody | None) -> tuple[str, ...]:
        """Who was deleted before it, and whose access goes on: nobody ends it any more."""
        said = status.resources if status else ()
        found = {one.resource for one in said if one.reason == ACCESS_GOES_ON}
        for one in self._waiting:
            if regent in one.regents:
                found.add(f"{one.found['kind']}/{'/'.join(_place(one.found))}")
        self._waiting = deque(one for one in self._waiting if not one.is_told_by(regent))
        return tuple(sorted(found))

    def _record(
        self,
        found: JsonObject,
        reason: str,
        note: str,
        beside: Reference,
        kind: EventKind = "Warning",
    ) -> None:
        about = Reference.to(found)
        self._recorder.record(News(about, kind, reason, "End", note, beside))

    def _deployment(self, regent: ResourceKey) -> Reference:
        """Of a Regent that stays."""
        name = workload_name(regent)
        return Reference(DEPLOYMENT.api_version, DEPLOYMENT.name, self._plant.namespace, name)


def _place(found: JsonObject) -> tuple[str, str]:
    return str(found["metadata"]["namespace"]), str(found["metadata"]["name"])


def _note_of(one: _Waiting) -> str:
    role = role_of(ResourceKey(one.found["kind"], *_place(one.found)), one.found)
    quoted = quote_ident(role) if role and "\0" not in role else role
    return _SAID[one.reason].format(role=quoted, regents=named([*map(str, sorted(one.regents))]))


def regent_words(
    reason: Release, *, is_braked: bool, roles: int, leavers: Sequence[str] = ()
) -> tuple[str, str] | None:
    """Reason and note of a deleted Regent's Event; None where nothing of it is left. Pure.

    `leavers` were deleted too, and their access has not ended.
    """
    stay = "1 role stays as it is" if roles == 1 else f"{roles} roles stay as they are"
    kept = (
        "LOGIN and password too, where it has them"
        if roles == 1
        else ("LOGIN and password too, of those that have them")
    )
    named_first = f"Access has not ended of {named(leavers)}. " if leavers else ""
    left = f"{named_first}{stay} in PostgreSQL, {kept}. {_TO_END}" if roles else named_first.strip()
    if reason is not Release.ENDED:
        return "LeftInstalled", f"{_LEFT} {left}".strip()
    if is_braked and roles:
        return "BrakePulled", f"{_WITHHELD} {left}"
    if roles or leavers:
        return "RolesLeft", f"What it had installed is off. {left}"
    return None
