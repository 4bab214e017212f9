"""When a Regent only looks, and why: whom to obey, and whether to write at all. Pure.

Observe and suspend are declared (rule 25). A server in recovery cannot be written to, and one
that is not the server we know must not be, until a person says that it is meant (rule 28a).
"""

from __future__ import annotations

from regent.gate.approval import FIRST_STATE
from regent.gate.takeover import Takeover
from regent.observed import ObservedServer
from shared.resources import RegentSpec
from shared.state import Trouble

OBSERVING = "Observing"
"""The reason of what is declared so; any other is for a person."""
IN_RECOVERY = "InRecovery"
"""The reason of a standby."""
ON_A_STANDBY = (
    "The server is in recovery, a standby: nothing is written to it. Promote it, or let"
    " databaseHost name the primary."
)


def declared_restraint(spec: RegentSpec) -> Trouble | None:
    """What the Regent's own resource says."""
    if spec.suspend:
        return Trouble(reason=OBSERVING, message="spec.suspend is set: this Regent only looks.")
    if spec.enforcement == "Observe":
        return Trouble(
            reason=OBSERVING, message="spec.enforcement is Observe: this Regent only looks."
        )
    return None


def restraint(
    spec: RegentSpec, server: ObservedServer, takeover: Takeover | None, *, is_first: bool = False
) -> Trouble | None:
    """Why nothing may be written to this server now; None when it may.

    `is_first`: nothing was ever approved (rule 20a).
    """
    if server.is_in_recovery:
        return Trouble(reason=IN_RECOVERY, message=ON_A_STANDBY)
    if takeover is not None:
        return takeover.trouble
    if is_first:
        return FIRST_STATE
    return declared_restraint(spec)


def why_no_triggers(spec: RegentSpec, restrained: Trouble | None) -> str:
    """Why the detector is not to be installed in served databases; empty when it is."""
    if restrained is not None and restrained.reason != OBSERVING:
        # Not its words: they would be said after it is over, until the next look at the detector.
        return f"No triggers are installed while nothing is written ({restrained.reason})."
    if spec.detector == "Polling":
        return "spec.detector is Polling."
    if restrained is not None and spec.detector != "Triggers":
        return f"{restrained.message} No triggers are installed; spec.detector Triggers would."
    return ""
