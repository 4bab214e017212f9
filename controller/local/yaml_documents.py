"""Reading YAML and JSON files as documents.

Everything that can be said about a file is said at once: each document is parsed by itself, and an
unquoted `*`, the likeliest mistake in a manifest here, is repaired for the sake of reading on.

Long because finding documents and their mistakes is one walk over one parser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar

import yaml

from controller.local.documents import MERGE, Document, Parsed, Slip, child, merged_parts
from controller.local.scalars import plain_scalar
from shared.problems import shown_value

MAX_FILE_BYTES = 8 * 1024 * 1024
MAX_NODES = 500_000
MAX_DEPTH = 64
MAX_DOCUMENTS = 50_000
_MOST_REPAIRS = 50
_MOST_REPAIRED = 500_000
"""Characters that are parsed again for the sake of repairs."""
_MOST_SLIPS = 100
_LONGEST_BEGINNING = 65_536
_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_KIND = re.compile(r"^[ \t]*[\"']?kind[\"']?:[ \t]*[\"']?([A-Za-z]+)", re.MULTILINE)
_NAME = re.compile(
    r"^[ \t]*[\"']?metadata[\"']?:[^\n]*\n(?>[ \t]+[^\n]*\n){0,200}?"
    r"[ \t]+[\"']?name[\"']?:[ \t]*[\"']?([^\s\"'#,]+)",
    re.MULTILINE,
)
_SECRET = re.compile(r"^[ \t-]*[\"']?kind[\"']?:[ \t]*[\"']?Secret\b", re.MULTILINE)
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_SUSPICIOUS = re.compile(r"^[ ]{200}|(?:[-?:][ \t]+){60}", re.MULTILINE)
_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_PLAIN_TAG = "plain"
_SCALAR_TAGS = frozenset(
    {_PLAIN_TAG, *(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))}
)
_TEXT_TAG = "tag:yaml.org,2002:str"
_TAGS = {
    yaml.ScalarNode: _PLAIN_TAG,
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
    yaml.MappingNode: "tag:yaml.org,2002:map",
}
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc]
    """Resolves nothing, so that a scalar's tag is either this one or was written by hand."""

    DEFAULT_SCALAR_TAG = _PLAIN_TAG
    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def resolve(self, kind: type[yaml.Node], _value: object, _implicit: object) -> str:
        """What is left of it, since it is asked of each node: the tag of this kind of node."""
        return _TAGS[kind]


class _SlipError(Exception):
    """Carries a slip out of a document that is given up."""

    def __init__(self, slip: Slip) -> None:
        super().__init__(slip.message)
        self.slip = slip


def parse_yaml(text: str) -> Parsed:
    """All documents of a YAML file, and the items of each `kind: List` as documents."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(_SEPARATOR.findall(text)) > MAX_DOCUMENTS:
        many = Slip(1, f"this file has more than {MAX_DOCUMENTS:,} documents", "split it")
        return Parsed((), (many,))
    documents: list[Document] = []
    lost: list[Slip] = []
    for first_line, chunk in _chunks(text):
        try:
            documents.extend(_Reading(first_line).documents(chunk))
        except _SlipError as error:
            lost.append(replace(error.slip, about=_about(chunk)))
    return Parsed(tuple(documents), tuple(lost))


def parse_json(text: str) -> Parsed:
    """The one document of a JSON file, or the items of its `kind: List`."""
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        said = "it holds a number of thousands of digits"
        if isinstance(error, json.JSONDecodeError):
            said = error.msg
        elif isinstance(error, RecursionError):
            said = "it is nested too deeply"
        return Parsed((), (Slip(line, f"this is not JSON: {said}", "correct it here"),))
    return parse_yaml(_SURROGATES.sub(_one_character, text.replace("\t", " ")))


def _one_character(pair: re.Match[str]) -> str:
    halves = bytes.fromhex(pair[1] + pair[2])
    return halves.decode("utf-16-be")


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """Each document's text with its first line. `---` at the margin can be nothing but a mark."""
    starts = [0, *(match.start() for match in _SEPARATOR.finditer(text)), len(text)]
    line = 1
    for start, end in pairwise(starts):
        chunk = text[start:end]
        if any(_says_something(row) for row in chunk.splitlines()):
            yield line, chunk
        line += chunk.count("\n")


