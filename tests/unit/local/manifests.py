"""Small manifests for the tests of this folder."""

from __future__ import annotations

import textwrap
from pathlib import Path

API = "apiVersion: putnam120.postgregent/v1alpha1"


def manifest(kind: str, name: str, spec: str, *, namespace: str | None = None) -> str:
    """One document; `spec` is its fields, unindented."""
    inside = f"\n  namespace: {namespace}" if namespace else ""
    fields = textwrap.indent(textwrap.dedent(spec).strip("\n"), "  ")
    return f"{API}\nkind: {kind}\nmetadata:\n  name: {name}{inside}\nspec:\n{fields}\n---\n"


def permission(name: str = "read", database: str = "mydb") -> str:
    """A Permission to connect."""
    return manifest("Permission", name, f"database: {database}\nactions: [CONNECT]")


def role(name: str = "viewer", *permissions: str, more: str = "") -> str:
    """A Role with these permissions."""
    listed = ", ".join(permissions)
    return manifest("Role", name, f"database: mydb\npermissions: [{listed}]\n{more}")


def user(name: str = "ann", *roles: str, more: str = "") -> str:
    """A User with these roles."""
    return manifest("User", name, f"roles: [{', '.join(roles)}]\n{more}")


def regent(name: str = "main", *, database: str = "mydb", more: str = "") -> str:
    """A Regent that serves one database."""
    secret = "adminPasswordSecretRef: {name: s, key: admin}"
    spec = f"adminUser: boss\n{secret}\ndatabaseHost: db\ndatabaseName: {database}\n{more}"
    return manifest("Regent", name, spec)


def secret(name: str = "s", labels: str = "{}") -> str:
    """A Secret with the key `admin`."""
    return (
        f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  labels: {labels}\n"
        "stringData:\n  admin: canary-of-the-tests\n---\n"
    )


def write(folder: Path, *documents: str, name: str = "all.yaml") -> Path:
    """A directory that holds these documents."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(documents), encoding="utf-8")
    return folder
