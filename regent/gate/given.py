"""What was given while the baseline stood still: taking it away is a loss as well (rule 20). Pure.

While something is withheld, or not all could be judged, the baseline is not moved. What states gave
since is remembered as *layers*: entries that stand over those of the baseline. A layer is kept for
as long as something is withheld that only it gives. Beyond sixteen the two oldest become one that
gives what either gave (regent/gate/widest.py), so that nothing withheld goes without a release.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping

from regent.accept.merge import references
from regent.gate.widest import Layer, together
from regent.remembered import AcceptedState, BrakeMemory
from shared.keys import ResourceKey
from shared.state import MOST_RESOURCES, Entry, postgres_name_of

MOST_LAYERS = 16
"""Each costs a plan in each pass. Beyond that the oldest two are one."""
MOST_ENTRIES = 2 * MOST_RESOURCES
"""Of all layers together. Beyond that what nothing withheld needs is forgotten."""


def states_since(baseline: AcceptedState, layers: tuple[Layer, ...]) -> Iterator[AcceptedState]:
    """What each layer gave, together with what the baseline gives. None waits for a reference."""
    for layer in layers:
        resources = {**baseline.state.resources, **layer}
        named = {
            str(reference)
            for key, entry in layer.items()
            for reference in references(ResourceKey.parse(key), entry)
        }
        yield baseline.model_copy(
            update={
                "state": baseline.state.model_copy(update={"resources": resources}),
                "ever_seen": baseline.ever_seen | named,
                "departed": {k: one for k, one in baseline.departed.items() if k not in resources},
            }
        )


def given_with(
    memory: BrakeMemory,
    accepted: AcceptedState,
    idle: Container[int] = (),
    needing: Collection[str] | None = None,
) -> Mapping[str, object]:
    """What the brake remembers as given once this state gives something, as fields of its memory.

    `idle` are the layers that nobody needs any more, `needing` the roles of which something is
    withheld that the baseline did not give; None where nobody can say that.
    """
    known = memory.baseline.state.resources if memory.baseline else {}
    layers = [layer for index, layer in enumerate(memory.given) if index not in idle]
    if needing is not None and sum(map(len, layers)) > MOST_ENTRIES:
        layers = [_needed(layer, needing, known) for layer in layers]
    layers = _with(layers, accepted, known)
    beyond = memory.beyond
    while len(layers) > MOST_LAYERS:
        oldest, apart = together(layers[0], layers[1], known)
        layers[:2] = [oldest]
        beyond |= apart
    return {"given": tuple(layers), "beyond": beyond}


def _with(layers: list[Layer], accepted: AcceptedState, known: Mapping[str, Entry]) -> list[Layer]:
    """With what this state gives: in the latest one that it fits, or in one of its own."""
    new = {
        key: entry
        for key, entry in accepted.state.resources.items()
        if key not in known or known[key].spec != entry.spec
    }
    if not new:
        return layers
    for index in reversed(range(len(layers))):
        if _fit(layers[index], new, known):
            return [*layers[:index], {**new, **layers[index]}, *layers[index + 1 :]]
    return [*layers, new]


def _needed(layer: Layer, roles: Collection[str], known: Mapping[str, Entry]) -> Layer:
    """What it gives these roles and PUBLIC, and what it takes for that."""
    here = {key: one for key, one in layer.items() if _speaks_of(key, one, roles)}
    everybody = (one for one in {**known, **layer}.items() if _speaks_of(*one, roles))
    listed = {
        str(reference)
        for key, entry in everybody
        for reference in references(ResourceKey.parse(key), entry)
    }
    return here | {key: one for key, one in layer.items() if key in listed}


def _speaks_of(key: str, entry: Entry, roles: Collection[str]) -> bool:
    if entry.kind == "Permission":
        return False
    is_public = entry.kind == "Role" and entry.spec.is_public
    return is_public or postgres_name_of(key, entry) in roles


def may_speak_of(layer: Layer, roles: Collection[str]) -> bool:
    """Whether it declares one of these roles, or a Permission, which others may list."""
    return any(
        entry.kind == "Permission" or postgres_name_of(key, entry) in roles
        for key, entry in layer.items()
    )


def _fit(one: Layer, other: Layer, known: Mapping[str, Entry]) -> bool:
    """Whether both in one give what each of them gave: no form of anything hides another one.

    A Permission says what those give that list it, so there the baseline's form counts as well.
    """
    for key in one.keys() | other.keys():
        here, there = one.get(key), other.get(key)
        if key.startswith("Permission/"):
            here, there = here or known.get(key), there or known.get(key)
        if here is not None and there is not None and here.spec != there.spec:
            return False
    return True
