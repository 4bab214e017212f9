"""What was given while the baseline stood still: taking it away is a loss as well (rule 20). Pure.

While something is withheld, or not all could be judged, the baseline is not moved. What states gave
since is remembered as *layers*: entries that stand over those of the baseline. A layer is kept for
as long as something is withheld that only it gives.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping

from regent.accept.merge import references
from regent.remembered import AcceptedState
from shared.keys import ResourceKey
from shared.state import Entry

Layer = dict[str, Entry]
MOST_LAYERS = 16
"""Each costs a plan in each pass. Beyond that the oldest two are one, and the later form counts."""


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


def layers_with(
    layers: tuple[Layer, ...],
    baseline: AcceptedState | None,
    accepted: AcceptedState,
    idle: Container[int] = (),
) -> tuple[Layer, ...]:
    """The layers with what this state gives; `idle` are those that nobody needs any more."""
    known = baseline.state.resources if baseline else {}
    new = {
        key: entry
        for key, entry in accepted.state.resources.items()
        if key not in known or known[key].spec != entry.spec
    }
    kept = [layer for index, layer in enumerate(layers) if index not in idle]
    if not new:
        return tuple(kept)
    for index in reversed(range(len(kept))):
        if _fit(kept[index], new, known):
            kept[index] = {**new, **kept[index]}
            return tuple(kept)
    kept.append(new)
    if len(kept) > MOST_LAYERS:
        kept[:2] = [{**kept[0], **kept[1]}]
    return tuple(kept)


def may_speak_of(layer: Layer, roles: Collection[str]) -> bool:
    """Whether it declares one of these roles, or a Permission, which others may list."""
    return any(
        entry.kind == "Permission" or entry.spec.postgres_name(ResourceKey.parse(key).name) in roles
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
