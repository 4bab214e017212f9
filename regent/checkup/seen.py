"""What a check-up has read of a server, of its home database and of each Regent: values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from regent.home.locks import Holder
from regent.remembered import Remembered


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """The server. `clock_ahead_seconds` is how far this machine is ahead of it, for certain.

    `identifier` is empty where it may not be read.
    """

    address: str
    database: str
    version: str
    login: str
    now: datetime
    started_at: datetime
    identifier: str = ""
    is_in_recovery: bool = False
    has_owner: bool = True
    is_installed_here: bool = False
    clock_ahead_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class HomeSeen:
    """The home database. With a `trouble` nothing in it was read.

    `version` is of its tables: 0 where it has none. `others` are further databases of the owner
    role on this server.
    """

    name: str
    is_there: bool = True
    version: int = 0
    others: tuple[str, ...] = ()
    trouble: str = ""
    way_out: str = ""
    strange: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """One session of PostgRegent; `silent_seconds` is None where the server does not say."""

    pid: int
    database: str
    application: str
    silent_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class DatabaseSeen:
    """One served database. With a `trouble` it was not read; `is_missing`: it does not exist."""

    name: str
    damage: tuple[str, ...] = ()
    trouble: str = ""
    way_out: str = ""
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class AdminSeen:
    """The rights of the role that acts. `beyond` are the managed roles that it may not alter."""

    name: str
    is_there: bool = True
    is_superuser: bool = False
    may_create_roles: bool = True
    has_expired: bool = False
    is_member: bool = True
    closed: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegentSeen:
    """One Regent, as the home database remembers it and as its sessions show it.

    With a `trouble` its memory cannot be read. `holder` has its lock; None: nobody has.
    """

    regent: str
    remembered: Remembered | None = None
    trouble: str = ""
    way_out: str = ""
    unreadable: tuple[str, ...] = ()
    outstanding: int = 0
    holder: Holder | None = None
    databases: tuple[DatabaseSeen, ...] = ()
    admin: AdminSeen | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """All of it, at one moment."""

    server: ServerSeen
    home: HomeSeen
    regents: tuple[RegentSeen, ...] = ()
    sessions: Mapping[int, SessionSeen] = field(default_factory=dict)
