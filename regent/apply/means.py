"""What every change of one run is carried out with: handed on as it is, never altered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from regent.apply.locked import Patience
from regent.apply.result import MayGoOn, it_holds
from regent.home.store import Home
from regent.observed import ObservedServer
from regent.server.connections import Connections


@dataclass(frozen=True, slots=True)
class Means:
    """`before_write` is called before each transaction and stops everything by raising.

    `patience` is for all that others hold. `may_go_on` is asked between slices of privileges: what
    was planned may be another's by then.
    """

    server: ObservedServer
    connections: Connections
    home: Home
    before_write: Callable[[], None]
    patience: Patience = field(default_factory=Patience)
    may_go_on: MayGoOn = it_holds
