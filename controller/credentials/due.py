"""What the Secret of a User with `credentials` shall say, and what is due of it. Pure.

What was done stands in the Secret's own annotations: when its password was made, and for which word
of a person. So a controller that starts knows it, and the same word rotates once.
"""

from __future__ import annotations

import base64
import secrets as randomness
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from controller.core.secrets import Secret, SecretName
from controller.credentials.kept import MAKER, is_made_for, name_of, password_in
from controller.kube.kinds import JsonObject
from controller.kube.owners import owned_by
from controller.names import MANAGED_BY
from shared.keys import ResourceKey
from shared.resources import GROUP, ROTATE_ANNOTATION, User
from shared.resources.names import seconds_of
from shared.resources.user import MADE_KEY
from shared.state import DesiredState
from shared.utc import utc

MADE_AT = f"{GROUP}/made-at"
ROTATED_FOR = f"{GROUP}/rotated-for"
BASIC_AUTH = "kubernetes.io/basic-auth"
USERNAME_KEY = "username"
PLACE_KEYS = ("host", "port", "dbname")
LENGTH = 32
ALPHABET = string.ascii_letters + string.digits
SKEW_SECONDS = 300.0
"""So far two clocks may be apart: a password that was made later than that is of no time."""


class Deed(Enum):
    """What is to be done with the Secret."""

    MAKE = auto()
    ROTATE = auto()
    AMEND = auto()
    """It says another name or server; the password stays."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a User asks for. `plain` is what its Secret says beside the password."""

    user: ResourceKey
    uid: str
    secret: SecretName
    length: int
    rotate_seconds: int | None
    word: str
    """Of a person who wants another password now; each new one means once."""
    plain: Mapping[str, str]


def wanted_of(user: User, states: Sequence[DesiredState]) -> Wanted | None:
    """`states` are of the Regents that it belongs to: at least one. None where nothing is made."""
    name, made = name_of(user.key, user.spec), user.spec.credentials
    if name is None or made is None or not user.metadata.uid or not states:
        return None
    return Wanted(
        user.key,
        user.metadata.uid,
        name,
        made.length or LENGTH,
        seconds_of(made.rotate_every) if made.rotate_every else None,
        user.metadata.annotations.get(ROTATE_ANNOTATION, ""),
        {USERNAME_KEY: user.postgres_name, **_place(user, states)},
    )


def due(wanted: Wanted, found: Secret | None, now: datetime, *, is_sure: bool) -> Deed | None:
    """What is to be done. `is_sure`: all of its Regents are known, so that it is known where.

    A Secret that was not made for this User is none of our business.
    """
    if found is None:
        return Deed.MAKE
    if not is_made_for(found, wanted.uid):
        return None
    if not password_in(found) or _is_asked(wanted, found) or _is_old(wanted, found, now):
        return Deed.ROTATE
    is_other = any(_plain(found, key) != wanted.plain.get(key) for key in _PLAIN_KEYS)
    return Deed.AMEND if is_other and is_sure else None


def may_wait(deed: Deed, found: Secret | None, *, is_first: bool) -> bool:
    """Whether somebody goes on with the password that there is, until a new one can be set.

    So too where the Secret is gone: clients have read it, unless this is the `first` one.
    """
    if deed is Deed.MAKE:
        return not is_first
    return deed is Deed.ROTATE and found is not None and bool(password_in(found))


def new_password(length: int) -> str:
    """Letters and digits: nothing that a URI, a shell or a file of settings would have to quote."""
    return "".join(randomness.choice(ALPHABET) for _ in range(length))


def new_secret(wanted: Wanted, password: str, now: datetime) -> JsonObject:
    """The whole of it, which goes with its User."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": BASIC_AUTH,
        "metadata": {
            "name": wanted.secret.name,
            "labels": {MANAGED_BY: MAKER},
            "annotations": _made(wanted, now),
            "ownerReferences": [owned_by(wanted.user.name, wanted.uid)],
        },
        "data": _encoded({**wanted.plain, MADE_KEY: password}),
    }


def change_of(wanted: Wanted, found: Secret, password: str | None, now: datetime) -> JsonObject:
    """The patch of this very version; without a password that one stays."""
    metadata: JsonObject = {name: found.metadata[name] for name in ("uid", "resourceVersion")}
    data: JsonObject = dict.fromkeys(_PLAIN_KEYS) | _encoded(wanted.plain)
    if password is not None:
        metadata["annotations"] = _made(wanted, now)
        data |= _encoded({MADE_KEY: password})
    return {"metadata": metadata, "data": data}


_PLAIN_KEYS = (USERNAME_KEY, *PLACE_KEYS)


def _place(user: User, states: Sequence[DesiredState]) -> dict[str, str]:
    """Where to connect to, where that is one place."""
    if len(states) != 1:
        return {}
    [state] = states
    server, spec = state.regent.spec, user.spec
    found = {"host": server.database_host, "port": str(server.effective_port)}
    roles = (f"Role/{user.metadata.namespace}/{name}" for name in spec.roles)
    entries = (state.resources.get(role) for role in roles)
    databases = {entry.spec.database for entry in entries if entry and entry.kind == "Role"}
    databases = {spec.database} if spec.database else databases
    return found | ({"dbname": databases.pop()} if len(databases) == 1 else {})


def _is_asked(wanted: Wanted, found: Secret) -> bool:
    return bool(wanted.word) and wanted.word != _annotations(found).get(ROTATED_FOR, "")


def _is_old(wanted: Wanted, found: Secret, now: datetime) -> bool:
    if wanted.rotate_seconds is None:
        return False
    seconds = (now - _made_at(found)).total_seconds()
    # Who waited for a time that a wrong clock or a hand wrote would perhaps wait for years.
    return seconds >= wanted.rotate_seconds or seconds < -SKEW_SECONDS


def _made_at(found: Secret) -> datetime:
    """As it says; where that is no time, when the API server made the Secret."""
    try:
        return _moment(_annotations(found)[MADE_AT])
    except (KeyError, ValueError):
        return _moment(found.metadata["creationTimestamp"])


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} says no time zone")
    return moment


def _made(wanted: Wanted, now: datetime) -> dict[str, str]:
    return {MADE_AT: utc(now), ROTATED_FOR: wanted.word}


def _annotations(found: Secret) -> Mapping[str, str]:
    return found.metadata.get("annotations") or {}


def _plain(found: Secret, key: str) -> str | None:
    value = found.values.get(key)
    return value.get_secret_value().decode("utf-8", "replace") if value else None


def _encoded(values: Mapping[str, str]) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
