"""Who asks, and what he may see: Kubernetes decides, by TokenReview and SubjectAccessReview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.kube.api import KubeApi
from controller.kube.kinds import REGENT, Kind
from shared.errors import PostgRegentError

TOKEN_REVIEW = Kind("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", namespaced=False)
ACCESS_REVIEW = Kind(
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False
)

LEASES_AUDIENCE = "postgregent"
"""Of a token that asks for leases: it is worth nothing elsewhere, and no other one is worth it."""


class Refused(PostgRegentError):
    """The request is not answered."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom Kubernetes knows."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, Any] | None = None


class Gatekeeper:
    """Asks anew each time: what was taken away is taken away at once."""

    def __init__(self, api: KubeApi, audiences: tuple[str, ...] = ()) -> None:
        """A token must be for one of the audiences; without any, for the API server."""
        self._api = api
        self._audiences = audiences

    async def who(self, authorization: str) -> Person:
        """Raises Refused (401) for a header without a token that Kubernetes knows."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refused(401, "Unauthorized", "Send a Kubernetes token in the scheme Bearer.")
        spec: dict[str, Any] = {"token": token.strip()}
        if self._audiences:
            spec["audiences"] = list(self._audiences)
        answer = await self._review(TOKEN_REVIEW, spec)
        user = answer.get("user") or {}
        # An authenticator that knows of no audiences lets every token in, and says none.
        named = set(answer.get("audiences") or ())
        is_meant = not self._audiences or bool(named & set(self._audiences))
        if not answer.get("authenticated") or not user.get("username") or not is_meant:
            raise Refused(401, "Unauthorized", "Kubernetes does not know this token.")
        groups = tuple(user.get("groups") or ())
        return Person(user["username"], groups, user.get("uid", ""), user.get("extra"))

    async def may_read(self, who: Person, namespace: str, name: str) -> bool:
        """Whether he may `get` this Regent."""
        spec: dict[str, Any] = {
            "user": who.name,
            "groups": list(who.groups),
            "uid": who.uid,
            "resourceAttributes": {
                "group": REGENT.group,
                "resource": REGENT.plural,
                "verb": "get",
                "namespace": namespace,
                "name": name,
            },
        }
        if who.extra:
            spec["extra"] = dict(who.extra)
        answer = await self._review(ACCESS_REVIEW, spec)
        return bool(answer.get("allowed"))

    async def require(self, authorization: str, namespace: str, name: str) -> None:
        """Raises Refused where he may not; also for a Regent that is not there."""
        who = await self.who(authorization)
        if not await self.may_read(who, namespace, name):
            raise Refused(
                403, "Forbidden", f"{who.name} may not get Regent {name} in namespace {namespace}."
            )

    async def _review(self, kind: Kind, spec: dict[str, Any]) -> dict[str, Any]:
        body = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {}, "spec": spec}
        answer = await self._api.create(kind, None, body)
        found: dict[str, Any] = answer.get("status") or {}
        return found
