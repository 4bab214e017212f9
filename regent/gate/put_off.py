"""Disabling that waits: it is judged by the brake when it is done, not when it was declared. Pure.

While it is not known whom others manage, `unmanagedRoles: Disable` disables nobody (rule 11). All
else that such a state takes away is judged, so it becomes the baseline, but as one that says of
roles that nobody declares what the baseline before said. So the end of that wait is judged as the
switch itself would have been (rule 20, ADR 38).
"""

from __future__ import annotations

from regent.remembered import AcceptedState, BrakeMemory


def is_put_off(memory: BrakeMemory, accepted: AcceptedState) -> bool:
    """True if this state disables roles that its baseline left alone."""
    spec = accepted.state.regent.spec
    if memory.baseline is None or spec.unmanaged_roles != "Disable":
        return False
    known = memory.baseline.state.regent.spec
    return (known.unmanaged_roles, known.ignore_roles) != ("Disable", spec.ignore_roles)


def putting_off(accepted: AcceptedState, before: AcceptedState | None) -> AcceptedState:
    """This state as a baseline, with what the one before said of roles that nobody declares."""
    regent = accepted.state.regent
    known = before.state.regent.spec if before is not None else None
    update: dict[str, object] = {"unmanaged_roles": known.unmanaged_roles if known else None}
    if known is not None:
        ignored = (*(known.ignore_roles or ()), *(regent.spec.ignore_roles or ()))
        update["ignore_roles"] = tuple(dict.fromkeys(ignored)) or None
    spec = regent.spec.model_copy(update=update)
    state = accepted.state.model_copy(update={"regent": regent.model_copy(update={"spec": spec})})
    return accepted.model_copy(update={"state": state})
