"""The reference's manifests in force: which they are, and how to see it on the server."""

from __future__ import annotations

from tests.kubernetes.controlled import Controlled

RESOURCES = (
    ("Regent", "my-regent"),
    ("Role", "flights-admin"),
    ("Role", "mydb-viewer"),
    ("User", "flights-admin"),
    ("User", "summer-intern-2"),
)
"""In their order; Permissions have no finalizer, and no word of their own here."""

INSTALLED = "SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'postgregent%'"
LOGINS = (
    "SELECT count(*) FROM pg_roles"
    " WHERE rolcanlogin AND rolname IN ('summer-intern-2', 'flights-admin')"
)


async def all_ready(one: Controlled) -> None:
    """When each of them is."""
    for kind, name in RESOURCES:
        await one.ready(kind, name)
