"""Who is to connect by what is written, though nothing of it can be given yet. Pure (rules 11, 18).

What is missing, held, not allowed or refused is in no declared grant, and is no word that anybody
shall be shut out: so PUBLIC keeps CONNECT for these. But nobody holds a database open by declaring
what another namespace than the Regent's own may not have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from regent.accept.merge import references
from regent.desired import Comers
from regent.resolve.allowed import adopt_refused_by, permission_trouble, refused_by
from regent.resolve.claims import is_public
from regent.resolve.context import Context
from shared.keys import ResourceKey
from shared.outcomes import EXISTS_UNMANAGED
from shared.privileges import ALL, CONNECT, expand
from shared.state import Entry, RoleEntry, UserEntry


def comers(context: Context, databases: Collection[str]) -> Comers:
    """Of these databases, on which PUBLIC's CONNECT is declared."""
    if not databases:
        return Comers()
    found: dict[str, set[str]] = {}
    joining: set[tuple[str, str]] = set()
    refused: set[str] = set()
    for text, entry in context.situation.accepted.state.resources.items():
        if entry.kind == "Permission" or is_public(entry):
            continue
        key = ResourceKey.parse(text)
        name = _name(context, key, entry)
        if _is_refused(context, key, entry, name):
            refused.add(name)
        for reference in references(key, entry):
            for database in _to_connect(context, reference, databases):
                found.setdefault(database, set()).add(name)
        joining.update((name, group) for group in _groups(context, key, entry))
    by_database = {database: frozenset(names) for database, names in found.items()}
    return Comers(by_database, frozenset(joining), frozenset(refused))


def _name(context: Context, key: ResourceKey, entry: RoleEntry | UserEntry) -> str:
    claim = context.granted.get(key)
    return entry.spec.postgres_name(key.name) if claim is None else claim.name


def _is_own(context: Context, key: ResourceKey) -> bool:
    return key.namespace == context.situation.accepted.state.regent.namespace


def _is_refused(
    context: Context, key: ResourceKey, entry: RoleEntry | UserEntry, name: str
) -> bool:
    """A User whose role is there and is not taken, as it waits or as nobody says `adopt`."""
    if entry.kind == "Role" or key in context.granted or entry.spec.enabled is False:
        return False
    now, until = context.situation.now, entry.spec.valid_until
    if until is not None and until <= now:
        return False
    reason, _ = context.findings.troubles.get(str(key), ("", ""))
    return reason in (EXISTS_UNMANAGED, "WaitingForReference") and (
        _is_own(context, key) or not adopt_refused_by(context.situation, key.namespace, name)
    )


def _to_connect(
    context: Context, reference: ResourceKey, databases: Collection[str]
) -> Iterator[str]:
    """Where somebody who lists this is to connect by it, as far as that is known."""
    accepted = context.situation.accepted
    entry = accepted.state.resources.get(str(reference))
    if entry is None:
        is_deleted = str(reference) in accepted.ever_seen
        for database in () if is_deleted else databases:
            if not _is_bounded(context, reference.namespace, database):
                yield database
    elif entry.kind == "Permission" and entry.spec.database in databases:
        spec, major = entry.spec, context.situation.server.major
        if CONNECT in expand(spec.actions, spec.object_kind, major) and (
            _is_own(context, reference)
            or not permission_trouble(context.situation, reference.namespace, entry)
        ):
            yield entry.spec.database


def _is_bounded(context: Context, namespace: str, database: str) -> bool:
    """Whether no Permission of this namespace may give CONNECT there."""
    return bool(
        refused_by(
            context.situation,
            namespace,
            lambda one: (
                one.databases.lets_in(database)
                and (one.actions is None or not {CONNECT, ALL}.isdisjoint(one.actions))
            ),
        )
    )


def _groups(context: Context, key: ResourceKey, entry: RoleEntry | UserEntry) -> Iterator[str]:
    """The names of the roles that it is to be a member of."""
    if _is_own(context, key):
        yield from (one.role for one in entry.spec.member_of)
    if entry.kind == "Role":
        return
    now = context.situation.now
    given = (
        one.role
        for one in entry.spec.access
        if (one.starts_at is None or one.starts_at <= now) and now < one.until
    )
    for name in (*entry.spec.roles, *given):
        role = ResourceKey("Role", key.namespace, name)
        there: Entry | None = context.situation.accepted.state.resources.get(str(role))
        if there is not None and there.kind == "Role" and not is_public(there):
            yield _name(context, role, there)
