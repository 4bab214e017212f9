"""Credentials in the layouts of CloudNativePG, Crunchy, Zalando and RDS. Pure.

`connectionSecretRef` names a Secret that another operator made. Where the server is and who acts
stays in the Regent's spec: a Secret that somebody else writes must not lead the password elsewhere.
Of the Secret only the password is taken, and it must be the password of `adminUser`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from shared.errors import PostgRegentError
from shared.problems import did_you_mean

Values = Mapping[str, bytes]


class Layout(StrEnum):
    """Who makes Secrets that look like this."""

    CLOUDNATIVEPG = "CloudNativePG"
    CRUNCHY = "Crunchy"
    ZALANDO = "Zalando"
    RDS = "RDS"
    PLAIN = "Plain"


OWN_ROLES: Mapping[Layout, tuple[str, ...]] = {
    Layout.CLOUDNATIVEPG: ("postgres", "streaming_replica", "cnpg_*"),
    Layout.CRUNCHY: ("postgres", "_crunchy*", "crunchy*", "ccp_monitoring", "primaryuser"),
    Layout.ZALANDO: (
        "postgres", "standby", "pooler", "admin", "robot_zmon", "zalandos", "cron_admin",
    ),
    Layout.RDS: ("rds*",),
    Layout.PLAIN: (),
}  # fmt: skip
"""Roles that these systems keep for themselves: ignored without being named in `ignoreRoles`."""

_LABELS: Mapping[str, Layout] = {
    "cnpg.io/cluster": Layout.CLOUDNATIVEPG,
    "postgres-operator.crunchydata.com/cluster": Layout.CRUNCHY,
}
_USER_KEYS = ("username", "user")
_PASSWORD_KEYS = ("password", "PASSWORD", "masterUserPassword")
_URI_KEYS = ("uri", "connectionString", "connection_string", "DATABASE_URL")
_RDS_KEYS = frozenset({"engine", "dbInstanceIdentifier", "dbClusterIdentifier", "endpoint"})


class NoPassword(PostgRegentError):
    """The Secret holds no password in a layout that is known."""


class OtherUser(PostgRegentError):
    """The Secret is of another role than the Regent's admin."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was found. The user is None where the Secret does not say whose password it is."""

    layout: Layout
    user: str | None
    password: bytes = field(repr=False)


def read_credentials(name: str, values: Values, labels: Mapping[str, str]) -> Credentials:
    """The admin's credentials in a Secret. Raises NoPassword."""
    user, password = _from_keys(values)
    if password is None:
        user_of_uri, password = _from_uri(values)
        user = user or user_of_uri
    if not password:
        near = did_you_mean("password", values, "add it under `password`")
        raise NoPassword(f"Secret {name} holds no password.", way_out=near)
    return Credentials(layout_of(name, values, labels), user, password)


def admin_password(
    name: str, values: Values, labels: Mapping[str, str], admin_user: str
) -> Credentials:
    """The credentials of exactly this admin. Raises NoPassword or OtherUser."""
    found = read_credentials(name, values, labels)
    if found.user is not None and found.user != admin_user:
        raise OtherUser(
            f"Secret {name} is of the role {found.user}, and spec.adminUser is {admin_user}.",
            way_out="Name the Secret of the admin, or correct spec.adminUser.",
        )
    return found


def layout_of(name: str, values: Values, labels: Mapping[str, str]) -> Layout:
    """Who made it: by label, by name, by keys."""
    for label, layout in _LABELS.items():
        if label in labels:
            return layout
    if labels.get("application") == "spilo" or name.endswith(
        "credentials.postgresql.acid.zalan.do"
    ):
        return Layout.ZALANDO
    if _RDS_KEYS & values.keys():
        return Layout.RDS
    if {"pgpass", "username"} <= values.keys():
        return Layout.CLOUDNATIVEPG
    if {"verifier", "user"} <= values.keys():
        return Layout.CRUNCHY
    return Layout.PLAIN


def _from_keys(values: Values) -> tuple[str | None, bytes | None]:
    user = next((values[key] for key in _USER_KEYS if values.get(key)), None)
    password = next((values[key] for key in _PASSWORD_KEYS if values.get(key)), None)
    return (user.decode("utf-8", "replace").strip() if user else None), password


def _from_uri(values: Values) -> tuple[str | None, bytes | None]:
    for key in _URI_KEYS:
        written = values.get(key, b"").decode("utf-8", "replace").strip()
        try:
            parts = urlsplit(written)
        except ValueError:
            continue
        if parts.scheme in ("postgres", "postgresql") and parts.password:
            return unquote(parts.username or "") or None, unquote(parts.password).encode()
    return None, None
