"""The two private CAs, kept as Secrets of the controller's namespace and replaced before they end.

They are created, and never overwritten where somebody else made them (kubernetes-facts).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from controller.certificates import Authority, Pair
from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import SECRET, JsonObject
from controller.workloads import MANAGED_BY, MANAGER
from shared.errors import PostgRegentError
from shared.resources import GROUP

CONTROLLER_CA = "postgregent-controller-ca"
REGENTS_CA = "postgregent-regents-ca"
SECRET_TYPE = f"{GROUP}/ca"


class ForeignSecret(PostgRegentError):
    """A Secret of ours is there, and somebody else made it."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """Who vouches for the controller, and who for the Regents."""

    controller: Authority
    regents: Authority


async def load_authorities(api: KubeApi, namespace: str, now: datetime) -> Authorities:
    """Both, made where they are missing, one step further where they are due."""
    return Authorities(
        await _load(api, namespace, CONTROLLER_CA, now),
        await _load(api, namespace, REGENTS_CA, now),
    )


async def _load(api: KubeApi, namespace: str, name: str, now: datetime) -> Authority:
    try:
        found = await api.get(SECRET, namespace, name)
    except ApiError as error:
        if not error.is_not_found:
            raise
        return await _create(api, namespace, name, now)
    if found.get("type") != SECRET_TYPE:
        raise ForeignSecret(
            f"Secret {namespace}/{name} is not of type {SECRET_TYPE}.",
            way_out="Look who made it, and delete it; a new one is made at once.",
        )
    authority = _read(found, f"{namespace}/{name}")
    turned = authority.turned(name, now)
    if turned != authority:
        data = {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}}
        emptied = dict.fromkeys(found.get("data") or {})
        await api.patch(SECRET, namespace, name, {**data, "data": {**emptied, **_encoded(turned)}})
    return turned


async def _create(api: KubeApi, namespace: str, name: str, now: datetime) -> Authority:
    authority = Authority.create(name, now)
    body: JsonObject = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": {MANAGED_BY: MANAGER}},
        "type": SECRET_TYPE,
        "data": _encoded(authority),
    }
    await api.create(SECRET, namespace, body)
    return authority


def _encoded(authority: Authority) -> dict[str, str]:
    return {key: base64.b64encode(pem).decode() for key, pem in authority.to_data().items()}


def _read(found: JsonObject, place: str) -> Authority:
    data: Mapping[str, str] = found.get("data") or {}
    try:
        return Authority.from_data({k: base64.b64decode(v) for k, v in data.items()})
    except (KeyError, ValueError, binascii.Error):
        raise ForeignSecret(
            f"Secret {place} holds no CA that can be read.",
            way_out="Delete it; a new one is made, and every Regent gets a new certificate.",
        ) from None


@dataclass(frozen=True, slots=True)
class Passport:
    """What the controller shows to Regents, and whom it believes."""

    pair: Pair
    regents_bundle: bytes

    @classmethod
    def issue(cls, authorities: Authorities, now: datetime) -> Passport:
        """A new one: it lives in memory alone."""
        pair = authorities.controller.issue("client", (), "postgregent-controller", now)
        return cls(pair, authorities.regents.bundle)

    @property
    def digest(self) -> str:
        """Another one means other connections."""
        return hashlib.sha256(self.pair.certificate + self.regents_bundle).hexdigest()

    def is_good(self, authorities: Authorities, now: datetime) -> bool:
        """Whether it can go on being used."""
        return (
            not self.pair.is_due(now)
            and self.regents_bundle == authorities.regents.bundle
            and authorities.controller.vouches_for(self.pair)
        )

    def context(self) -> ssl.SSLContext:
        """For connections to Regents: ours is shown, theirs is verified by its name too."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(cadata=self.regents_bundle.decode())
        _load_chain(context, self.pair)
        return context


def _load_chain(context: ssl.SSLContext, pair: Pair) -> None:
    """The ssl module reads files only: one in memory where there is such a thing."""
    content = pair.certificate + pair.key
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("postgregent-client", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, content)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        context.load_cert_chain(file.name)
