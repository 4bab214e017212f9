"""What the controller has heard of the cluster, and of which parts it may believe that it is whole.

403, 404, a definition that goes away or a namespace out of reach are *not synced*, never *empty*
(rule 17). Secrets are followed only in namespaces where a resource names one, and trouble with
them is trouble of passwords alone (rule 19).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping

from controller.core.namespaces import NO_LABELS, Labels, Namespaces
from controller.core.secrets import SecretName
from controller.kube.api import KubeApi
from controller.kube.cache import Seen
from controller.kube.crds import deletions_count_while_defined
from controller.kube.informer import NOT_LISTED, Informer
from controller.kube.kinds import (
    CUSTOM_RESOURCE_DEFINITION,
    NAMESPACE,
    OUR_KINDS,
    SECRET,
    WORKLOAD_KINDS,
    JsonObject,
    Key,
    is_deleting,
)
from controller.kube.kinds import Kind as ApiKind
from controller.names import MANAGED_BY, MANAGER, REGENT_NAME, REGENT_NAMESPACE
from controller.observe.doubts import EVERYWHERE, Doubts, SecretsRead
from controller.observe.reader import read_secrets, says_the_same
from controller.observe.restores import Restores
from shared.crds import is_outdated
from shared.keys import KINDS as OUR_NAMES
from shared.keys import Kind, ResourceKey

WITHOUT_RELEASES = "type!=helm.sh/release.v1"
"""Helm keeps whole charts in Secrets; nobody's password is there."""
_FIELDS_OF_ITS_END = ("deletionTimestamp", "finalizers")


