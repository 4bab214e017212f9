"""Read a directory of manifests: what it declares, and everything that is wrong with it.

A resource that is there and cannot be used is still there: it is held, not deleted (rule 18).
And what was declared by a file that cannot be read, nobody knows: such a tree is not whole, and
absence from it means nothing (rule 17, interface 11).

Long because a file goes from its bytes to a resource, a Secret or a problem in one place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, assert_never

from controller.core.namespaces import Labels, Namespaces
from controller.core.secrets import Secret, SecretName
from controller.local.documents import Document, Parsed, Slip
from controller.local.files import Files, SourceFile, UnsyncedError, read_files
from controller.local.namespaces import namespaces_of, read_labels
from controller.local.recognition import is_broken_list, unusable_version, whose
from controller.local.secrets import (
    given_twice,
    read_secret,
    secret_keys_of,
    secrets_from_environment,
    with_environment,
)
from controller.local.yaml_documents import parse_json, parse_yaml
from shared.keys import KINDS, Kind, ResourceKey
from shared.problems import Problem, did_you_mean, field_text, shortened
from shared.resources import API_VERSION, DEFAULT_NAMESPACE, GROUP, AnyResource
from shared.resources.reading import QUOTING, Mistake, Mistaken, read_manifest


@dataclass(frozen=True, slots=True)
class Loaded:
    """A resource that was found: with its model, or with what is wrong with it."""

    key: ResourceKey
    file: str
    line: int
    resource: AnyResource | None
    problems: tuple[Problem, ...] = ()
    document: Document | None = field(default=None, repr=False, compare=False)

    @property
    def is_valid(self) -> bool:
        """Whether it can be used. One that cannot is held."""
        return self.resource is not None and not self.problems

    def line_of(self, path: tuple[str | int, ...]) -> int:
        """The line of one of its fields."""
        return self.document.line_of(path) if self.document else self.line


@dataclass(frozen=True, slots=True)
class Tree:
    """What a directory declares.

    `problems` are all of them, those of the resources included. `is_whole` is False when something
    could not even be named: then what is absent here must not be taken for deleted. `digest`
    changes when a file does. `ignored` counts documents that are not ours, and `passed_over` names
    what could be taken for ours: files that are not read, kinds of the same name of other APIs.
    `labels` are those of the namespaces that have a manifest.
    """

    resources: Mapping[ResourceKey, Loaded]
    secrets: Mapping[SecretName, Secret]
    problems: tuple[Problem, ...]
    digest: str
    files: tuple[str, ...]
    is_whole: bool = True
    ignored: int = 0
    lost: tuple[str, ...] = ()
    passed_over: tuple[Problem, ...] = ()
    labels: Mapping[str, Labels] = field(default_factory=dict)

    @property
    def namespaces(self) -> Namespaces:
        """Which labels namespaces have, by their manifests."""
        return namespaces_of(self.labels, is_whole=self.is_whole)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that refuse something."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def valid(self) -> Mapping[ResourceKey, AnyResource]:
        """The resources that can be used."""
        return {
            key: loaded.resource
            for key, loaded in self.resources.items()
            if loaded.resource is not None and loaded.is_valid
        }

    @property
    def held(self) -> Mapping[ResourceKey, Loaded]:
        """The resources that are there and cannot be used."""
        return {key: loaded for key, loaded in self.resources.items() if not loaded.is_valid}


def read_directory(directory: Path, *, allow_empty: bool = False) -> Tree:
    """The whole tree. Raises UnsyncedError when the directory is missing, unreadable or empty.

    Empty means that it was read wholly and declares no resource of ours: that must not be taken
    for a wish to delete everything. `allow_empty` says that it is one.
    """
    return tree_of(
        read_files(directory), f"The directory {directory} holds", allow_empty=allow_empty
    )


def tree_of(files: Files, said: str, *, allow_empty: bool) -> Tree:
    """As `read_directory`, of files that were read; `said` begins to say that there is nothing."""
    tree = read_tree(files)
    if tree.is_whole and not tree.resources and not allow_empty:
        raise UnsyncedError(
            f"{said} no manifest of {GROUP}.",
            way_out="Put one there, or say --allow-empty if nothing shall be declared any more.",
        )
    return tree


def read_tree(files: Files) -> Tree:
    """The tree that these files make. Pure."""
    gathering = _Gathering()
    gathering.problems.extend(files.problems)
    gathering.is_whole = not files.problems
    gathering.passed_over.extend(files.passed_over)
    digest = hashlib.sha256()
    for file in files.read:
        digest.update(f"{len(file.name)}:{file.name}:{len(file.content)}:".encode())
        digest.update(file.content)
        gathering.read(file)
    return Tree(
        MappingProxyType(dict(gathering.resources)),
        MappingProxyType(dict(gathering.secrets)),
        tuple(sorted((*gathering.problems, *gathering.passed_over), key=_place)),
        digest.hexdigest(),
        tuple(file.name for file in files.read),
        gathering.is_whole,
        gathering.ignored,
        tuple(gathering.lost),
        tuple(sorted(gathering.passed_over, key=_place)),
        MappingProxyType(
            {n: one for n, one in gathering.labels.items() if n not in gathering.unlabelled}
        ),
    )


def _place(problem: Problem) -> tuple[str, int]:
    return problem.file, problem.line or 0


class _Gathering:
    """Fills up while files are read."""

    def __init__(self) -> None:
        self.resources: dict[ResourceKey, Loaded] = {}
        self.secrets: dict[SecretName, Secret] = {}
        self.labels: dict[str, Labels] = {}
        self.unlabelled: set[str] = set()
        """Namespaces of which it cannot be told what labels they have."""
        self.problems: list[Problem] = []
        self.lost: list[str] = []
        self.passed_over: list[Problem] = []
        self.is_whole = True
        self.ignored = 0

    def read(self, file: SourceFile) -> None:
        """Everything of one file."""
        try:
            text = file.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = file.content[: error.start].count(b"\n") + 1
            self._lose(file.name, Slip(line, "this file is not UTF-8", "save it as UTF-8"))
            return
        if not text.strip():
            way_out = "write into it what it shall declare, or remove it"
            said = "is empty and declares nothing"
            empty = Problem(file.name, None, "", "", None, said, way_out, "warning")
            self.passed_over.append(empty)
        for slip in (parsed := _parse(file.name, text)).lost:
            self._lose(file.name, slip)
        for document in parsed.documents:
            self._sort(document, file.name)

    def _sort(self, document: Document, file: str) -> None:
        version, kind = (document.data.get(name) for name in ("apiVersion", "kind"))
        if not isinstance(version, str) or not isinstance(kind, str):
            missing = "kind" if isinstance(version, str) else "apiVersion"
            message = "is not a text" if document.data.get(missing) is not None else "is required"
            self._unnamed(document, file, (missing,), None, message, f"add it, such as {_EXAMPLE}")
        elif kind == "Secret" and version == "v1":
            self._secret(document, file)
        elif kind == "Namespace" and version == "v1":
            self._namespace(document, file)
        elif is_broken_list(kind, version):
            way_out = "write kind: List, and the documents below items: each with a -"
            self._unnamed(document, file, ("items",), None, "is not a list", way_out)
        else:
            self._sort_by_group(document, file, version, kind)

    def _sort_by_group(self, document: Document, file: str, version: str, kind: str) -> None:
        match whose(version, kind, document.data):
            case "Ours":
                self._ours(document, file, version, kind)
            case "Namesake":
                self._pass_over(document, file, version, kind)
            case "Others":
                self.ignored += 1
            case other:
                assert_never(other)

    def _ours(self, document: Document, file: str, version: str, kind: str) -> None:
        known = _kind(kind)
        if known is None:
            way_out = did_you_mean(kind, KINDS, f"the kinds are {', '.join(KINDS)}")
            message = "is not a kind of PostgRegent's"
            self._unnamed(document, file, ("kind",), kind, message, way_out)
        if wrong := unusable_version(version, document.data):
            self._unnamed(document, file, ("apiVersion",), version, *wrong)
        elif known is None:
            return
        elif name := self._named(document, file, known):
            self._resource(document, file, ResourceKey(known, name.namespace, name.name))
        else:
            self._others_than_the_name(document, file, known)

    def _pass_over(self, document: Document, file: str, version: str, kind: str) -> None:
        """A User of another operator: named, since a wrong group would end the access of ours."""
        self.ignored += 1
        metadata = document.data.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        about = f"{kind} {name}" if isinstance(name, str) and "/" not in name else kind
        line = document.line_of(("apiVersion",))
        message = f"is another API's: this {kind} declares nothing here"
        way_out = f"if it is one of PostgRegent's, write {API_VERSION}"
        group = shortened(version)
        self.passed_over.append(
            Problem(file, line, about, "apiVersion", group, message, way_out, "warning")
        )

    def _others_than_the_name(self, document: Document, file: str, kind: Kind) -> None:
        """What else is wrong where nobody can tell which resource it is: all at once."""
        known = {(one.line, one.field) for one in self.problems if one.file == file}
        slips = [_slip_problem(file, slip, kind, document) for slip in document.slips]
        read = read_manifest(kind, document.data)
        mistakes = read.mistakes if isinstance(read, Mistaken) else ()
        found = [*slips, *(_mistake_problem(document, file, kind, one) for one in mistakes)]
        self.problems.extend(one for one in found if (one.line, one.field) not in known)

    def _resource(self, document: Document, file: str, key: ResourceKey) -> None:
        read = read_manifest(key.kind, document.data)
        resource = None if isinstance(read, Mistaken) else read
        problems = [_slip_problem(file, slip, _about(key), document) for slip in document.slips]
        if isinstance(read, Mistaken):
            problems.extend(
                _mistake_problem(document, file, _about(key), mistake) for mistake in read.mistakes
            )
        if (first := self.resources.get(key)) is not None:
            problems.append(
                Problem(
                    file, document.line, _about(key), "metadata.name", key.name,
                    f"is declared twice: also in {first.file}:{first.line}", "keep one of them",
                )
            )  # fmt: skip
            self.problems.extend(problems)
            self.resources[key] = Loaded(
                key, first.file, first.line, None, (*first.problems, *problems), first.document
            )
            return
        self.problems.extend(problems)
        self.resources[key] = Loaded(key, file, document.line, resource, tuple(problems), document)

    def _secret(self, document: Document, file: str) -> None:
        if (name := self._named(document, file, "Secret")) is None:
            return
        secret, problems = read_secret(document, name, file)
        self.problems.extend(problems)
        about = f"Secret {name}"
        if document.slips:
            secret = replace(secret, values={})
        for slip in document.slips:
            self.problems.append(
                Problem(file, slip.line, about, "", None, slip.message, slip.way_out, "warning")
            )
        if first := self.secrets.get(name):
            self.problems.append(
                Problem(
                    file, document.line, about, "metadata.name", name.name,
                    f"is declared twice: also in {first.file}:{first.line}, and that one counts",
                    "keep one of them", "warning",
                )
            )  # fmt: skip
            return
        self.secrets[name] = secret

    def _namespace(self, document: Document, file: str) -> None:
        """Its labels may let its resources in: what cannot be told of them is not guessed."""
        if (named := self._named(document, file, "Namespace")) is None:
            return
        about = f"Namespace {named.name}"
        labels = read_labels(document, about, file)
        if not isinstance(labels, Problem) and self.labels.setdefault(named.name, labels) == labels:
            return
        self.unlabelled.add(named.name)
        self.is_whole = False
        said, way_out = "is declared twice, with other labels", "keep one of them"
        twice = Problem(file, document.line, about, "metadata.name", named.name, said, way_out)
        self.problems.append(labels if isinstance(labels, Problem) else twice)

    def _named(self, document: Document, file: str, kind: str) -> SecretName | None:
        """Namespace and name, or None, with the problem, when they cannot be known."""
        metadata = document.data.get("metadata")
        given: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
        namespace = given.get("namespace")
        names = {"namespace": DEFAULT_NAMESPACE if namespace is None else namespace}
        names["name"] = given.get("name")
        is_known = True
        for field_name, value in names.items():
            problem = _name_problem(value)
            if problem:
                message, way_out = problem
                path = ("metadata", field_name)
                if way_out == QUOTING:
                    way_out += f'"{document.written(path) or value}"'
                self._unnamed(document, file, path, value, message, way_out, kind)
                is_known = False
        if is_known:
            return SecretName(str(names["namespace"]), str(names["name"]))
        return None

    def _unnamed(
        self,
        document: Document,
        file: str,
        path: tuple[str, ...],
        value: object,
        message: str,
        way_out: str,
        kind: str = "",
    ) -> None:
        """A document that may be one of ours, and nobody knows which."""
        self.is_whole = False
        shown = None if value is None or isinstance(value, dict | list) else str(value)[:60]
        line = document.line_of(path)
        self.problems.append(Problem(file, line, kind, ".".join(path), shown, message, way_out))

    def _lose(self, file: str, slip: Slip) -> None:
        self.is_whole = False
        if slip.about:
            self.lost.append(slip.about)
        self.problems.append(_slip_problem(file, slip, slip.about))


_EXAMPLE = f"apiVersion: {API_VERSION} and kind: Role"


def _parse(name: str, text: str) -> Parsed:
    return parse_json(text) if name.lower().endswith(".json") else parse_yaml(text)


def _kind(kind: object) -> Kind | None:
    return next((known for known in KINDS if known == kind), None)


def _name_problem(value: object) -> tuple[str, str] | None:
    """Why nobody can tell which resource this is. Whether the name may be used is for the model."""
    if value is None or value == "":
        return "is required", "add it"
    if not isinstance(value, str):
        return "is not a text", QUOTING
    if "/" in value or not value.isprintable():
        return "is no name of a resource", "use lower-case letters, digits, '-' and '.'"
    return None


def _about(key: ResourceKey) -> str:
    return f"{key.kind} {key.namespace}/{key.name}"


def _slip_problem(file: str, slip: Slip, about: str, document: Document | None = None) -> Problem:
    named = field_text(document.path_on(slip.line)) if document else ""
    # `metadata.name` is in front of the message already, which says `name is given twice`.
    message = slip.message.removeprefix(f"{named.rpartition('.')[2]} ") if named else slip.message
    return Problem(file, slip.line, about, named, slip.value, message, slip.way_out)


def _mistake_problem(document: Document, file: str, about: str, mistake: Mistake) -> Problem:
    value, way_out = mistake.value, mistake.way_out
    if value is not None and (written := document.written(mistake.path)):
        if way_out == f'{QUOTING}"{value}"':
            way_out = f'{QUOTING}"{shortened(written)}"'
        value = shortened(written)
    line = document.line_of(mistake.path)
    return Problem(file, line, about, mistake.field, value, mistake.message, way_out)


def secret_references(tree: Tree) -> Iterator[tuple[SecretName, str]]:
    """Every Secret and key that a valid resource of the tree names."""
    for key, resource in tree.valid.items():
        for _, reference in secret_keys_of(resource):
            yield SecretName(key.namespace, reference.name), reference.key


def with_secrets_of(tree: Tree, environment: Mapping[str, str]) -> Tree:
    """The tree with the Secrets of an environment, which come before its own; it says of which.

    Raises SecretCollisionError for two Secrets in one variable.
    """
    given = secrets_from_environment(secret_references(tree), environment)
    twice = tuple(given_twice(tree.secrets, given))
    return replace(
        tree,
        secrets=with_environment(tree.secrets, given),
        problems=tuple(sorted((*tree.problems, *twice), key=_place)),
        passed_over=tuple(sorted((*tree.passed_over, *twice), key=_place)),
    )
