"""Permissions become declared grants: one per Permission, with everyone it is given to."""

from __future__ import annotations

from collections.abc import Mapping

from regent.desired import DeclaredGrant
from regent.kinds import KINDS, Naming
from regent.resolve.allowed import parameter_trouble, permission_trouble, schemas_of
from regent.resolve.claims import Claim
from regent.resolve.references import Listed
from regent.resolve.situation import Findings, Situation
from shared.keys import ResourceKey
from shared.privileges import ALL, ObjectKind, expand, unknown_to
from shared.state import PermissionEntry


def declared_grants(
    situation: Situation,
    listed: Listed,
    granted: Mapping[ResourceKey, Claim],
    findings: Findings,
) -> Mapping[str, tuple[DeclaredGrant, ...]]:
    """For every served database, what its Permissions give and to whom."""
    grantees = _grantees(listed, granted)
    by_database: dict[str, list[DeclaredGrant]] = {name: [] for name in situation.served}
    for key, entry in listed.available.items():
        grant = _grant(situation, key, entry, tuple(grantees.get(key, ())), findings)
        if grant is not None:
            by_database[entry.spec.database].append(grant)
    return {name: tuple(grants) for name, grants in by_database.items()}


def _grantees(
    listed: Listed, granted: Mapping[ResourceKey, Claim]
) -> Mapping[ResourceKey, Mapping[str, None]]:
    """The PostgreSQL names that list each Permission, once each and in a stable order."""
    grantees: dict[ResourceKey, dict[str, None]] = {}
    for key, claim in sorted(granted.items()):
        for permission in listed.permissions.get(key, ()):
            grantees.setdefault(permission, {})[claim.name] = None
    return grantees


def _grant(
    situation: Situation,
    key: ResourceKey,
    entry: PermissionEntry,
    grantees: tuple[str, ...],
    findings: Findings,
) -> DeclaredGrant | None:
    spec = entry.spec
    if spec.database not in situation.served:
        findings.trouble(
            key,
            "NoRegent",
            f"spec.database: no Regent of this namespace serves {spec.database!r};"
            f" this one serves {', '.join(situation.served)}.",
        )
        return None
    refusal = permission_trouble(situation, entry)
    if refusal:
        findings.trouble(
            key, "NotAllowed", f"{refusal} of the Regent. Add it there, or take it out here."
        )
        return None
    row = KINDS[spec.object_kind]
    if situation.server.major < row.since:
        findings.trouble(
            key,
            "Unsupported",
            f"spec.{row.listed_in}: privileges on {row.many} exist from PostgreSQL {row.since} on,"
            f" and this server has {situation.server.major}: nothing is given.",
        )
        return None
    privileges = _privileges(situation, key, spec.actions, row.kind, findings)
    names = spec.object_names
    if row.naming is Naming.PARAMETER:
        names = tuple(name.lower() for name in names)
        if refusal := parameter_trouble(situation, names, privileges):
            findings.trouble(key, "NotAllowed", refusal)
            return None
    if not grantees:
        findings.note(key, "No Role or User lists it.")
    if "CONNECT" in privileges:
        _note_public_connect(situation, key, spec.database, findings)
    return DeclaredGrant(
        permission=key,
        kind=row.kind,
        grantees=grantees,
        privileges=privileges,
        schemas=tuple(spec.schemas),
        names=names,
        columns=tuple(spec.columns),
        grantable=bool(spec.with_grant_option),
        implied=spec.implied is not False,
        extensions=bool(spec.extensions),
        implied_in=schemas_of(situation),
    )


def _privileges(
    situation: Situation,
    key: ResourceKey,
    actions: tuple[str, ...],
    kind: ObjectKind,
    findings: Findings,
) -> frozenset[str]:
    major = situation.server.major
    unknown = unknown_to(major, kind) & frozenset(actions)
    if unknown:
        findings.trouble(
            key,
            "Unsupported",
            f"spec.actions: PostgreSQL {major} has no {', '.join(sorted(unknown))};"
            " the other actions hold.",
        )
    privileges = expand(actions, kind, major)
    if ALL in actions:
        findings.note(key, f"ALL means {', '.join(sorted(privileges))} here.")
    return privileges


def _note_public_connect(
    situation: Situation, key: ResourceKey, database: str, findings: Findings
) -> None:
    """CONNECT restricts nobody while PUBLIC has it (rule 11)."""
    for group in situation.server.databases:
        if database in group.names and any(
            item.grantee is None and "CONNECT" in item.privileges for item in group.acl
        ):
            findings.note(key, f"It restricts nobody: PUBLIC may connect to {database!r} too.")
