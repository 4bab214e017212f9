"""Makes what runs the Regents, and makes it again when somebody changes or deletes it.

What was made is compared with what is there by a fingerprint of the API server's own answer: so
defaults, and values that it writes in another way, are no difference.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controller.admins import Admin
from controller.authorities import Authorities
from controller.caches import Caches
from controller.certificates import Pair, needs_new
from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import DEPLOYMENT, SECRET, JsonObject, Kind
from controller.workloads import (
    KINDS,
    MANAGED_BY,
    MANAGER,
    Manifest,
    Material,
    Plant,
    manifests,
    server_names,
    workload_name,
)
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.resources import Regent

log = get_logger(__name__)
_NOT_MADE_BY_US = ("resourceVersion", "managedFields", "generation", "annotations")
_NOT_ITS_CONTENT = ("metadata", "status", "apiVersion", "kind")
"""Objects in a list do not say their kind, those of a watch or an answer do."""


class NameTaken(PostgRegentError):
    """An object of the name that a Regent's has is there, and somebody else made it."""


@dataclass(frozen=True, slots=True)
class _Made:
    body: JsonObject = field(repr=False)
    fingerprint: str


class Plants:
    """The objects of all Regents in the controller's namespace."""

    def __init__(self, api: KubeApi, caches: Caches, plant: Plant) -> None:
        self.origin = ""
        """The cluster that Regents obey; known once the API server was asked."""
        self._api = api
        self._caches = caches
        self._plant = plant
        self._made: dict[tuple[Kind, str], _Made] = {}
        self._issued: dict[ResourceKey, Pair] = {}
        """Newer than what the cache has heard of."""

    def runs(self, key: ResourceKey) -> bool:
        """Whether there is a Deployment of this Regent, as far as the cache has heard."""
        return (self._plant.namespace, workload_name(key)) in self._caches.workloads(DEPLOYMENT)

    async def ensure(
        self, regent: Regent, admin: Admin | None, authorities: Authorities, now: datetime
    ) -> bool:
        """See that everything is there and as it shall be.

        Without `admin` the password that it has stays; False where it has none yet.
        """
        known = self._known_secret(regent.key)
        material = self._material(regent, admin, known, authorities, now)
        if material is None:
            return False
        for manifest in manifests(regent, self._plant, material):
            await self._ensure(manifest)
        return True

    async def remove(self, key: ResourceKey) -> None:
        """Everything of one Regent; what is gone already is no error."""
        name = workload_name(key)
        self._issued.pop(key, None)
        for kind in reversed(KINDS):
            self._made.pop((kind, name), None)
            if (self._plant.namespace, name) in self._caches.workloads(kind):
                try:
                    await self._api.delete(kind, self._plant.namespace, name)
                except ApiError as error:
                    if not error.is_not_found:
                        raise

    def _material(
        self,
        regent: Regent,
        admin: Admin | None,
        known: Mapping[str, bytes],
        authorities: Authorities,
        now: datetime,
    ) -> Material | None:
        password = admin.password if admin else known.get("admin-password")
        if password is None:
            return None
        server_ca = admin.server_ca if admin else _server_ca(known)
        names = server_names(regent.key, self._plant)
        mounted = Pair(known["tls.crt"], known["tls.key"]) if "tls.key" in known else None
        pair = self._issued.get(regent.key, mounted)
        if pair is None or needs_new(pair, authorities.regents, names, now):
            pair = authorities.regents.issue("server", names, workload_name(regent.key), now)
            self._issued[regent.key] = pair
        return Material(password, pair, authorities.controller.bundle, server_ca, self.origin)

    def _known_secret(self, key: ResourceKey) -> dict[str, bytes]:
        found = self._caches.workloads(SECRET).get((self._plant.namespace, workload_name(key)))
        data: Mapping[str, str] = (found or {}).get("data") or {}
        try:
            return {name: base64.b64decode(value) for name, value in data.items()}
        except ValueError:
            return {}

    async def _ensure(self, manifest: Manifest) -> None:
        key = manifest.kind, manifest.name
        live = self._caches.workloads(manifest.kind).get((self._plant.namespace, manifest.name))
        made = self._made.get(key)
        if made and live and made.body == manifest.body and fingerprint(live) == made.fingerprint:
            return
        if live is None:
            await self._require_free(manifest)
        answer = await self._api.apply(
            manifest.kind, self._plant.namespace, manifest.name, manifest.body
        )
        self._made[key] = _Made(manifest.body, fingerprint(answer))
        if live is not None and fingerprint(live) != fingerprint(answer):
            log.info("made as declared", kind=manifest.kind.qualified, name=manifest.name)

    async def _require_free(self, manifest: Manifest) -> None:
        """Server-side apply would take over what somebody else made."""
        try:
            found = await self._api.get(manifest.kind, self._plant.namespace, manifest.name)
        except ApiError as error:
            if error.is_not_found:
                return
            raise
        if (found["metadata"].get("labels") or {}).get(MANAGED_BY) != MANAGER:
            raise NameTaken(
                f"{manifest.kind.name} {self._plant.namespace}/{manifest.name} is not ours.",
                way_out="Look who made it, and delete it.",
            )


def fingerprint(found: JsonObject) -> str:
    """What an object says, less its status and what every write changes."""
    metadata = {k: v for k, v in found["metadata"].items() if k not in _NOT_MADE_BY_US}
    content = {k: v for k, v in found.items() if k not in _NOT_ITS_CONTENT}
    text = json.dumps([metadata, content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _server_ca(known: Mapping[str, bytes]) -> str | None:
    try:
        settings = json.loads(known.get("regent.json", b"{}"))
    except ValueError:
        return None
    found = settings.get("server", {}).get("caPem")
    return found if isinstance(found, str) else None
