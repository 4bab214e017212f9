"""What an export is to be of, and what besides the catalog it must know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from regent.observed import Observed


@dataclass(frozen=True, slots=True)
class Asked:
    """`roles` and `ignore_roles` are patterns; without `roles` all are meant.

    `is_wide`: wildcards also where what is made later does not get the same anyway.
    """

    regent: str
    host: str
    port: int
    tls_mode: str | None = None
    roles: tuple[str, ...] = ()
    ignore_roles: tuple[str, ...] = ()
    ignore_schemas: tuple[str, ...] = ()
    is_wide: bool = False
    with_passwords: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """The catalog, and what is asked of it besides.

    `keepers` are roles with something that an adoption does not take away: they are named exactly
    in `allow.adopt`. `ordinary` are the parameters that any user may set. `left_out` are roles that
    the proof found to be changed by their own manifest, and why.
    """

    observed: Observed
    keepers: frozenset[str] = frozenset()
    ordinary: frozenset[str] = frozenset()
    left_out: Mapping[str, str] = field(default_factory=dict)
    is_public_left_out: str = ""
    """Why nothing is declared of PUBLIC; empty where it is."""
