"""Who had a deleted resource that no Regent serves now, and can end nothing of it. Pure.

Its status remembers where it was. A Regent that is there and does not list it was told to let it
go, and has; but not one that is gone or uninstalled, nor one that was made anew under its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from controller.kube.kinds import JsonObject
from controller.status.patch import ready_condition, regents_in
from shared.keys import ResourceKey


def former_regents(
    found: JsonObject,
    there: Mapping[ResourceKey, JsonObject],
    acts: Callable[[ResourceKey], bool],
) -> frozenset[ResourceKey]:
    """Those of them that it had; none where it was never on a Regent, or has left it before.

    Neither where it speaks for PUBLIC: that is no role of its own.
    """
    if (found.get("spec") or {}).get("public"):
        return frozenset()
    status = found.get("status") or {}
    return frozenset(
        regent
        for regent in regents_in(status)
        if regent not in there or not acts(regent) or _is_newer(there[regent], status)
    )


def _is_newer(regent: JsonObject, status: Mapping[str, object]) -> bool:
    """Whether it was made since this status changed; moments of one second are told apart by none.

    Both are in UTC, to the second: as texts they are in the order of time.
    """
    changed = str(ready_condition(status).get("lastTransitionTime") or "")
    return str(regent["metadata"].get("creationTimestamp") or "") > changed
