"""One object of each kind, and every privilege on it: what tests go through, one after another.

docs/kinds.md is written from EDGES, which tests/integration/test_every_privilege.py holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from regent.kinds import KINDS
from shared.privileges import ObjectKind, unknown_to

NOTHING = "SELECT 1"


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of a kind: what selects it, what GRANT calls it, and the query for its ACL."""

    selected: str
    on: str
    acl: str
    setup: str = NOTHING
    columns: str = ""


THINGS: Mapping[ObjectKind, Thing] = {
    ObjectKind.DATABASE: Thing(
        "", "DATABASE mydb", "SELECT datacl FROM pg_database WHERE datname = 'mydb'"
    ),
    ObjectKind.SCHEMA: Thing(
        "schemas: [schema1]",
        "SCHEMA schema1",
        "SELECT nspacl FROM pg_namespace WHERE nspname = 'schema1'",
    ),
    ObjectKind.TABLE: Thing(
        "schemas: [schema1], tables: [flights]",
        "TABLE schema1.flights",
        "SELECT relacl FROM pg_class WHERE oid = 'schema1.flights'::regclass",
    ),
    ObjectKind.COLUMN: Thing(
        "schemas: [schema1], tables: [airports], columns: [code]",
        "TABLE schema1.airports",
        "SELECT attacl FROM pg_attribute WHERE attrelid = 'schema1.airports'::regclass"
        " AND attname = 'code'",
        columns=" (code)",
    ),
    ObjectKind.SEQUENCE: Thing(
        "schemas: [schema1], sequences: [ticket_numbers]",
        "SEQUENCE schema1.ticket_numbers",
        "SELECT relacl FROM pg_class WHERE oid = 'schema1.ticket_numbers'::regclass",
    ),
    ObjectKind.ROUTINE: Thing(
        "schemas: [schema1], routines: ['flight_count()']",
        "FUNCTION schema1.flight_count()",
        "SELECT proacl FROM pg_proc WHERE oid = 'schema1.flight_count'::regproc",
    ),
    ObjectKind.TYPE: Thing(
        "schemas: [schema1], types: [mood]",
        "TYPE schema1.mood",
        "SELECT typacl FROM pg_type WHERE oid = 'schema1.mood'::regtype",
        setup="CREATE TYPE schema1.mood AS ENUM ('calm')",
    ),
    ObjectKind.LANGUAGE: Thing(
        "languages: [lang]",
        "LANGUAGE lang",
        "SELECT lanacl FROM pg_language WHERE lanname = 'lang'",
        setup="CREATE TRUSTED LANGUAGE lang HANDLER plpgsql_call_handler",
    ),
    ObjectKind.FOREIGN_DATA_WRAPPER: Thing(
        "foreignDataWrappers: [wrap]",
        "FOREIGN DATA WRAPPER wrap",
        "SELECT fdwacl FROM pg_foreign_data_wrapper WHERE fdwname = 'wrap'",
        setup="CREATE FOREIGN DATA WRAPPER wrap",
    ),
    ObjectKind.FOREIGN_SERVER: Thing(
        "foreignServers: [far]",
        "FOREIGN SERVER far",
        "SELECT srvacl FROM pg_foreign_server WHERE srvname = 'far'",
        setup="CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER far FOREIGN DATA WRAPPER nothing",
    ),
    ObjectKind.LARGE_OBJECT: Thing(
        "largeObjects: [50001]",
        "LARGE OBJECT 50001",
        "SELECT lomacl FROM pg_largeobject_metadata WHERE oid = 50001",
        setup="SELECT lo_create(50001)",
    ),
    ObjectKind.PROPERTY_GRAPH: Thing(
        "schemas: [schema1], propertyGraphs: [routes_graph]",
        "PROPERTY GRAPH schema1.routes_graph",
        "SELECT relacl FROM pg_class WHERE oid = 'schema1.routes_graph'::regclass",
        setup="CREATE PROPERTY GRAPH schema1.routes_graph VERTEX TABLES (schema1.airports)",
    ),
    ObjectKind.TABLESPACE: Thing(
        "tablespaces: [pg_default]",
        "TABLESPACE pg_default",
        "SELECT spcacl FROM pg_tablespace WHERE spcname = 'pg_default'",
    ),
    ObjectKind.PARAMETER: Thing(
        "parameters: [log_duration]",
        "PARAMETER log_duration",
        "SELECT paracl FROM pg_parameter_acl WHERE parname = 'log_duration'",
    ),
}


@dataclass(frozen=True, slots=True)
class Edge:
    """One privilege on the kind's object, and the Role that shall have it and nothing else."""

    kind: ObjectKind
    privilege: str
    with_option: bool

    @property
    def role(self) -> str:
        words = f"{self.kind} {self.privilege} {'given on' if self.with_option else ''}"
        return words.strip().lower().replace(" ", "-")

    @property
    def declared(self) -> str:
        option = ", withGrantOption: true" if self.with_option else ""
        selected = f"{THINGS[self.kind].selected}, ".removeprefix(", ")
        return (
            f"Permission/{self.role}: {{database: mydb, {selected}actions: [{self.privilege}],"
            f" implied: false{option}}}\n"
            f"Role/{self.role}: {{database: mydb, permissions: [{self.role}]}}"
        )

    def broken(self, others: Iterable[str]) -> str:
        """What is declared goes, or its grant option comes or goes; what is not declared comes."""
        thing = THINGS[self.kind]
        on = f"{thing.columns} ON {thing.on}"
        if self.with_option:
            statements = [f'REVOKE GRANT OPTION FOR {self.privilege}{on} FROM "{self.role}"']
        else:
            statements = [f'GRANT {self.privilege}{on} TO "{self.role}" WITH GRANT OPTION']
        statements += [f'GRANT {one}{on} TO "{self.role}"' for one in others]
        return "; ".join(statements)

    def taken(self) -> str:
        thing = THINGS[self.kind]
        return f'REVOKE {self.privilege}{thing.columns} ON {thing.on} FROM "{self.role}"'


EDGES = tuple(
    Edge(kind, privilege, with_option)
    for kind, row in KINDS.items()
    for privilege in sorted(row.privileges)
    for with_option in (False, True)
)


def edges_of(major: int) -> tuple[Edge, ...]:
    """Those that there are in this version."""
    return tuple(
        one
        for one in EDGES
        if KINDS[one.kind].since <= major and one.privilege not in unknown_to(major, one.kind)
    )
