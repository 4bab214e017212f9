"""Read one manifest into its model, or say everything that is wrong with it.

Pydantic finds the mistakes; here they get the field as written, the nearest known name, and the
way out. Long because each kind of mistake has its own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shared.keys import Kind
from shared.problems import did_you_mean, field_text, nearest, shown_value
from shared.resources import AnyResource, Breach, Permission, Regent, Role, User
from shared.resources.base import Path
from shared.resources.names import KUBERNETES_NAME

MODELS: Mapping[Kind, type[AnyResource]] = {
    "Permission": Permission,
    "Role": Role,
    "User": User,
    "Regent": Regent,
}

QUOTING = "quote it: "
"""How the way out begins where the text as it was written belongs in quotes."""
MOST_MISTAKES = 100
"""That are told of one manifest."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in one manifest; `path` leads to it and to its line."""

    path: Path
    value: str | None
    message: str
    way_out: str

    @property
    def field(self) -> str:
        """`spec.schemas[1]`."""
        return field_text(self.path)


@dataclass(frozen=True, slots=True)
class Mistaken:
    """A manifest that cannot be used, with every mistake in it."""

    mistakes: tuple[Mistake, ...]


def read_manifest(kind: Kind, manifest: Mapping[str, Any]) -> AnyResource | Mistaken:
    """The resource, or the mistakes in the manifest, in the order of its fields, up to 100.

    Unknown fields would hide what is wrong between the known ones, so for a second look they are
    renamed to what was probably meant, or left out.
    """
    model = MODELS[kind]
    try:
        return model.model_validate(manifest, by_alias=True, by_name=False)
    except ValidationError as error:
        first = _details(error)
    unknown = [detail for detail in first if detail["type"] == "extra_forbidden"][:MOST_MISTAKES]
    others = [detail for detail in first if detail["type"] != "extra_forbidden"][:MOST_MISTAKES]
    mistakes = list(_mistakes(model, manifest, unknown))
    if not unknown or any(detail["type"] != "missing" for detail in others):
        mistakes.extend(_mistakes(model, manifest, others))
    else:
        repaired = _without_unknown(model, manifest, [detail["loc"] for detail in unknown])
        try:
            model.model_validate(repaired, by_alias=True, by_name=False)
        except ValidationError as error:
            mistakes.extend(_mistakes(model, repaired, _details(error)))
    return Mistaken(tuple(dict.fromkeys(mistakes))[:MOST_MISTAKES])


def _details(error: ValidationError) -> list[ErrorDetails]:
    """Without those that only follow from others: a list is not short because its items are bad."""
    details = error.errors(include_url=False)
    places = [detail["loc"] for detail in details]
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(place[:-1] == detail["loc"] for place in places if len(place) > 0)
    ]


def _mistakes(
    model: type[BaseModel], manifest: Mapping[str, Any], details: list[ErrorDetails]
) -> Iterator[Mistake]:
    for detail in details:
        path = tuple(step for step in detail["loc"] if step != "[key]")
        if detail["type"] == "breaches":
            breaches: tuple[Breach, ...] = detail["ctx"]["breaches"]
            for breach in breaches:
                yield _breach(manifest, (*path, *breach.path), breach)
        elif detail["type"] == "extra_forbidden":
            yield _unknown_field(model, manifest, path)
        else:
            message, way_out = _words(detail)
            value = None if detail["type"] == "missing" else shown_value(detail["input"], path)
            if value is None and way_out.startswith(QUOTING):
                way_out = "quote it"
            yield Mistake(path, value, message, way_out + _of_which_name(model, path, message))


def _of_which_name(model: type[BaseModel], path: Path, message: str) -> str:
    """A resource's name is often meant to be the role's, which may hold anything."""
    if message != f"is not {KUBERNETES_NAME}":
        return ""
    own = {Role: "spec.roleName", User: "spec.userName"}
    if path == ("metadata", "name") and (field := own.get(model)):
        return f"; the role's name in PostgreSQL goes into {field}"
    if path[0] == "spec" and {"roles", "role", "permissions"} & set(path):
        return "; it is the metadata.name of the resource, and not its name in PostgreSQL"
    return ""


def _breach(manifest: Mapping[str, Any], path: Path, breach: Breach) -> Mistake:
    value = shown_value(_value_at(manifest, path), path)
    return Mistake(path, value, breach.message, breach.way_out)


