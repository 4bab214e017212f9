"""What the operator of this machine names for tokens, from its variables: a command or a cloud.

A command is words, and no shell.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import get_args

from cli.dsn_error import BadDsnError
from regent.server.credential_command import VARIABLE
from shared.resources.regent import Authentication, Provider

CLOUD_VARIABLE = "POSTGREGENT_AUTHENTICATION"
"""Names a provider; region and identity are what its library finds."""


def read_command(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The command and its arguments; none where none is named. Raises BadDsnError."""
    try:
        return tuple(shlex.split(environment.get(VARIABLE, "")))
    except ValueError:
        raise BadDsnError(
            f"goes with {VARIABLE}, which has a quote that is never closed",
            way_out=f"Write {VARIABLE} as a shell would take it: a command and its arguments.",
        ) from None


def read_cloud(environment: Mapping[str, str]) -> Authentication | None:
    """The cloud whose token is the password; None where none is named. Raises BadDsnError."""
    named = environment.get(CLOUD_VARIABLE)
    if not named:
        return None
    if named not in get_args(Provider):
        raise BadDsnError(
            f"goes with {CLOUD_VARIABLE}, which names no cloud that is known",
            way_out=f"Write one of {', '.join(get_args(Provider))}, or unset it.",
        )
    return Authentication.model_validate({"provider": named})
