"""What every part of a resource has in common: how it is read, refused and written back.

Absent and default are the same thing here, and neither is ever written: the API server must not
fill a spec in (Argo CD would show a difference), so a default lives in a property of the model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from shared.resources.texts import Path, refuse, unstorable_in

__all__ = [
    "API_VERSION",
    "GROUP",
    "Breach",
    "Flag",
    "Part",
    "Path",
    "Whole",
    "json_schema",
    "refuse",
]

GROUP = "putnam120.postgregent"
API_VERSION: Literal["putnam120.postgregent/v1alpha1"] = "putnam120.postgregent/v1alpha1"

Flag = StrictBool
Whole = StrictInt


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule between fields that does not hold; `path` is camelCase, from the part that says it.

    `message` goes on after the field and its value: "is …", "needs …".
    """

    path: Path
    message: str
    way_out: str


class _Absent(NamedTuple):
    """A field that need not be there, and what its absence means."""

    name: str
    alias: str
    default: Any


class Part(BaseModel):
    """A piece of a resource: frozen, camelCase outside, unknown fields refused.

    No text of a spec holds what cannot be stored; what Kubernetes keeps around it is its own.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
    )
    is_envelope: ClassVar[bool] = False
    _absents: ClassVar[tuple[_Absent, ...]] = ()
    _parts: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **_options: Any) -> None:
        """Thousands of these are written at once: what a default is must not be asked each time."""
        cls._absents = tuple(
            _Absent(name, field.alias or name, _default(field))
            for name, field in cls.model_fields.items()
            if not field.is_required()
        )
        cls._parts = frozenset(
            field.alias or name
            for name, field in cls.model_fields.items()
            if _is_part_in(field.annotation)
        )

    def breaches(self) -> Iterable[Breach]:
        """The rules between fields that do not hold. All of them, not the first."""
        return ()

    def says(self, field: str) -> Any:
        """What it says in an optional field, by its camelCase name; None where its default."""
        one = next(one for one in self._absents if one.alias == field)
        value = getattr(self, one.name)
        return None if value == one.default else value

    def given(self) -> frozenset[str]:
        """The fields that say something other than their default, in camelCase."""
        absent = {one.alias for one in self._absents if getattr(self, one.name) == one.default}
        fields = type(self).model_fields.items()
        return frozenset(field.alias or name for name, field in fields) - absent

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None}
        return data

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, data: Any) -> Any:
        """Each text is looked at once: the parts look at their own."""
        if not isinstance(data, dict) or cls.is_envelope:
            return data
        own = {key: value for key, value in data.items() if key not in cls._parts}
        if found := tuple(
            Breach(path, message, "take it out") for path, message in unstorable_in(own)
        ):
            raise _broken(found)
        return data

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        if found := tuple(self.breaches()):
            raise _broken(found)
        return self

    @model_serializer(mode="wrap")
    def _absent_stays_absent(self, write: SerializerFunctionWrapHandler) -> Any:
        written, values = write(self), self.__dict__
        for name, alias, default in self._absents:
            if values[name] == default:
                written.pop(alias, None)
                written.pop(name, None)
        return written


def _broken(breaches: tuple[Breach, ...]) -> PydanticCustomError:
    message = "; ".join(breach.message for breach in breaches)
    return PydanticCustomError("breaches", "{message}", {"message": message, "breaches": breaches})


def _is_part_in(annotation: Any) -> bool:
    """Whether `Part | None`, `tuple[Part, ...]` or `Annotated[Part, …]` holds a Part."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return issubclass(annotation, Part)
    return any(map(_is_part_in, get_args(annotation)))


def _default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True, validated_data={})


class _SpecSchema(GenerateJsonSchema):
    """JSON schema as a CRD wants it: no defaults, and null is never a type."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema with camelCase names, without defaults and without null."""
    return model.model_json_schema(by_alias=True, schema_generator=_SpecSchema)
