"""What a preflight has read of a server: values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from regent.observed import ObservedServer


@dataclass(frozen=True, slots=True)
class Owned:
    """What one role owns in a database. `is_ours`: the admin has the rights of the role."""

    owner: str
    count: int
    first: str
    """As the server calls it: `table schema1.flights`."""
    is_ours: bool
    is_database: bool = False
    """Nothing but the database, and what belongs to whoever owns it."""


@dataclass(frozen=True, slots=True)
class OpenCode:
    """A SECURITY DEFINER routine that everybody may execute. `identity` is as SQL names it."""

    identity: str
    owner: str
    is_of_an_extension: bool = False


@dataclass(frozen=True, slots=True)
class EventTrigger:
    """One of a database."""

    name: str
    owner: str
    event: str
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """One database that was looked into."""

    is_template: bool = False
    may_create: bool = True
    owned: tuple[Owned, ...] = ()
    open_schemas: tuple[str, ...] = ()
    open_code: tuple[OpenCode, ...] = ()
    event_triggers: tuple[EventTrigger, ...] = ()
    publications: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """What sessions of one role call themselves."""

    application: str
    role: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A replication slot; `database` and `plugin` are those of a logical one."""

    name: str
    type: str
    plugin: str = ""
    database: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Subscription:
    """One of any database."""

    name: str
    owner: str
    database: str
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """A server, and the databases of it that are meant.

    `unread` says why, by what could not be read. `declared` are the roles of the directory, where
    one was given. `home` is the name of the home database.
    """

    server: ObservedServer
    today: date
    home: str
    may_signal: bool = True
    ordinary: frozenset[str] = frozenset()
    """Parameters that any user may set."""
    databases: Mapping[str, DatabaseFacts] = field(default_factory=dict)
    sessions: tuple[Session, ...] = ()
    senders: tuple[Session, ...] = ()
    slots: tuple[Slot, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    illegible: tuple[str, ...] = ()
    """What was left out as a name is not UTF-8, in words."""
    declared: frozenset[str] = frozenset()
