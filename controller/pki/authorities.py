"""The two private CAs, kept as Secrets of the controller's namespace.

They are created, and never overwritten where somebody else made them (docs/facts.md). Each step
of a replacement is written over the version that it was decided on, so two leaders cannot both.
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

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import SECRET, JsonObject
from controller.names import MANAGED_BY, MANAGER
from controller.pki.certificates import Authority, Pair
from shared.errors import PostgRegentError
from shared.resources import GROUP

CONTROLLER_CA = "postgregent-controller-ca"
REGENTS_CA = "postgregent-regents-ca"
SECRET_TYPE = f"{GROUP}/ca"
REPLACE_CA = f"{GROUP}/replace"
"""An annotation on a CA's Secret, whatever its value: replace it now, such as for a lost key."""


class ForeignSecret(PostgRegentError):
    """A Secret of ours is there, and somebody else made it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A CA as its Secret has it."""

    name: str
    authority: Authority
    version: str
    is_asked: bool = False
    """Somebody wants it replaced, due or not."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """Who vouches for the controller, and who for the Regents."""

    controller: Authority
    regents: Authority


async def load(api: KubeApi, namespace: str, name: str, now: datetime) -> Kept:
    """One of them, made where it is missing."""
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
    return _kept(found)


async def store(api: KubeApi, namespace: str, kept: Kept, turned: Authority) -> Kept:
    """Write its next step. ApiError with `is_conflict` where somebody else was faster."""
    metadata: JsonObject = {"resourceVersion": kept.version}
    if turned.next is not None:
        metadata["annotations"] = {REPLACE_CA: None}
    emptied = dict.fromkeys(kept.authority.to_data())
    body = {"metadata": metadata, "data": {**emptied, **_encoded(turned)}}
    return _kept(await api.patch(SECRET, namespace, kept.name, body))


async def _create(api: KubeApi, namespace: str, name: str, now: datetime) -> Kept:
    body: JsonObject = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": {MANAGED_BY: MANAGER}},
        "type": SECRET_TYPE,
        "data": _encoded(Authority.create(name, now)),
    }
    return _kept(await api.create(SECRET, namespace, body))


def _kept(found: JsonObject) -> Kept:
    metadata = found["metadata"]
    place = f"{metadata['namespace']}/{metadata['name']}"
    is_asked = REPLACE_CA in (metadata.get("annotations") or {})
    authority = _read(found, place)
    return Kept(metadata["name"], authority, metadata["resourceVersion"], is_asked)


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
            and authorities.controller.has_signed(self.pair.certificate)
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
