"""Settings of roles: which differ, and how PostgreSQL compares what it keeps as a list.

https://www.postgresql.org/docs/18/sql-alterrole.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from regent.changes import AlterSetting, Effect
from regent.desired import Causes, DesiredRole, SettingKey
from regent.observed import ObservedRole

QUOTED_LISTS = frozenset(
    {
        "search_path",
        "temp_tablespaces",
        "session_preload_libraries",
        "shared_preload_libraries",
        "local_preload_libraries",
        "unix_socket_directories",
    }
)
"""GUC_LIST_QUOTE: each item is an identifier or a file name of its own."""

_FOLDED = frozenset({"search_path", "temp_tablespaces"})
_ITEM = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)')


def is_list(parameter: str) -> bool:
    """Kept as a list, and written as one."""
    return parameter.lower() in QUOTED_LISTS


def list_items(parameter: str, value: str) -> tuple[str, ...]:
    """The items of a list setting, unquoted; unquoted identifiers fold to lower case.

    The empty list is stored as one empty item.
    """
    items = tuple(_items(value.strip(), folds=parameter.lower() in _FOLDED))
    return () if items == ("",) else items


def same_value(parameter: str, one: str, other: str) -> bool:
    """As PostgreSQL would understand them; other values are compared as they are stored."""
    if is_list(parameter):
        return list_items(parameter, one) == list_items(parameter, other)
    return one == other


def plan_settings(role: DesiredRole, observed: ObservedRole | None) -> Iterator[AlterSetting]:
    """What to set and what to reset, so that the role has exactly its settings (rule 8).

    Parameter names are compared without case: the server stores its own spelling.
    """
    if not role.settings and not (observed and observed.settings):
        return
    existing = {_folded(k): (k, v) for k, v in observed.settings.items()} if observed else {}
    for key, value in sorted(role.settings.items(), key=lambda item: _in_order(item[0])):
        _, before = existing.pop(_folded(key), (key, None))
        if before is None or not same_value(key.parameter, before, value):
            yield _alter(role.name, key, value, role.declared_by, Effect.WIDEN)
    for key, _value in sorted(existing.values(), key=lambda item: _in_order(item[0])):
        yield _alter(role.name, key, None, role.declared_by, Effect.NARROW)


def _items(value: str, *, folds: bool) -> Iterator[str]:
    at = 0
    while at < len(value):
        found = _ITEM.match(value, at)
        if found is None:  # text after a closing quote: no list that PostgreSQL would take
            yield value[at:].strip()
            return
        quoted, bare = found.groups()
        if quoted is not None:
            yield quoted.replace('""', '"')
        else:
            yield bare.strip().lower() if folds else bare.strip()
        at = found.end()


def _alter(
    role: str, key: SettingKey, value: str | None, causes: Causes, effect: Effect
) -> AlterSetting:
    return AlterSetting(role, key.database, key.parameter, value, causes, effect)


def _folded(key: SettingKey) -> SettingKey:
    return SettingKey(key.database, key.parameter.lower())


def _in_order(key: SettingKey) -> tuple[str, str]:
    return key.database or "", key.parameter
