"""Fields that are valid and that this version does not act on yet: said, never passed over."""

from __future__ import annotations

from regent.resolve.references import Listed
from regent.resolve.situation import Findings

NOT_YET = {
    "owns": "owns",
    "default_privileges": "defaultPrivileges",
    "public": "public",
    "credentials": "credentials",
}


def report_unsupported(listed: Listed, findings: Findings) -> None:
    """Everything else of the resource holds; these fields do nothing, and its status says so."""
    for key, entry in listed.entries.items():
        named = [written for field, written in NOT_YET.items() if getattr(entry.spec, field, None)]
        if named:
            findings.trouble(
                key,
                "Unsupported",
                f"This version does not act on spec.{', spec.'.join(named)}; the rest holds."
                " Take the field out to make the resource Ready.",
            )
