"""Write docs/resources.md: every field of the four resources, from the models that read them.

`python -m docs.resources`; a test says when the page is stale. What is accepted and not acted on
yet is named here, and the same test says when the code begins to act on it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from regent.kinds import KINDS
from shared.resources import PermissionSpec, RegentSpec, RoleSpec, UserSpec, fitting_actions
from shared.resources.base import json_schema
from shared.unsupported import UNSUPPORTED as NOT_YET

PAGE = Path(__file__).with_name("resources.md")
SPECS: Mapping[str, type[BaseModel]] = {
    "Permission": PermissionSpec,
    "Role": RoleSpec,
    "User": UserSpec,
    "Regent": RegentSpec,
}
SHORT_NAMES = {"Permission": "pgperm", "Role": "pgrole", "User": "pguser", "Regent": "pgregent"}

NOT_MARKED = frozenset({"enforcement"})
"""Of these only a value does nothing, which the text below says."""
UNSUPPORTED: Mapping[str, tuple[str, ...]] = {
    kind: tuple(name for name in NOT_YET.get(model, ()) if name not in NOT_MARKED)
    for kind, model in SPECS.items()
}
"""Accepted, and said in `validate`, in a plan and in a status: `Unsupported`."""

_RULES = re.compile(r" \(rules? [^)]*\)")

HEAD = """\
# The four resources

<!-- Written by `python -m docs.resources` from the models in shared/resources. -->

All have `apiVersion: putnam120.postgregent/v1alpha1` and live in a namespace (`default` where none
is written). An unknown field is refused, with the nearest one that is known. A field that is left
out and a field that is `null` are the same, and nothing ever writes a default into a spec: defaults
are those of the code, named below.

**Bold** fields are required. *Not yet* marks what is accepted and not acted on in this version:
`validate` warns, and a plan and the resource's status say `Unsupported`, with what happens instead.

## Words of the tables

| word | means |
|---|---|
| name | a name in PostgreSQL, 1 to 63 *bytes*, exactly as written, case and all |
| pattern | a shell pattern: `*`, `?`, `[a-z]`, `\\*` for a star itself. Quote `"*"` in YAML |
| span | a number and a unit: `90s`, `15m`, `12h`, `30d`, `4w` |
| time | RFC 3339 with its zone: `2026-12-31T23:59:59Z` |
| action | a privilege of PostgreSQL, or `ALL`; which ones fit is told under Permission |

A role's name is never `pg_*`, `public` or `none`. Patterns never match `pg_*`,
`information_schema`, the schema `postgregent`, nor (without `extensions: true`) what belongs to an
extension. They are matched at each pass, so what is made tomorrow is covered.
"""

NOTES = {
    "Permission": """\
What may be done, on one kind of object of one database. It gives nothing until a Role or User lists
it. With `schemas` alone the actions are on the schemas themselves; without `schemas`, on the
database. USAGE on the schemas comes along, and on sequences that a column's default needs for
INSERT (`implied: false` switches that off).
""",
    "Role": """\
Permissions under one name: a role of PostgreSQL without LOGIN. For a managed role exactly what is
declared holds. `attributes` other than `inherit` and `createdb`, settings that only a superuser may
set, and groups other than Roles of the same namespace, `pg_monitor`, `pg_read_all_settings`,
`pg_read_all_stats` and `pg_stat_scan_tables` must be listed in the Regent's `allow`.
""",
    "User": """\
A role that may log in. It needs a `database` or at least one role, which say where it lives. A User
that lists the Role of its own name *is* that role, with LOGIN. Without `passwordSecretRef` and
`credentials` it may log in and its password is not managed.
""",
    "Regent": """\
