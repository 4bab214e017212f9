"""Fields that are valid and that this version does not act on yet: said, never passed over."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from regent.resolve.references import Listed
from regent.resolve.situation import Findings
from shared.resources import RegentSpec

NOT_YET = {
    "owns": "owns",
    "default_privileges": "defaultPrivileges",
    "public": "public",
    "credentials": "credentials",
}


def unsupported_of(spec: RegentSpec) -> tuple[str, ...]:
    """The fields of a Regent that are set and do nothing yet, as they are written."""
    public = spec.public_privileges
    is_declared = public is not None and "Declared" in public.model_dump().values()
    found = {
        "spec.approval": spec.approval == "Manual",
        "spec.allowedNamespaces": bool(spec.allowed_namespaces),
        "spec.enforcement: Prevent": spec.enforcement == "Prevent",
        "spec.publicPrivileges": is_declared,
        "spec.setRole": bool(spec.set_role),
        "spec.unmanagedRoles": spec.unmanaged_roles not in (None, "Ignore"),
    }
    return tuple(name for name, is_set in found.items() if is_set)


def report_unsupported(listed: Listed, findings: Findings) -> None:
    """Everything else of the resource holds; these fields do nothing, and its status says so."""
    kinds = {kind: _not_yet(kind) for kind in {type(e.spec) for e in listed.entries.values()}}
    for key, entry in listed.entries.items():
        fields = kinds[type(entry.spec)]
        named = [written for field, written in fields.items() if getattr(entry.spec, field)]
        if named:
            findings.trouble(
                key,
                "Unsupported",
                f"This version does not act on spec.{', spec.'.join(named)}; the rest holds."
                " Take the field out to make the resource Ready.",
            )


def _not_yet(spec: type[BaseModel]) -> Mapping[str, str]:
    return {name: written for name, written in NOT_YET.items() if name in spec.model_fields}