class Caches:
    """All informers. `wake` is called when something changed that is not a mere status.

    Of a resource of ours, `deleted` is called instead where its deletion began, and
    `status_changed` where its status alone is another.
    """

    def __init__(
        self,
        api: KubeApi,
        *,
        own_namespace: str,
        namespaces: tuple[str, ...],
        wake: Callable[[], None],
        deleted: Callable[[], None],
        status_changed: Callable[[ResourceKey], None],
    ) -> None:
        """Without `namespaces` the whole cluster is watched."""
        self._api = api
        self._wake = wake
        self._deleted = deleted
        self._status_changed = status_changed
        self._restores = Restores(self._list_again)
        self.namespaces = namespaces or (EVERYWHERE,)
        self._ours = {
            (namespace, kind): self._informer(kind, namespace, is_ours=True)
            for namespace in self.namespaces
            for kind in OUR_KINDS
        }
        self._definitions = {
            kind: self._informer(
                CUSTOM_RESOURCE_DEFINITION,
                field_selector=f"metadata.name={kind.qualified}",
                is_ours=True,
            )
            for kind in OUR_KINDS
        }
        self._workloads = {
            kind: self._informer(
                kind, own_namespace, label_selector=f"{MANAGED_BY}={MANAGER}", is_ours=False
            )
            for kind in WORKLOAD_KINDS
        }
        self._secrets: dict[str, tuple[Informer, asyncio.Task[None]]] = {}
        self._labelled: dict[str, tuple[Informer, asyncio.Task[None]]] = {}
        """By watched place, the namespaces themselves."""
        self._asked: dict[str, Informer] = {}
        """By watched namespace of which something is refused, whether it is there."""
        self._group: asyncio.TaskGroup | None = None

    def start(self, group: asyncio.TaskGroup) -> None:
        """Follow everything in tasks of this group."""
        self._group = group
        for informer in self._always():
            group.create_task(_run(informer))

    def why_not_synced(self, namespace: str) -> str:
        """Why nothing of this namespace may be believed to be all there is; empty when it may."""
        place = namespace if namespace in self.namespaces else EVERYWHERE
        informers = [self._ours[place, kind] for kind in OUR_KINDS if (place, kind) in self._ours]
        return _why_not([*informers, *self._definitions.values()])

    def doubts(self) -> Doubts:
        """Of all places, as they are now: to be read together with the objects."""
        places = {*self.namespaces, EVERYWHERE}
        return Doubts({place: self.why_not_synced(place) for place in places})

    def unread(self) -> dict[str, str]:
        """By watched place, why not all that is declared there is known, though it is there.

        Where no Regent is known either, no doubt about one says it. A namespace that does not
        exist, or ends, waits (ADR 28); one of which that cannot be asked does not.
        """
        why = {place: self.why_not_synced(place) for place in self.namespaces}
        return {place: said for place, said in why.items() if said and not self._is_absent(place)}

    def why_part_unread(self) -> str:
        """The first word of `unread`; empty where all is known."""
        return next(iter(self.unread().values()), "")

    def _is_absent(self, place: str) -> bool:
        """Whether this namespace is known not to be there; asked from the first refusal on."""
        if not place or self._group is None:
            return False
        if place not in self._asked:
            named = f"metadata.name={place}"
            informer = self._informer(NAMESPACE, field_selector=named, is_ours=False)
            self._asked[place] = informer
            self._group.create_task(_run(informer))
        informer = self._asked[place]
        return informer.is_synced and all(map(is_deleting, informer.cache.values()))

    def why_workloads_unknown(self) -> str:
        """Why it is not known what runs; empty when it is."""
        return _why_not(self._workloads.values())

    def schema_trouble(self) -> str:
        """Which of our definitions is missing, goes away, or is older than this program."""
        for kind, informer in self._definitions.items():
            found = next(iter(informer.cache.values()), None)
            if found is None:
                return f"CustomResourceDefinition {kind.qualified} is not there."
            if is_deleting(found):
                return f"CustomResourceDefinition {kind.qualified} is being deleted."
            if is_outdated(found):
                return f"CustomResourceDefinition {kind.qualified} is older than this controller."
        return ""

    @property
    def restored_at(self) -> int:
        """When the API server was last seen to have been put back, in milliseconds; 0 for never."""
        return self._restores.last

    def going_kinds(self) -> frozenset[str]:
        """The kinds whose definition is being deleted."""
        return frozenset(
            kind.name
            for kind, informer in self._definitions.items()
            for found in informer.cache.values()
            if is_deleting(found)
        )

    def believed_kinds(self) -> frozenset[str]:
        """The kinds that are defined, stay so, and of which everything is known."""
        unsynced = {kind for (_, kind), one in self._ours.items() if not one.is_synced}
        going = self.going_kinds()
        return frozenset(
            kind.name
            for kind, informer in self._definitions.items()
            if informer.cache and kind.name not in going and kind not in unsynced
        )

    def objects(self) -> Iterator[tuple[Kind, JsonObject]]:
        """Everything of our four kinds."""
        for (_, kind), informer in self._ours.items():
            ours = _OURS[kind]
            for found in informer.cache.values():
                yield ours, found

    def find(self, key: ResourceKey) -> JsonObject | None:
        """One resource of ours, as last heard of."""
        for (_, kind), informer in self._ours.items():
            if kind.name == key.kind and (key.namespace, key.name) in informer.cache:
                return informer.cache[key.namespace, key.name]
        return None

    def workloads(self, kind: ApiKind) -> Mapping[Key, JsonObject]:
        """What we have made in our own namespace."""
        return self._workloads[kind].cache

    def follow_secrets(self, namespaces: frozenset[str]) -> None:
        """Follow the Secrets of exactly these namespaces from now on."""
        for namespace in self._secrets.keys() - namespaces:
            _, task = self._secrets.pop(namespace)
            task.cancel()
        for namespace in namespaces - self._secrets.keys():
            informer = self._informer(
                SECRET, namespace, field_selector=WITHOUT_RELEASES, is_ours=False
            )
            if self._group is None:
                raise RuntimeError("start() comes first")
            self._secrets[namespace] = informer, self._group.create_task(_run(informer))

    def watches(self, namespace: str) -> bool:
        """Whether what this namespace declares is within reach."""
        return namespace in self.namespaces or EVERYWHERE in self.namespaces

    def follow_namespaces(self, *, is_needed: bool) -> None:
        """Follow the labels of what is watched, as long as some Regent goes by them.

        With a list each is followed by its name: that is all that the chart's rights let it.
        """
        wanted = frozenset(self.namespaces if is_needed else ())
        for place in self._labelled.keys() - wanted:
            _, task = self._labelled.pop(place)
            task.cancel()
        for place in wanted - self._labelled.keys():
            named = f"metadata.name={place}" if place else None
            informer = self._informer(NAMESPACE, field_selector=named, is_ours=False)
            if self._group is None:
                raise RuntimeError("start() comes first")
            self._labelled[place] = informer, self._group.create_task(_run(informer))

    def labels(self) -> Namespaces:
        """Those of the namespaces that are followed; none, where that is not asked."""
        if not self._labelled:
            return NO_LABELS
        informers = [informer for informer, _ in self._labelled.values()]
        known: dict[str, Labels] = {
            name: dict(found["metadata"].get("labels") or {})
            for informer in informers
            if informer.is_synced
            for (_, name), found in informer.cache.items()
        }
        return Namespaces(known, _why_not(informers))

    def _always(self) -> tuple[Informer, ...]:
        """Those that are followed from the start to the end."""
        return (*self._ours.values(), *self._definitions.values(), *self._workloads.values())

    def _list_again(self) -> None:
        """Everything: a restore that one informer sees may be silent for all others."""
        others = (*self._secrets.values(), *self._labelled.values())
        followed = (*self._always(), *self._asked.values())
        for informer in (*followed, *(informer for informer, _ in others)):
            informer.list_again()

    def _known_secrets(self) -> dict[Key, JsonObject]:
        return {key: found for one, _ in self._secrets.values() for key, found in one.cache.items()}

    def read_secrets(self, names: Iterable[SecretName]) -> SecretsRead:
        """Those of the named Secrets that are there, and where that is not known."""
        why = {
            namespace: one.why_not_synced
            for namespace, (one, _) in self._secrets.items()
            if not one.is_synced
        }
        awaited = frozenset(one for one, said in why.items() if said.startswith(NOT_LISTED))
        return SecretsRead(read_secrets(names, self._known_secrets()), awaited, why)

    def _informer(
        self,
        kind: ApiKind,
        namespace: str = EVERYWHERE,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        is_ours: bool,
    ) -> Informer:
        is_resource = is_ours and kind in OUR_KINDS
        return Informer(
            self._api,
            kind,
            namespace=namespace or None,
            label_selector=label_selector,
            field_selector=field_selector,
            on_change=lambda seen: self._changed(kind, seen),
            on_sync=lambda _synced: self._wake(),
            on_went_back=self._restores.note,
            deletions_count=deletions_count_while_defined(self._api, kind) if is_resource else None,
        )

    def _changed(self, kind: ApiKind, seen: Seen) -> None:
        if kind in _OURS and begins_deletion(seen):
            self._deleted()
        elif not is_mere_status(seen):
            self._wake()
        elif kind in _OURS:
            self._status_changed(ResourceKey(_OURS[kind], *seen.key))
        elif seen.after is not None and (regent := _regent_of(seen.after)) is not None:
            self._status_changed(regent)  # its own may have to say why no pod of it is ready


