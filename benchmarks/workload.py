"""What is measured on: databases of several sizes, and what is declared over them."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

DATABASE = "bench"
DML = ("SELECT", "INSERT", "UPDATE", "DELETE")
ALL = (*DML, "TRUNCATE", "REFERENCES", "TRIGGER")


@dataclass(frozen=True, slots=True)
class Size:
    """There is a schema for each Role, and each may do `actions` on all tables of `reach` of them.

    No declaration names a table. Each User has one Role.
    """

    name: str
    roles: int
    users: int
    tables: int
    actions: tuple[str, ...] = DML
    reach: int = 1

    @property
    def tables_per_schema(self) -> int:
        """There are as many schemas as Roles."""
        return self.tables // self.roles

    @property
    def privileges(self) -> int:
        """On tables, each counted once for each Role that has it."""
        return self.tables * self.reach * len(self.actions)

    def schemas_of(self, role: int) -> tuple[str, ...]:
        """The schemas that a Role reaches: its own, and those of the next ones."""
        return tuple(f"s{(role + i) % self.roles}" for i in range(self.reach))

    def edge(self, n: int) -> tuple[int, str]:
        """The table of the n-th repetition, and how often all tables were used before it."""
        number = n // self.roles
        table = f"s{n % self.roles}.t{number % self.tables_per_schema}"
        return number // self.tables_per_schema, table


SIZES = {
    one.name: one
    for one in (
        Size("small", 10, 50, 100),
        Size("wide", 10, 50, 10_000),
        Size("medium", 50, 500, 2_000, actions=ALL),
        Size("large", 100, 2_000, 10_000, reach=3),
    )
}
"""`medium` has 14,000 privileges on tables, `large` 120,000."""


def declared(size: Size) -> str:
    """The resources as lines of tests.declared, less the Regent."""
    lines = []
    for n in range(size.roles):
        lines.append(
            f"Permission/p{n}: {{database: {DATABASE}, schemas: [{', '.join(size.schemas_of(n))}],"
            f" tables: ['*'], actions: [{', '.join(size.actions)}]}}"
        )
        lines.append(f"Role/r{n}: {{database: {DATABASE}, permissions: [p{n}]}}")
    lines += [f"User/u{n}: {{roles: [r{n % size.roles}]}}" for n in range(size.users)]
    return "\n".join(lines)


def manifests(size: Size, admin: str) -> str:
    """The same as a file of manifests, with the Regent."""
    regent = (
        f"{{adminUser: {admin}, adminPasswordSecretRef: {{name: passwords, key: admin}},"
        f" databaseHost: 127.0.0.1, databaseName: {DATABASE}}}"
    )
    documents = []
    for line in (f"Regent/bench: {regent}", *declared(size).splitlines()):
        name, spec = line.split(": ", 1)
        kind, name = name.split("/")
        documents.append(
            "apiVersion: putnam120.postgregent/v1alpha1\n"
            f"kind: {kind}\nmetadata:\n  name: {name}\nspec: {spec}\n"
        )
    return "---\n".join(documents)


def bare_sql(size: Size) -> str:
    """What nobody can do without: the roles, their memberships, and one GRANT for each schema."""
    actions = ", ".join(size.actions)
    lines = [f"CREATE ROLE r{n};" for n in range(size.roles)]
    lines += [
        f"CREATE ROLE u{n} LOGIN; GRANT r{n % size.roles} TO u{n};" for n in range(size.users)
    ]
    for n in range(size.roles):
        for schema in size.schemas_of(n):
            lines.append(f"GRANT USAGE ON SCHEMA {schema} TO r{n};")
            lines.append(f"GRANT {actions} ON ALL TABLES IN SCHEMA {schema} TO r{n};")
    return "\n".join(lines)


async def fill(connection: asyncpg.Connection, size: Size) -> None:
    """The schemas with their tables, made in pieces: a transaction's locks are bounded."""
    for n in range(size.roles):
        await connection.execute(f"CREATE SCHEMA s{n}")
        for start in range(0, size.tables_per_schema, 200):
            await connection.execute(
                ";".join(
                    f"CREATE TABLE s{n}.t{i} (id int)"
                    for i in range(start, min(start + 200, size.tables_per_schema))
                )
            )