def _says_something(row: str) -> bool:
    said = row.removeprefix("---").strip()
    return bool(said) and not said.startswith("#") and not row.startswith(("%", "..."))


def _about(chunk: str) -> str:
    beginning = chunk[:_LONGEST_BEGINNING]
    kind = _KIND.search(beginning)
    name = _NAME.search(beginning)
    return f"{kind[1]} {name[1]}" if kind and name else kind[1] if kind else ""


class _Reading:
    """Reads one chunk, and gathers the slips that do not end the reading."""

    def __init__(self, first_line: int) -> None:
        self.first_line = first_line
        self.is_secret = False
        self.slips: list[Slip] = []

    def documents(self, chunk: str) -> list[Document]:
        """Raises _SlipError when nobody can say what the chunk declares."""
        self.is_secret = _SECRET.search(chunk) is not None
        nodes = self._compose(chunk)
        found = [document for node in nodes for document in self._documents(node)]
        if not self.slips:
            return found
        return [replace(document, slips=self._slips_in(document)) for document in found]

    def _slips_in(self, document: Document) -> tuple[Slip, ...]:
        first = self.first_line + document.node.start_mark.line
        last = self.first_line + document.node.end_mark.line
        return tuple(slip for slip in self.slips if first <= slip.line <= last)

    def _compose(self, chunk: str) -> list[yaml.Node]:
        """The nodes of the text; an unquoted `*` is quoted, as often as it stands there."""
        _check_depth(chunk, self.first_line)
        while True:
            try:
                return list(yaml.compose_all(chunk, _Loader))
            except yaml.MarkedYAMLError as error:
                mended = self._mend(chunk, error)
                if mended is None:
                    raise _SlipError(_syntax_slip(error, chunk, self.first_line)) from None
                chunk = mended
            except yaml.reader.ReaderError as error:
                before = chunk[: error.position] if isinstance(error.position, int) else ""
                raise self._end(
                    before.count("\n"), "this file holds a character that YAML does not take",
                    "take it out",
                ) from None  # fmt: skip

    def _mend(self, chunk: str, error: yaml.MarkedYAMLError) -> str | None:
        mark = error.context_mark or error.problem_mark
        is_alias = "alias" in f"{error.context} {error.problem}"
        if not is_alias or mark is None or not self._may_repair(chunk):
            return None
        lines = chunk.split("\n")
        if mark.line >= len(lines):
            return None
        star = re.compile(r"\*[^\s,\]}#]*").match(lines[mark.line], mark.column)
        if star is None:
            return None
        rest = lines[mark.line][star.end() :]
        lines[mark.line] = f'{lines[mark.line][: star.start()]}"{star[0]}"{rest}'
        shown = None if self.is_secret else shown_value(star[0], [lines[mark.line]])
        message = "is not quoted, and an unquoted * names an alias in YAML"
        self._note(mark.line, message, _quoted_or_anchored(star[0], shown), shown)
        return "\n".join(lines)

    def _may_repair(self, chunk: str) -> bool:
        """Each repair parses everything again."""
        done = len(self.slips)
        return done < _MOST_REPAIRS and done * len(chunk) < _MOST_REPAIRED

    def _note(self, row: int, message: str, way_out: str, value: str | None = None) -> None:
        """Raises _SlipError for one too many: each is looked up among the fields."""
        if len(self.slips) >= _MOST_SLIPS:
            raise self._end(row, f"{message}, as {_MOST_SLIPS} lines before it", way_out)
        self.slips.append(Slip(self.first_line + row, message, way_out, value))

    def _end(self, row: int, message: str, way_out: str) -> _SlipError:
        return _SlipError(Slip(self.first_line + row, message, way_out))

    def _documents(self, node: yaml.Node) -> Iterator[Document]:
        if isinstance(node, yaml.ScalarNode) and plain_scalar(node.value) is None:
            return
        if not isinstance(node, yaml.MappingNode):
            raise self._end(
                node.start_mark.line,
                "this document is not a group of fields",
                "begin it with apiVersion: and kind:",
            )
        self._check_size(node)
        items = child(node, "items")
        kind = child(node, "kind")
        is_list = kind is not None and str(kind[1].value).endswith("List")
        if is_list and items and isinstance(items[1], yaml.SequenceNode):
            for item in items[1].value:
                yield from self._documents(item)
            return
        yield Document(self._mapping(node), node, self.first_line)

    def _check_size(self, root: yaml.MappingNode) -> None:
        """Anchors may repeat each other into billions of nodes, or hold themselves."""
        sizes: dict[int, int] = {}
        open_nodes: set[int] = set()

        def size(node: yaml.CollectionNode, depth: int) -> int:
            if id(node) in sizes:
                return sizes[id(node)]
            if id(node) in open_nodes or depth > MAX_DEPTH:
                raise self._end(
                    node.start_mark.line, "this part holds itself or is nested too deeply",
                    "flatten it",
                )  # fmt: skip
            open_nodes.add(id(node))
            inside = node.value
            if isinstance(node, yaml.MappingNode):
                inside = [part for pair in node.value for part in pair]
            deeper = [part for part in inside if not isinstance(part, yaml.ScalarNode)]
            scalars = len(inside) - len(deeper)
            sizes[id(node)] = 1 + scalars + sum(size(part, depth + 1) for part in deeper)
            open_nodes.discard(id(node))
            return sizes[id(node)]

        if size(root, 0) > MAX_NODES:
            raise self._end(0, f"this document has more than {MAX_NODES:,} parts", "split it")

    def _value(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item) for item in node.value]
        return self._scalar(node)

    def _scalar(self, node: yaml.Node) -> Any:
        text = str(node.value)
        if getattr(node, "style", None) or node.tag == _TEXT_TAG:
            return text
        if node.tag not in _SCALAR_TAGS:
            raise self._end(node.start_mark.line, f"the tag {node.tag} is not known", "take it out")
        return plain_scalar(text)

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        """Keys are always the text as written. `<<` merges, the nearer key winning."""
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._end(
                    key.start_mark.line, "this key is not a single word", "write name: value"
                )
            name = str(key.value)
            if name == MERGE and not key.style:
                for part in merged_parts(value):
                    merged = {**self._mapping(part), **merged}
                continue
            if name in own:
                self._note(key.start_mark.line, f"{name} is given twice", "keep one of them")
            own[name] = self._value(value)
        return {**merged, **own}


