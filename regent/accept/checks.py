"""What is refused of a push before anything is compared with what was accepted. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from regent.answers import Refused
from shared import scram
from shared.http import FieldProblem
from shared.state import DesiredState, Entry


def check_target(state: DesiredState, mine: str) -> None:
    """Raise Refused for a state of another Regent than `mine`, which is `namespace/name`."""
    theirs = f"{state.regent.namespace}/{state.regent.name}"
    if theirs != mine:
        raise Refused(
            (
                FieldProblem(
                    field="regent",
                    message=f"This is {mine}, and the state is for {theirs}.",
                    way_out="Push it to the Regent that it names.",
                ),
            )
        )


def check_verifiers(state: DesiredState, accepted: Mapping[str, Entry]) -> None:
    """Raise Refused for verifiers that are malformed or too costly; what is `accepted` was checked.

    The server would take a malformed one for a clear password, and log it (rule 19). One with too
    many iterations would keep its backend busy for hours.
    """
    checked = {e.password.verifier for e in accepted.values() if e.kind == "User" and e.password}
    malformed: list[FieldProblem] = []
    for key, entry in state.resources.items():
        if entry.kind != "User" or entry.password is None or entry.password.verifier is None:
            continue
        if entry.password.verifier in checked:
            continue
        try:
            scram.checked(entry.password.verifier.value)
        except (scram.VerifierMalformed, scram.VerifierOutOfBounds) as error:
            field = f"resources.{key}.password.verifier"
            malformed.append(
                FieldProblem(field=field, message=error.message, way_out=error.way_out)
            )
    if malformed:
        raise Refused(tuple(malformed))
