"""A pydantic JSON schema becomes the structural schema that a CustomResourceDefinition takes. Pure.

What Kubernetes forbids or would show as noise goes (titles, `additionalProperties: false`), what
JSON schema says elsewhere is put where Kubernetes looks for it ($ref, const, propertyNames), and
what only Kubernetes knows is added: lists and maps that grant are atomic, so that a value which
somebody added by hand does not survive the next apply.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Schema = dict[str, Any]
RulesOf = Callable[[str], Sequence[Mapping[str, str]]]
"""The CEL rules of a model, by its name."""

_KEPT = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "maxProperties",
    "required",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
)
_KNOWN = {*_KEPT, "title", "properties", "items", "additionalProperties", "propertyNames", "const",
          "$ref", "$defs", "x-kubernetes-validations"}  # fmt: skip
_WORDS_OF_REFERENCES = {"SecretRef", "SecretKeyRef", "LabelSelector"}


def structural(schema: Mapping[str, Any], rules_of: RulesOf) -> Schema:
    """The whole schema, with every `$ref` put in its place.

    Raises ValueError for a word of JSON schema that has no meaning in a CRD: it would be lost.
    """
    return _part(schema, schema.get("$defs", {}), rules_of)


def _part(
    schema: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]], rules_of: RulesOf
) -> Schema:
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        part = _part({**definitions[name], **beside}, definitions, rules_of)
        if name in _WORDS_OF_REFERENCES:
            part["x-kubernetes-map-type"] = "atomic"
        return part
    if lost := set(schema) - _KNOWN:
        raise ValueError(f"a CRD has no word for {', '.join(sorted(lost))} in {dict(schema)}")
    part = {word: schema[word] for word in _KEPT if word in schema}
    if "const" in schema:
        part["enum"] = [schema["const"]]
    rules = [*schema.get("x-kubernetes-validations", ())]
    if "properties" in schema:
        part["properties"] = {
            name: _part(value, definitions, rules_of)
            for name, value in schema["properties"].items()
        }
        rules += rules_of(str(schema.get("title", "")))
    elif isinstance(schema.get("additionalProperties"), Mapping):
        part["additionalProperties"] = _part(schema["additionalProperties"], definitions, rules_of)
        part["x-kubernetes-map-type"] = "atomic"
        rules += _key_rules(schema.get("propertyNames", {}))
    elif part.get("type") == "object" and "x-kubernetes-preserve-unknown-fields" not in part:
        part["x-kubernetes-preserve-unknown-fields"] = True
    if "items" in schema:
        part["items"] = _part(schema["items"], definitions, rules_of)
        part.setdefault("x-kubernetes-list-type", "atomic")
    if rules:
        part["x-kubernetes-validations"] = [dict(rule) for rule in rules]
    return part


def _key_rules(names: Mapping[str, Any]) -> list[dict[str, str]]:
    """A CRD has no propertyNames: what they say is said in CEL."""
    if "maxLength" not in names:
        return []
    longest = names["maxLength"]
    return [
        {
            "rule": f"self.all(key, size(key) >= 1 && size(key) <= {longest})",
            "message": f"has a key that is empty or longer than {longest} characters; shorten it",
        }
    ]