def _quoted_or_anchored(star: str, shown: str | None) -> str:
    """It was meant as a pattern, or as an alias whose anchor is not in this document."""
    quoted = f'quote it as "{shown or "*…"}"'
    if not re.fullmatch(r"\*[A-Za-z][A-Za-z0-9-]*", star):
        return quoted
    named = f" &{star[1:]}" if shown else ""
    return (
        f"{quoted} if it is a pattern; if it is an alias, write its anchor{named} before it in the"
        " same document"
    )


def _check_depth(chunk: str, first_line: int) -> None:
    """The C library composes by recursion in C: what is nested too deeply would end the process."""
    if not _SUSPICIOUS.search(chunk) and chunk.count("[") + chunk.count("{") < 200:
        return
    depth = 0
    try:
        for event in yaml.parse(chunk, _Loader):
            depth += isinstance(event, _OPENING) - isinstance(event, _CLOSING)
            if depth > MAX_DEPTH:
                line = first_line + _row(event)
                raise _SlipError(Slip(line, "this part is nested too deeply", "flatten it"))
    except yaml.YAMLError:
        return


def _row(event: yaml.Event) -> int:
    return event.start_mark.line if event.start_mark else 0


def _syntax_slip(error: yaml.MarkedYAMLError, chunk: str, first_line: int) -> Slip:
    mark = error.problem_mark or error.context_mark
    row = mark.line if mark else 0
    lines = chunk.split("\n")
    text = lines[row] if row < len(lines) else ""
    if "\t" in text[: len(text) - len(text.lstrip())]:
        return Slip(first_line + row, "a tab indents this line", "indent with spaces")
    said = " ".join(part for part in (error.context, error.problem) if part)
    if "mapping values are not allowed" in said:
        way_out = 'quote the text if it holds ": ", or correct the indentation'
    elif "cannot start any token" in said:
        way_out = "quote the text that begins with a special character"
    elif "quoted scalar" in said:
        way_out = "close the quotes"
    else:
        way_out = "correct the indentation or the brackets at this line or just above"
    return Slip(first_line + row, f"this is not YAML: {said}", way_out)
