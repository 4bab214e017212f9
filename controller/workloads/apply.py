"""Makes what runs the Regents, and makes it again when somebody changes or deletes it.

What was made is compared with what is there by a fingerprint of the API server's own answer: so
defaults, and values that it writes in another way, are no difference.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import DEPLOYMENT, SECRET, WORKLOAD_KINDS, JsonObject, Kind
from controller.names import MANAGED_BY, MANAGER, workload_name
from controller.observe.caches import Caches
from controller.pki.authorities import Authorities
from controller.pki.certificates import Pair, is_issued_by, needs_new
from controller.workloads.admins import Admin
from controller.workloads.manifests import (
    CERTIFICATE_FILE,
    EXACT,
    KEY_FILE,
    PASSWORD_FILE,
    RESTARTED_AT,
    Manifest,
    Material,
    Plant,
    digest_of,
    manifests,
    server_names,
    settings_of,
    way_in,
)
from controller.workloads.why_silent import why_silent
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.resources import Regent

log = get_logger(__name__)
_NOT_MADE_BY_US = ("resourceVersion", "managedFields", "generation", "annotations")
_NOT_ITS_CONTENT = ("metadata", "status", "apiVersion", "kind")
"""Objects in a list do not say their kind, those of a watch or an answer do."""


Standing: TypeAlias = tuple[str | None, ...]
"""The uids of what there is of a Regent's objects."""
_Proof = Callable[[JsonObject], bool]
"""Whether a Secret proves that a Regent's objects were made by us."""


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
        self._settings: dict[ResourceKey, str] = {}

    def runs(self, key: ResourceKey) -> bool:
        """Whether there is a Deployment of this Regent, as far as the cache has heard."""
        return (self._plant.namespace, workload_name(key)) in self._caches.workloads(DEPLOYMENT)

    def settings_of(self, key: ResourceKey) -> str:
        """The digest of the settings that its process shall run with; empty: nothing was made."""
        return self._settings.get(key, "")

    def deployments(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, JsonObject]:
        """Of those of them that there are."""
        found, namespace = self._caches.workloads(DEPLOYMENT), self._plant.namespace
        places = {key: (namespace, workload_name(key)) for key in keys}
        return {key: found[place] for key, place in places.items() if place in found}

    def standing(self, key: ResourceKey) -> Standing:
        """What there is of it: another one where something of it came or went."""
        place = self._plant.namespace, workload_name(key)
        found = (self._caches.workloads(kind).get(place) for kind in WORKLOAD_KINDS)
        return tuple(None if one is None else one["metadata"].get("uid", "") for one in found)

    def why_silent(self, key: ResourceKey) -> str:
        """Why its process does not answer."""
        place = self._plant.namespace, workload_name(key)
        return why_silent(key, self._plant.namespace, self._caches.workloads(DEPLOYMENT).get(place))

    async def ensure(
        self, regent: Regent, admin: Admin | None, authorities: Authorities, now: datetime
    ) -> bool:
        """See that everything is there and as it shall be.

        Without `admin` the password that it has stays, and with it the account and the server that
        it is of: it is shown to no other. False where it has none yet.
        """
        known = self._known_secret(regent.key)
        material = self._material(regent, admin, known, authorities, now)
        if material is None:
            return False
        wanted = manifests(regent, self._plant, material)
        names = server_names(regent.key, self._plant)
        await self._require_free(
            [manifest for manifest in wanted if self._live(manifest) is None],
            lambda kept: proves(kept, authorities.regents.bundle, names),
        )
        for manifest in wanted:
            await self._ensure(manifest)
        settings = material.settings or settings_of(regent, material.server_ca, material.origin)
        self._settings[regent.key] = digest_of(settings)
        return True

    async def remove(self, key: ResourceKey) -> None:
        """Everything of one Regent; what is gone already is no error."""
        name = workload_name(key)
        self._issued.pop(key, None)
        self._settings.pop(key, None)
        for kind in reversed(WORKLOAD_KINDS):
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
        password = admin.password if admin else known.get(PASSWORD_FILE)
        certificate = admin.certificate if admin else _certificate(known)
        if password is None and certificate is None and not _has_token(admin, known, regent):
            return None
        server_ca = admin.server_ca if admin else _server_ca(known)
        names = server_names(regent.key, self._plant)
        mounted = Pair(known["tls.crt"], known["tls.key"]) if "tls.key" in known else None
        pair = self._issued.get(regent.key, mounted)
        if pair is None or needs_new(pair, authorities.regents, names, now):
            pair = authorities.regents.issue("server", names, workload_name(regent.key), now)
            self._issued[regent.key] = pair
        is_kept = admin is None and is_of_another(known, regent)
        return Material(
            password,
            pair,
            authorities.controller.bundle,
            server_ca,
            self.origin,
            known["regent.json"] if is_kept else None,
            certificate,
        )

    def _known_secret(self, key: ResourceKey) -> dict[str, bytes]:
        found = self._caches.workloads(SECRET).get((self._plant.namespace, workload_name(key)))
        data: Mapping[str, str] = (found or {}).get("data") or {}
        try:
            return {name: base64.b64decode(value) for name, value in data.items()}
        except ValueError:
            return {}

    def _live(self, manifest: Manifest) -> JsonObject | None:
        """With our label on it, as far as the cache has heard."""
        return self._caches.workloads(manifest.kind).get((self._plant.namespace, manifest.name))

    async def _ensure(self, manifest: Manifest) -> None:
        key, live = (manifest.kind, manifest.name), self._live(manifest)
        made = self._made.get(key)
        if made and live and made.body == manifest.body and fingerprint(live) == made.fingerprint:
            return
        answer = await self._api.apply(
            manifest.kind, self._plant.namespace, manifest.name, manifest.body
        )
        if manifest.kind in EXACT:
            answer = await self._cut(manifest, answer)
        self._made[key] = _Made(manifest.body, fingerprint(answer))
        if live is not None and fingerprint(live) != fingerprint(answer):
            log.info("made as declared", kind=manifest.kind.qualified, name=manifest.name)

    async def _cut(self, manifest: Manifest, found: JsonObject) -> JsonObject:
        """Take away what server-side apply lets others add, such as a container with our volumes.

        What the API server fills in by itself it fills in again.
        """
        patch = [
            {"op": "test", "path": "/metadata/uid", "value": found["metadata"]["uid"]},
            {"op": "add", "path": "/metadata/ownerReferences", "value": []},
            {"op": "replace", "path": "/spec", "value": exact_spec(manifest.body, found)},
        ]
        return await self._api.patch(manifest.kind, self._plant.namespace, manifest.name, patch)

    async def _require_free(self, missing: Sequence[Manifest], proof: _Proof) -> None:
        """Server-side apply would take over what somebody else made.

        All are looked at before one is made. What lacks our label is ours where the Regent's
        Secret proves it, since that is made first.
        """
        if not missing:
            return
        name = missing[0].name
        key = self._plant.namespace, name
        kept = self._caches.workloads(SECRET).get(key) or await self._find(SECRET, name)
        if kept is not None and proof(kept):
            return
        for manifest in missing:
            found = await self._find(manifest.kind, name)
            if found and (found["metadata"].get("labels") or {}).get(MANAGED_BY) != MANAGER:
                raise NameTaken(
                    f"{manifest.kind.name} {self._plant.namespace}/{name} is not PostgRegent's.",
                    way_out="Look who made it, and delete it.",
                )

    async def _find(self, kind: Kind, name: str) -> JsonObject | None:
        try:
            return await self._api.get(kind, self._plant.namespace, name)
        except ApiError as error:
            if error.is_not_found:
                return None
            raise


