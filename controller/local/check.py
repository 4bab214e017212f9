"""What is wrong between resources that are each right by themselves. Pure.

Only what manifests alone can show: which Regent holds what, and what its server knows, comes later.
Long because each mistake has its own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import assert_never

from controller.core.candidates import candidates, regents_of, served_databases
from controller.core.passwords import NOT_MADE
from controller.core.secrets import Secret, SecretName
from controller.local.directory import Loaded, Tree
from controller.local.of_public import of_public
from controller.local.secrets import secret_keys_of
from shared.keys import Kind, ResourceKey
from shared.listing import first_of
from shared.outside_schemas import field_of, needed_for, opened
from shared.problems import Problem, Severity, did_you_mean, field_text
from shared.resources import Allow, AnyResource, Permission, Regent, Role, SecretKeyRef, User
from shared.unsupported import REASON, unsupported

Path = tuple[str | int, ...]


def check(tree: Tree) -> tuple[Problem, ...]:
    """Every problem between the resources of a tree, by file and line.

    Resources that are themselves in error count as being there: what names them is not wrong.
    """
    checking = _Check(tree)
    problems = [
        *checking.references(),
        *checking.databases(),
        *checking.names(),
        *checking.bounds(),
        *checking.secrets(),
        *checking.unsupported(),
        *checking.public(),
        *checking.of_public(),
    ]
    return tuple(sorted(problems, key=lambda problem: (problem.file, problem.line or 0)))


def unknown_references(tree: Tree) -> tuple[Problem, ...]:
    """Permissions and Roles that are named and not declared: `plan` and `apply` then do nothing."""
    return tuple(_Check(tree).references())


class _Check:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.valid: Mapping[ResourceKey, AnyResource] = tree.valid
        self.regents = tuple(r for r in self.valid.values() if isinstance(r, Regent))
        self.has_broken_regent = any(key.kind == "Regent" for key in tree.held) or any(
            text.startswith("Regent") for text in tree.lost
        )

    def references(self) -> Iterator[Problem]:
        """Permissions and Roles that are named and nowhere declared (interface 10)."""
        for key, resource in self.valid.items():
            if not isinstance(resource, Role | User):
                continue
            for index, name in enumerate(resource.spec.permissions):
                yield from self._missing(key, ("spec", "permissions", index), "Permission", name)
            if isinstance(resource, User):
                for index, name in enumerate(resource.spec.roles):
                    yield from self._missing(key, ("spec", "roles", index), "Role", name)
                for index, access in enumerate(resource.spec.access):
                    path = ("spec", "access", index, "role")
                    yield from self._missing(key, path, "Role", access.role)

    def _missing(self, key: ResourceKey, path: Path, kind: Kind, name: str) -> Iterator[Problem]:
        meant = ResourceKey(kind, key.namespace, name)
        if meant in self.tree.resources or f"{kind} {name}" in self.tree.lost:
            return
        known = [k for k in self.tree.resources if k.kind == kind]
        elsewhere = [k.namespace for k in known if k.name == name]
        here = [k.name for k in known if k.namespace == key.namespace]
        if elsewhere:
            message = f"is a {kind} of namespace {elsewhere[0]}, not of {key.namespace}"
            way_out = (
                "names are looked up in the namespace of the one who names them; declare it there"
            )
        else:
            message = f"is no {kind} in namespace {key.namespace}"
            way_out = did_you_mean(name, here, f"declare it, or take it out ({_known(here)})")
        yield self._problem(key, path, name, message, way_out)

    def databases(self) -> Iterator[Problem]:
        """Databases that no Regent, or more than one, serves for the resource's namespace."""
        for key, resource in self.valid.items():
            if isinstance(resource, Permission | Role) or (
                isinstance(resource, User) and not resource.spec.roles
            ):
                yield from self._served(key, resource)

    def _served(self, key: ResourceKey, resource: Permission | Role | User) -> Iterator[Problem]:
        database, selector = resource.spec.database, resource.spec.regent_selector
        if database is None:
            return
        found = candidates(database, key.namespace, selector, self.regents, self.tree.namespaces)
        path = ("spec", "database")
        if not found and not self.has_broken_regent:
            yield self._unserved(key, path, database, has_selector=selector is not None)
        if len(found) > 1 and selector is None:
            names = ", ".join(regent.metadata.name for regent in found)
            yield self._problem(
                key, path, database, f"is served by several Regents: {names}",
                "name the one that is meant by its labels in spec.regentSelector",
            )  # fmt: skip

    def _unserved(
        self, key: ResourceKey, path: Path, database: str, *, has_selector: bool
    ) -> Problem:
        served = served_databases(key.namespace, self.regents, self.tree.namespaces)
        if database in served and has_selector:
            message = f"is served by {', '.join(served[database])}, which regentSelector leaves out"
            return self._problem(key, path, database, message, "correct regentSelector")
        message = f"is served by no Regent for namespace {key.namespace}"
        others = [one.metadata.name for one in self.regents if database in one.spec.databases]
        if others and not has_selector:
            return self._problem(
                key, path, database, message,
                f"add the namespace to spec.allowedNamespaces of {', '.join(others)}; where that"
                " goes by labels, declare them: kind: Namespace",
            )  # fmt: skip
        if not served:
            return self._problem(key, path, database, message, "add a Regent that serves it")
        listed = ", ".join(f"{name} ({', '.join(by)})" for name, by in sorted(served.items()))
        near = get_close_matches(database, served, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        return self._problem(
            key, path, database, message, f"{hint}served are {listed}; or add a Regent"
        )

    def bounds(self) -> Iterator[Problem]:
        """Warnings: what stands in no schema, where a Regent's `allow` has bounds without it."""
        for key, resource in self.valid.items():
            if not isinstance(resource, Permission) or not needed_for(resource.spec):
                continue
            word, spec, namespaces = needed_for(resource.spec), resource.spec, self.tree.namespaces
            for regent in candidates(
                spec.database, key.namespace, spec.regent_selector, self.regents, namespaces
            ):
                if word not in opened(regent.spec.allow or Allow()):
                    yield self._problem(
                        key, ("spec", field_of(word)), None,
                        f"NotAllowed: Regent {regent.metadata.name} has spec.allow.schemas, and no"
                        f" {word} in spec.allow.outsideSchemas: nothing is given",
                        "add it there, or take it out here", "warning",
                    )  # fmt: skip

    def names(self) -> Iterator[Problem]:
        """Two resources that would be one role of PostgreSQL (rule 7)."""
        holders: dict[tuple[ResourceKey, str], list[ResourceKey]] = {}
        for key, resource in self.valid.items():
            if isinstance(resource, User) or (
                isinstance(resource, Role) and not resource.spec.is_public
            ):
                for regent in self._regents_of(resource):
                    name = resource.postgres_name
                    holders.setdefault((regent.key, name), []).append(key)
                    if name in (regent.spec.admin_user, regent.spec.set_role):
                        yield self._admin(key, regent, name)
        reported: set[tuple[ResourceKey, ResourceKey]] = set()
        for (_, name), keys in holders.items():
            for first, second in self._clashes(keys):
                if (first, second) not in reported:
                    reported.add((first, second))
                    yield self._conflict(first, second, name)

    def _regents_of(self, resource: Role | User) -> tuple[Regent, ...]:
        return regents_of(resource, self.valid, self.regents, self.tree.namespaces)

    def _clashes(self, keys: list[ResourceKey]) -> Iterator[tuple[ResourceKey, ResourceKey]]:
        """A Role and the User that lists it are one role, and no clash."""
        ordered = sorted(keys)
        first = ordered[0]
        for other in ordered[1:]:
            user = self.valid[other]
            is_same = (
                first.kind == "Role"
                and isinstance(user, User)
                and first.namespace == other.namespace
                and first.name in user.spec.roles
            )
            if not is_same:
                yield first, other

    def _conflict(self, first: ResourceKey, second: ResourceKey, name: str) -> Problem:
        message = f"NameConflict: {first} has this name in PostgreSQL already"
        way_out = "give one of them another name"
        if (first.kind, second.kind) == ("Role", "User"):
            field_name = "userName"
            if first.namespace == second.namespace:
                way_out = (
                    f"list {first.name} under roles if they are meant to be one role, "
                    f"or set {field_name}"
                )
        return self._problem(second, self._name_path(second), name, message, way_out)

    def _admin(self, key: ResourceKey, regent: Regent, name: str) -> Problem:
        message = f"is the admin of Regent {regent.metadata.name}, which is never managed"
        return self._problem(key, self._name_path(key), name, message, "choose another name")

    def _name_path(self, key: ResourceKey) -> Path:
        resource = self.valid[key]
        if isinstance(resource, Role) and resource.spec.role_name:
            return ("spec", "roleName")
        if isinstance(resource, User) and resource.spec.user_name:
            return ("spec", "userName")
        return ("metadata", "name")

    def secrets(self) -> Iterator[Problem]:
        """Warnings only: a password that is not there touches nothing else (rule 19)."""
        for key, resource in self.valid.items():
            said: set[Path] = set()
            for path, reference in secret_keys_of(resource):
                name = SecretName(key.namespace, reference.name)
                secret = self.tree.secrets.get(name)
                is_said = path in said
                said.add(path)
                if secret is None and not is_said:
                    known = [s.name for s in self.tree.secrets if s.namespace == name.namespace]
                    way_out = did_you_mean(name.name, known, _WITHOUT_SECRET[path[-1]])
                    message = f"is no Secret in namespace {name.namespace}"
                    yield self._problem(
                        key, (*path, "name"), name.name, message, way_out, "warning"
                    )
                if secret is not None:
                    yield from self._key(key, path, reference, secret)
                    if not is_said:
                        yield from self._selected(key, resource, path, secret)
            if isinstance(resource, User) and resource.spec.credentials is not None:
                what, _, way_out = NOT_MADE.partition(". ")
                path = ("spec", "credentials")
                yield self._problem(key, path, None, f"NotSupported: {what}", way_out, "warning")

    def _key(
        self, key: ResourceKey, path: Path, reference: SecretKeyRef, secret: Secret
    ) -> Iterator[Problem]:
        value = secret.values.get(reference.key)
        # A certificate's Secret has its keys by its type: no field names them.
        at = path if path[-1] == OF_A_CERTIFICATE else (*path, "key")
        if value is None:
            way_out = did_you_mean(reference.key, secret.values, f"add it to Secret {secret.name}")
            message = f"is no key of Secret {secret.name}"
            yield self._problem(key, at, reference.key, message, way_out, "warning")
        elif not value.get_secret_value().strip():
            message = f"is empty in Secret {secret.name}"
            yield self._problem(key, at, reference.key, message, "put the value there", "warning")

    def _selected(
        self, key: ResourceKey, resource: AnyResource, path: Path, secret: Secret
    ) -> Iterator[Problem]:
        regents: tuple[Regent, ...]
        match resource:
            case Regent():
                regents = (resource,)
            case User():
                regents = self._regents_of(resource)
            case Permission() | Role():
                return
            case _:
                assert_never(resource)
        for regent in regents:
            if lacking := secret.lacking(regent.spec.secrets_selector):
                label, value = next(iter(lacking.items()))
                yield self._problem(
                    key, (*path, "name"), secret.name.name,
                    f"SecretNotSelected: Regent {regent.metadata.name} reads only Secrets with the "
                    f"label {label}: {value}",
                    "add the label to the Secret", "warning",
                )  # fmt: skip

    def unsupported(self) -> Iterator[Problem]:
        """Warnings: what is accepted, and what this version does instead of acting on it."""
        for key, resource in self.valid.items():
            for one in unsupported(resource.spec):
                yield self._problem(
                    key, ("spec", one.name), one.value or None,
                    f"{REASON}: this version does not act on it; {one.instead}",
                    "take it out to make the resource Ready", "warning",
                )  # fmt: skip

    def of_public(self) -> Iterator[Problem]:
        """What can never hold, as PUBLIC is no role (controller/local/of_public.py)."""
        for key, path, value, message, way_out, severity in of_public(self.valid):
            yield self._problem(key, path, value, message, way_out, severity)

    def public(self) -> Iterator[Problem]:
        """Warnings: a Role that speaks for PUBLIC where its Regent says Declared of no right."""
        for key, resource in self.valid.items():
            if not (isinstance(resource, Role) and resource.spec.is_public):
                continue
            regents = self._regents_of(resource)
            rights = [one.spec.public_privileges for one in regents]
            if regents and not any(one and one.declared for one in rights):
                yield self._problem(
                    key, ("spec", "public"), None,
                    f"gives nothing: Regent {regents[0].metadata.name} leaves PUBLIC as it is",
                    "say Declared in its spec.publicPrivileges, for each right that is meant",
                    "warning",
                )  # fmt: skip

    def _problem(
        self,
        key: ResourceKey,
        path: Path,
        value: str | None,
        message: str,
        way_out: str,
        severity: Severity = "error",
    ) -> Problem:
        loaded: Loaded = self.tree.resources[key]
        about = f"{key.kind} {key.namespace}/{key.name}"
        return Problem(
            loaded.file, loaded.line_of(path), about, field_text(path), value, message, way_out,
            severity,
        )  # fmt: skip


OF_A_CERTIFICATE = "clientCertificateSecretRef"
_WITHOUT_SECRET: Mapping[str | int, str] = {
    "passwordSecretRef": "add it; until then the password stays as it is",
    "adminPasswordSecretRef": "add it; without it the Regent cannot log in",
    OF_A_CERTIFICATE: "add it; without it the Regent cannot log in",
    "caSecretRef": "add it; without it the Regent cannot verify the server's certificate",
}
"""What a missing Secret means, by the field that names it."""


def _known(names: list[str]) -> str:
    if not names:
        return "there is none"
    return f"there are {first_of(sorted(names), 8)}"
