"""Fields that are valid and that this version does not act on yet: said, never passed over."""

from __future__ import annotations

from regent.resolve.context import Context
from shared.resources import RegentSpec
from shared.unsupported import REASON, said_of, unsupported


def unsupported_of(spec: RegentSpec) -> tuple[str, ...]:
    """The fields of a Regent that are set and do nothing yet, with what happens instead."""
    return tuple(str(one) for one in unsupported(spec))


def report_unsupported(context: Context) -> None:
    """Everything else of the resource holds; these fields do nothing, and its status says so."""
    for key, entry in (*context.listed.entries.items(), *context.listed.available.items()):
        if found := unsupported(entry.spec):
            context.findings.trouble(key, REASON, said_of(found))
