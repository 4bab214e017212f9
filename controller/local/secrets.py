"""Secrets outside Kubernetes: from manifests of `kind: Secret`, or from the environment.

Trouble with a Secret is a warning, never an error: it leaves the password in force as it is and
everything else goes on (rule 19).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, assert_never

from pydantic import SecretBytes

from controller.core.secrets import Secret, SecretName
from controller.local.documents import Document, Path
from shared.errors import PostgRegentError
from shared.problems import Problem
from shared.resources import AnyResource, Permission, Regent, Role, SecretKeyRef, User

ENVIRONMENT_PREFIX = "POSTGREGENT_SECRET_"


class SecretCollisionError(PostgRegentError):
    """Two values would come from one environment variable."""


def read_secret(
    document: Document, name: SecretName, file: str
) -> tuple[Secret, tuple[Problem, ...]]:
    """The Secret with every value that can be read, and a warning for each that cannot."""
    reading = _SecretReading(document, name, file)
    values = dict(reading.encoded())
    values.update(reading.plain())
    labels = reading.group(("metadata", "labels"))
    secret = Secret(
        name,
        {key: SecretBytes(value) for key, value in values.items()},
        {key: value for key, value in labels.items() if isinstance(value, str)},
        file,
        document.line,
    )
    return secret, tuple(reading.problems)


class _SecretReading:
    def __init__(self, document: Document, name: SecretName, file: str) -> None:
        self.document = document
        self.name = name
        self.file = file
        self.problems: list[Problem] = []

    def group(self, path: tuple[str, ...]) -> dict[str, Any]:
        """The fields at a path, where there are any."""
        found: Any = self.document.data
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def encoded(self) -> Iterator[tuple[str, bytes]]:
        """`data`: base64, which may be broken over lines."""
        for key, value in self.group(("data",)).items():
            try:
                yield key, base64.b64decode(re.sub(r"\s", "", value), validate=True)
            except (TypeError, ValueError):
                self._warn("data", key, "is not base64", "encode it, or put it under stringData")

    def plain(self) -> Iterator[tuple[str, bytes]]:
        """`stringData`: the value itself, which comes before one under `data`."""
        for key, value in self.group(("stringData",)).items():
            if isinstance(value, str):
                yield key, value.encode("utf-8", "surrogatepass")
            else:
                self._warn("stringData", key, "is not a text", "quote it")

    def _warn(self, group: str, key: str, message: str, way_out: str) -> None:
        line = self.document.line_of((group, key))
        field_name = f"{group}.{key}"
        self.problems.append(
            Problem(
                self.file,
                line,
                f"Secret {self.name}",
                field_name,
                None,
                message,
                way_out,
                "warning",
            )
        )


def variable_of(name: SecretName, key: str) -> str:
    """`mydb-passwords`, `admin` is POSTGREGENT_SECRET_MYDB_PASSWORDS__ADMIN; no namespace in it."""
    return f"{ENVIRONMENT_PREFIX}{_shout(name.name)}__{_shout(key)}"


def secrets_from_environment(
    references: Iterable[tuple[SecretName, str]], environment: Mapping[str, str]
) -> dict[SecretName, Secret]:
    """The Secrets that are referred to and whose variables are set.

    Raises SecretCollisionError when two references have one variable.
    """
    holders: dict[str, tuple[SecretName, str]] = {}
    values: dict[SecretName, dict[str, SecretBytes]] = {}
    for name, key in sorted(set(references)):
        variable = variable_of(name, key)
        if variable in holders:
            other, other_key = holders[variable]
            raise SecretCollisionError(
                f"{variable} would give both {other} key {other_key} and {name} key {key}.",
                way_out="Rename one, or give them as kind: Secret.",
            )
        holders[variable] = (name, key)
        if variable in environment:
            value = environment[variable].encode("utf-8", "surrogateescape")
            values.setdefault(name, {})[key] = SecretBytes(value)
    return {name: Secret(name, given, None, "environment") for name, given in values.items()}


def with_environment(
    secrets: Mapping[SecretName, Secret], environment: Mapping[SecretName, Secret]
) -> dict[SecretName, Secret]:
    """Both; a value from the environment comes before one from a manifest."""
    merged = dict(secrets)
    for name, given in environment.items():
        known = secrets.get(name)
        values = {**(known.values if known else {}), **given.values}
        merged[name] = Secret(name, values, None, given.file)
    return merged


def given_twice(
    secrets: Mapping[SecretName, Secret], environment: Mapping[SecretName, Secret]
) -> Iterator[Problem]:
    """A warning for each key of a manifest that a variable gives too: a rotation does nothing."""
    for name, given in environment.items():
        known = secrets.get(name)
        if known is None:
            continue
        for key in sorted(given.values.keys() & known.values.keys()):
            yield Problem(
                known.file, known.line, f"Secret {name}", "", None,
                f"key {key} is given here and by the variable {variable_of(name, key)}, and the"
                " variable counts",
                "keep one of them: while the variable is set, a change here does nothing",
                "warning",
            )  # fmt: skip


def _shout(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", text.upper())


def secret_keys_of(resource: AnyResource) -> tuple[tuple[Path, SecretKeyRef], ...]:
    """The keys of Secrets that a resource reads, each with the field that names it."""
    found: list[tuple[Path, SecretKeyRef | None]] = []
    match resource:
        case User():
            found.append((("spec", "passwordSecretRef"), resource.spec.password_secret_ref))
        case Regent():
            tls = resource.spec.tls
            password = resource.spec.admin_password_secret_ref
            found.append((("spec", "adminPasswordSecretRef"), password))
            found.extend(
                (("spec", "clientCertificateSecretRef"), one)
                for one in resource.spec.client_certificate_keys
            )
            found.append((("spec", "tls", "caSecretRef"), tls.ca_secret_ref if tls else None))
        case Permission() | Role():
            pass
        case _:
            assert_never(resource)
    return tuple((path, reference) for path, reference in found if reference is not None)