def exact_spec(body: JsonObject, found: JsonObject) -> JsonObject:
    """The spec as it shall be; of what others said only the wish for a restart stays."""
    spec: JsonObject = copy.deepcopy(body["spec"])
    before = found["spec"].get("template", {}).get("metadata", {}).get("annotations") or {}
    if RESTARTED_AT in before:
        spec["template"]["metadata"]["annotations"][RESTARTED_AT] = before[RESTARTED_AT]
    return spec


def proves(secret: JsonObject, bundle: bytes, names: tuple[str, ...]) -> bool:
    """Whether a Secret holds a key, and a certificate that our CA issued for these names."""
    data: Mapping[str, str] = secret.get("data") or {}
    try:
        pair = Pair(base64.b64decode(data["tls.crt"]), base64.b64decode(data["tls.key"]))
    except (KeyError, ValueError):
        return False
    return is_issued_by(pair, bundle) and pair.names() == names


def fingerprint(found: JsonObject) -> str:
    """What an object says, less its status and what every write changes."""
    metadata = {k: v for k, v in found["metadata"].items() if k not in _NOT_MADE_BY_US}
    content = {k: v for k, v in found.items() if k not in _NOT_ITS_CONTENT}
    text = json.dumps([metadata, content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def is_of_another(known: Mapping[str, bytes], regent: Regent) -> bool:
    """Whether what a Regent logs in with is of another account, another server's, or no such."""
    server = _server(known)
    spec = regent.spec
    declared = {
        "host": spec.database_host, "port": spec.effective_port, "adminUser": spec.admin_user,
        **way_in(regent),
    }  # fmt: skip
    return bool(server) and any(server.get(name) != value for name, value in declared.items())


def _has_token(admin: Admin | None, known: Mapping[str, bytes], regent: Regent) -> bool:
    """Whether it logs in by a cloud's token: as declared, or where it goes on as it was."""
    if admin is not None:
        return regent.spec.authentication is not None
    return "authentication" in _server(known)


def _certificate(known: Mapping[str, bytes]) -> Pair | None:
    public, key = known.get(CERTIFICATE_FILE), known.get(KEY_FILE)
    return Pair(public, key) if public is not None and key is not None else None


def _server_ca(known: Mapping[str, bytes]) -> str | None:
    found = _server(known).get("caPem")
    return found if isinstance(found, str) else None


def _server(known: Mapping[str, bytes]) -> JsonObject:
    try:
        found = json.loads(known.get("regent.json", b"{}")).get("server")
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}