_OURS: Mapping[ApiKind, Kind] = {
    kind: name for kind in OUR_KINDS for name in OUR_NAMES if kind.name == name
}


def _regent_of(workload: JsonObject) -> ResourceKey | None:
    """Whose it is, by its labels: those of long names say it by a digest, which is nobody."""
    labels = workload["metadata"].get("labels") or {}
    if REGENT_NAMESPACE in labels and REGENT_NAME in labels:
        return ResourceKey("Regent", labels[REGENT_NAMESPACE], labels[REGENT_NAME])
    return None


def _why_not(informers: Iterable[Informer]) -> str:
    """Of the first that is not synced; empty where all are."""
    unsynced = (one for one in informers if not one.is_synced)
    return next((f"{one.kind.qualified}: {one.why_not_synced}" for one in unsynced), "")


async def _run(informer: Informer) -> None:
    await informer.run()


def begins_deletion(seen: Seen) -> bool:
    """It is going, or gone where nothing held it; the end of one that was going is nothing new."""
    was_going = seen.before is not None and is_deleting(seen.before)
    return not was_going and (seen.after is None or is_deleting(seen.after))


def is_mere_status(seen: Seen) -> bool:
    """Kinds without a generation (Secrets) have no status either: any change of them counts."""
    if seen.before is None or seen.after is None:
        return False
    before, after = seen.before["metadata"], seen.after["metadata"]
    return (
        "generation" in after
        and all(before.get(name) == after.get(name) for name in _FIELDS_OF_ITS_END)
        and says_the_same(seen.before, seen.after)
    )
