"""From the objects of a cluster to what is declared: the same values as a directory gives. Pure.

An object is read once for each generation: a status that is written must not cost a validation.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from pydantic import SecretBytes

from controller.core.namespaces import NO_LABELS, Namespaces, goes_by_labels, may_use
from controller.core.secrets import Secret, SecretName
from controller.kube.kinds import JsonObject, is_deleting, key_of
from controller.local.directory import Loaded
from controller.local.secrets import secret_keys_of
from controller.observe.connection_secrets import OWN_ROLES, layout_of
from controller.observe.doubts import Doubts
from shared.http import UNKNOWN_SERVER
from shared.keys import Kind, ResourceKey
from shared.problems import Problem
from shared.resources import GROUP, AnyResource, Regent, User
from shared.resources.reading import Mistaken, read_manifest

RawSecrets = Mapping[tuple[str, str], JsonObject]
Note = Callable[[ResourceKey, str, Exception], None]
"""Is told of a mistake of ours: about which resource, at doing what. No other resource feels it."""


def _raise(_about: ResourceKey, _doing: str, error: Exception) -> None:
    """Where nobody takes note, the look ends."""
    raise error


@dataclass(frozen=True, slots=True)
class Declared:
    """Everything that the watched namespaces declare, at one moment.

    `deleting` are those whose deletion has begun; they are among `resources` all the same.
    `doubts` are of that moment: what synced since was not read.
    """

    resources: Mapping[ResourceKey, Loaded]
    raw: Mapping[ResourceKey, JsonObject] = field(repr=False)
    deleting: frozenset[ResourceKey] = frozenset()
    doubts: Doubts = field(default_factory=Doubts)
    namespaces: Namespaces = NO_LABELS
    """The labels of that moment, where some Regent goes by them."""

    def may_serve(self, regent: ResourceKey, namespace: str) -> bool:
        """Whether the Regent may have resources of this namespace, as far as is known.

        Of another namespace only one that can be read: what it goes on with, it says itself.
        """
        if regent.namespace == namespace:
            return True
        loaded = self.resources.get(regent)
        found = loaded.resource if loaded is not None else None
        return isinstance(found, Regent) and may_use(found, namespace, self.namespaces)

    @property
    def goes_by_labels(self) -> bool:
        """Whether some Regent lets namespaces in by their labels."""
        return any(goes_by_labels(regent) for regent in self.regents().values())

    def regents(self) -> dict[ResourceKey, Regent]:
        """The Regents that can be used, those that are being deleted among them."""
        return {
            key: found.resource
            for key, found in self.resources.items()
            if isinstance(found.resource, Regent) and found.is_valid
        }


@dataclass(frozen=True, slots=True)
class _Read:
    raw: JsonObject
    loaded: Loaded


class Reader:
    """Reads objects, and remembers what it read of each."""

    def __init__(self, note: Note = _raise) -> None:
        self._known: dict[ResourceKey, _Read] = {}
        self._note = note

    def read(
        self, objects: Iterable[tuple[Kind, JsonObject]], doubts: Doubts | None = None
    ) -> Declared:
        """All of them; what is not among them any more is forgotten."""
        known: dict[ResourceKey, _Read] = {}
        raw: dict[ResourceKey, JsonObject] = {}
        unread: dict[ResourceKey, Loaded] = {}
        for kind, found in objects:
            namespace, name = key_of(found)
            key = ResourceKey(kind, namespace, name)
            raw[key] = found
            before = self._known.get(key)
            if before is not None and says_the_same(before.raw, found):
                known[key] = _Read(found, before.loaded)
                continue
            try:
                known[key] = _Read(found, _load(key, found))
            except Exception as error:  # noqa: BLE001 - it is noted, and this resource is held
                self._note(key, "reading it", error)
                unread[key] = Loaded(key, "", 0, None)
        self._known = known
        deleting = frozenset(key for key, found in raw.items() if is_deleting(found))
        resources = {key: one.loaded for key, one in known.items()}
        return Declared(resources | unread, raw, deleting, doubts or Doubts())


def says_the_same(before: JsonObject, found: JsonObject) -> bool:
    """What they declare. A generation alone does not tell: a restored etcd repeats it."""
    return before is found or (
        _version(before) == _version(found) and before.get("spec") == found.get("spec")
    )


def _version(found: JsonObject) -> tuple[Any, ...]:
    """With our own annotations: by them people say something to a Regent."""
    metadata = found["metadata"]
    annotations = metadata.get("annotations") or {}
    words = {name: text for name, text in annotations.items() if name.startswith(f"{GROUP}/")}
    return metadata.get("uid"), metadata.get("generation"), metadata.get("labels"), words


def had_state_on(regent: JsonObject) -> str:
    """The server on which its status remembers a state of it; empty where it remembers none."""
    status = regent.get("status") or {}
    if not status.get("acceptedRevision"):
        return ""
    return str(status.get("serverIdentifier") or UNKNOWN_SERVER)


def had_disabled(regent: JsonObject) -> tuple[str, ...]:
    """The roles that nobody declares and whose LOGIN it has taken, as its status remembers them."""
    found = (regent.get("status") or {}).get("unmanaged") or {}
    return tuple(str(one["name"]) for one in found.get("roles") or () if one.get("disabled"))


def secret_names(declared: Declared) -> frozenset[SecretName]:
    """Every Secret that a valid resource names; no other one is looked at."""
    return frozenset(
        SecretName(key.namespace, name)
        for key, loaded in declared.resources.items()
        if loaded.resource is not None and loaded.is_valid
        for name in _names(loaded.resource)
    )


def read_secrets(names: Iterable[SecretName], raw: RawSecrets) -> dict[SecretName, Secret]:
    """Those of the named Secrets that are there."""
    found: dict[SecretName, Secret] = {}
    for name in names:
        secret = raw.get((name.namespace, name.name))
        if secret is not None and not is_deleting(secret):
            metadata = secret["metadata"]
            labels = metadata.get("labels") or {}
            found[name] = Secret(name, dict(_values(secret)), labels, metadata=metadata)
    return found


def with_ignored_roles(
    declared: Declared, secrets: Mapping[SecretName, Secret], note: Note = _raise
) -> Declared:
    """Each Regent whose credentials another operator made leaves that operator's roles alone.

    One of which that cannot be said is held.
    """
    changed: dict[ResourceKey, Loaded] = {}
    for key, loaded in declared.resources.items():
        if key.kind != "Regent":
            continue
        try:
            changed[key] = _ignoring(loaded, secrets)
        except Exception as error:  # noqa: BLE001 - it is noted, and this Regent is held
            note(key, "reading its connectionSecretRef", error)
            changed[key] = Loaded(key, "", 0, None)
    return replace(declared, resources={**declared.resources, **changed})


def _ignoring(loaded: Loaded, secrets: Mapping[SecretName, Secret]) -> Loaded:
    regent = loaded.resource
    if not isinstance(regent, Regent) or regent.spec.connection_secret_ref is None:
        return loaded
    reference = SecretName(regent.metadata.namespace, regent.spec.connection_secret_ref.name)
    secret = secrets.get(reference)
    if secret is None:
        return loaded
    values = {key: value.get_secret_value() for key, value in secret.values.items()}
    layout = layout_of(reference.name, values, secret.labels or {})
    own = [name for name in OWN_ROLES[layout] if name not in regent.spec.ignore_roles]
    spec = regent.spec.model_copy(update={"ignore_roles": (*regent.spec.ignore_roles, *own)})
    regent = regent.model_copy(update={"spec": spec})
    return Loaded(loaded.key, loaded.file, loaded.line, regent, loaded.problems)


def _load(key: ResourceKey, found: JsonObject) -> Loaded:
    read = read_manifest(key.kind, {k: v for k, v in found.items() if k != "status"})
    if not isinstance(read, Mistaken):
        return Loaded(key, "", 0, read)
    problems = tuple(
        Problem("", None, str(key), one.field, one.value, one.message, one.way_out)
        for one in read.mistakes
    )
    return Loaded(key, "", 0, None, problems)


def _names(resource: AnyResource) -> Iterator[str]:
    for _, reference in secret_keys_of(resource):
        yield reference.name
    if isinstance(resource, Regent) and resource.spec.connection_secret_ref is not None:
        yield resource.spec.connection_secret_ref.name
    if isinstance(resource, User) and resource.spec.credentials and resource.spec.password_key:
        yield resource.spec.password_key.name


def _values(secret: JsonObject) -> Iterator[tuple[str, SecretBytes]]:
    data = cast("Mapping[str, str]", secret.get("data") or {})
    for key, encoded in data.items():
        try:
            yield key, SecretBytes(base64.b64decode(encoded, validate=True))
        except (binascii.Error, ValueError):
            continue