def _unknown_field(model: type[BaseModel], manifest: Mapping[str, Any], path: Path) -> Mistake:
    """The value is not shown: nobody knows what an unknown field holds."""
    known = _fields_at(model, path[:-1])
    name = str(path[-1])
    near = nearest(name, known)
    if near and near in _mapping_at(manifest, path[:-1]):
        way_out = f"{near} is there already; take this one out"
    else:
        way_out = did_you_mean(name, known, f"known are {', '.join(sorted(known))}")
    return Mistake(path, None, "is not a known field", way_out)


def _without_unknown(
    model: type[BaseModel], manifest: Mapping[str, Any], places: list[Path]
) -> dict[str, Any]:
    repaired = deepcopy(dict(manifest))
    for path in places:
        inside = _mapping_at(repaired, path[:-1])
        value = inside.pop(path[-1], None)
        meant = nearest(str(path[-1]), _fields_at(model, path[:-1]))
        if meant and meant not in inside:
            inside[meant] = value
    return repaired


def _value_at(data: Any, path: Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _mapping_at(data: Any, path: Path) -> dict[Any, Any]:
    found = _value_at(data, path)
    return found if isinstance(found, dict) else {}


def _fields_at(model: type[BaseModel], path: Path) -> list[str]:
    """The camelCase names of the fields that the part at `path` knows."""
    part: type[BaseModel] | None = model
    for step in path:
        if part is None or isinstance(step, int):
            continue
        part = next(
            (
                _part_in(field.annotation)
                for name, field in part.model_fields.items()
                if step in (field.alias, name)
            ),
            part,
        )
    return [field.alias or name for name, field in part.model_fields.items()] if part else []


def _part_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside `Part | None`, `tuple[Part, ...]`, `Annotated[Part, …]`."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation if issubclass(annotation, BaseModel) else None
    inner = (_part_in(argument) for argument in get_args(annotation))
    return next((found for found in inner if found is not None), None)


_LINES_BELOW = "write `name: value` lines below it"


def _words(detail: ErrorDetails) -> tuple[str, str]:  # noqa: PLR0912 - a branch for each mistake
    """What is wrong, and the way out."""
    context = detail.get("ctx", {})
    given = detail["input"]
    match detail["type"]:
        case "refused":
            return context["message"], context["way_out"]
        case "missing":
            return "is required", "add it"
        case "string_type":
            return f"is {_kind_of(given)} where a text belongs", _quoting(given)
        case "bool_type":
            return f"is {_kind_of(given)} where true or false belongs", "write true or false"
        case "int_type":
            return f"is {_kind_of(given)} where a whole number belongs", "write it without quotes"
        case "tuple_type":
            return f"is {_kind_of(given)} where a list belongs", 'begin each item with "- "'
        case "model_type" | "dict_type" | "mapping_type" | "model_attributes_type":
            is_item = isinstance(detail["loc"][-1], int)
            way_out = "write its fields, as `- name: value`" if is_item else _LINES_BELOW
            return f"is {_kind_of(given)} where fields belong", way_out
        case "literal_error":
            return "is not one of its values", f"write {context['expected']}"
        case "too_short" if isinstance(given, str):
            return "is empty", "write something"
        case "too_long" if isinstance(given, str):
            return "is too long", f"shorten it to {context['max_length']} characters"
        case "too_short":
            return "is an empty list", "add an item, or leave the field out"
        case "too_long":
            at_most = context["max_length"]
            return f"has more than {at_most} items", "split it into several resources"
        case "string_too_short":
            return "is empty", "write something, or leave the field out"
        case "string_too_long":
            return "is too long", f"shorten it to {context['max_length']} characters"
        case "greater_than_equal":
            return "is too small", f"write at least {context['ge']}"
        case "less_than_equal":
            return "is too large", f"write at most {context['le']}"
        case _:
            return detail["msg"][:1].lower() + detail["msg"][1:], "see docs/resources.md"


def _kind_of(value: object) -> str:
    match value:
        case bool():
            return "a boolean"
        case int():
            return "a whole number"
        case float():
            return "a fraction"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case dict():
            return "a group of fields"
    return "nothing"


def _quoting(value: object) -> str:
    if isinstance(value, bool):
        return f'{QUOTING}"{str(value).lower()}"'
    if isinstance(value, int | float):
        return f'{QUOTING}"{value}"'
    return "write one text here"