One server, who acts on it, and what may be declared for it. One way to log in must be given.
`homeDatabase` must not be one of the served databases. `brake: Disabled` is short for
`brake: {mode: Disabled}`. `enforcement: Prevent` refuses at once a GRANT or REVOKE in a served
database that a pass would take back (rule 25). It needs event triggers: where there are none it
acts as `Correct`, and the status says so. `deployment` means something in a cluster only. Resources
of another namespace are served where an entry of `allowedNamespaces` names it or selects its
labels, the first that does, within that entry's `allow`, of which a list that is left out is empty,
and within the Regent's own.
""",
}


def page() -> str:
    """The whole page."""
    resources = (_resource(kind, model) for kind, model in SPECS.items())
    return "\n".join([HEAD, *resources, "## Their parts\n", *_all_parts()])


def _resource(kind: str, model: type[BaseModel]) -> str:
    schema = json_schema(model)
    lines = [f"## {kind}", "", f"`kubectl get {SHORT_NAMES[kind]}` in a cluster.", "", NOTES[kind]]
    lines += [*_table(schema, schema["$defs"], kind), ""]
    if kind == "Permission":
        lines += [*_actions(), ""]
    return "\n".join(lines)


def _all_parts() -> Iterator[str]:
    """Every part that some resource uses, once, in the order in which a reader meets them."""
    seen: dict[str, None] = {}
    for model in SPECS.values():
        schema = json_schema(model)
        for name in _parts(schema, schema["$defs"]):
            if name not in seen:
                seen[name] = None
                part = schema["$defs"][name]
                yield f"### {name}\n\n{_said(part)}\n"
                yield "\n".join([*_table(part, schema["$defs"], ""), ""])


def _actions() -> Iterator[str]:
    yield "| named | actions that fit |"
    yield "|---|---|"
    for kind, row in KINDS.items():
        yield f"| {row.selected_by} | {', '.join(sorted(fitting_actions(kind)))} |"


def _table(schema: dict[str, Any], parts: dict[str, Any], kind: str) -> Iterator[str]:
    required = schema.get("required", ())
    yield "| field | type | |"
    yield "|---|---|---|"
    fields = schema["properties"].items()
    for name, field in sorted(fields, key=lambda item: item[0] not in required):
        shown = f"**`{name}`**" if name in required else f"`{name}`"
        yield f"| {shown} | {_type(field, parts)} | {_said(field)}{_not_yet(kind, name)} |"


def _not_yet(kind: str, name: str) -> str:
    return " *Not yet.*" if name in UNSUPPORTED.get(kind, ()) else ""


def _parts(schema: dict[str, Any], parts: dict[str, Any]) -> Iterator[str]:
    """The parts that a schema uses, each once, in the order in which a reader meets them."""
    seen: dict[str, None] = {}
    waiting = [schema]
    while waiting:
        for name in _references(waiting.pop(0)):
            if name not in seen:
                seen[name] = None
                waiting.append(parts[name])
    yield from (name for name in seen if "properties" in parts[name])


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield value.rpartition("/")[2]
            elif key != "$defs":
                yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _type(field: dict[str, Any], parts: dict[str, Any]) -> str:
    """The type and its limits, in a few words."""
    if "$ref" in field:
        return _of_part(field["$ref"].rpartition("/")[2], parts)
    if "anyOf" in field:
        return " or ".join(_type(one, parts) for one in field["anyOf"])
    if "enum" in field:
        return _one_of(field["enum"])
    if "x-kubernetes-int-or-string" in field:
        return "number or text"
    match field.get("type"):
        case "array":
            return f"list{_many(field, 'Items')} of {_type(field['items'], parts)}"
        case "object":
            values = field.get("additionalProperties")
            of = f" of {_type(values, parts)}" if isinstance(values, dict) else ""
            return f"map{_many(field, 'Properties')}{of}"
        case "integer":
            return f"number{_range(field)}"
        case "string":
            return _text(field)
        case "boolean":
            return "true or false"
        case _:
            return "as in Kubernetes"


def _of_part(name: str, parts: dict[str, Any]) -> str:
    if "properties" in parts[name]:
        return f"[{name}](#{name.lower()})"
    return _type(parts[name], parts)


def _text(field: dict[str, Any]) -> str:
    if field.get("format") == "date-time":
        return "time"
    if str(field.get("pattern", "")).endswith("[smhdw]$"):
        return "span"
    named = {(1, 63): "name", (1, 190): "pattern"}
    limits = (field.get("minLength", 0), field.get("maxLength", 0))
    if limits in named and "pattern" not in field:
        return named[limits]
    return f"text{_up_to(field, 'Length')}"


def _up_to(field: dict[str, Any], what: str) -> str:
    least, most = field.get(f"min{what}", 0), field.get(f"max{what}")
    if most is None:
        return ""
    return f", {least} to {most:,}" if least else f", at most {most:,}"


def _many(field: dict[str, Any], what: str) -> str:
    limits = _up_to(field, what).removeprefix(", ")
    return f" ({limits})" if limits else ""


def _one_of(values: list[str]) -> str:
    """Written out, but for the actions, which have a table of their own."""
    return "action" if "ALTER SYSTEM" in values else ", ".join(f"`{value}`" for value in values)


def _range(field: dict[str, Any]) -> str:
    least, most = field.get("minimum"), field.get("maximum")
    return f", {least:,} to {most:,}" if least is not None and most is not None else ""


def _said(schema: dict[str, Any]) -> str:
    """The description on one line, safe in a table."""
    text = " ".join(_RULES.sub("", schema.get("description", "")).split())
    return text.replace("|", "\\|").replace("<", "&lt;").replace(" pg_* ", " `pg_*` ")


def main() -> int:
    """Write it."""
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
