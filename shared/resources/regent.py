"""Regent: one PostgreSQL server, who acts on it, and what may be declared for it.

Long because every field is described for `kubectl explain`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from shared.privileges import PublicRight
from shared.resources.base import API_VERSION, Breach, Flag, Part, Whole, refuse
from shared.resources.deployment import Deployment
from shared.resources.names import (
    AnyRoleName,
    Identifier,
    LabelKey,
    LabelValue,
    NamePattern,
    ResourceName,
)
from shared.resources.permission import Action
from shared.resources.references import LabelSelector, SecretKeyRef, SecretRef
from shared.resources.resource import Resource

DEFAULT_PORT = 5432
DEFAULT_HOME_DATABASE = "postgregent"
DEFAULT_RESYNC_SECONDS = 60
DEFAULT_BRAKE_PERCENT = 20
DEFAULT_BRAKE_MINIMUM = 5
VERIFIED_WAYS = (["clientCertificateSecretRef"], ["authentication"])
"""What is shown to a server that proves who it is, and to no other (ADR 51, ADR 54)."""

Enforcement = Literal["Observe", "Correct", "Prevent"]
Detector = Literal["Auto", "Triggers", "Polling"]
UnmanagedRoles = Literal["Ignore", "Report", "Disable"]
PublicPrivilege = Literal["Ignore", "Declared"]
TlsMode = Literal["disable", "require", "verify-ca", "verify-full"]
Provider = Literal["AWS", "GCP", "Azure"]
OutsideSchema = Literal[
    "database", "foreignDataWrappers", "foreignServers", "languages", "largeObjects", "tablespaces"
]
Attribute = Literal["superuser", "createdb", "createrole", "inherit", "replication", "bypassrls"]

_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?"
                   r"(\.[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?)*\.?")  # fmt: skip


def _one_host(value: str) -> str:
    """A name or an address: whatever else libpq takes could lead the password elsewhere."""
    try:
        ip_address(value)
    except ValueError:
        if not _HOST.fullmatch(value):
            raise refuse(
                "is not the name or address of one host",
                "write only that, such as db.example.org; the port goes in port, the database in "
                "databaseName",
            ) from None
    return value


Host = Annotated[
    str,
    AfterValidator(_one_host),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 253}),
]
Patterns = Annotated[tuple[NamePattern, ...], Field(max_length=256)]


class Tls(Part):
    """How the connection is encrypted, and whom it believes."""

    mode: Annotated[
        TlsMode | None,
        Field(
            description="disable, require (encrypted, unverified), verify-ca or verify-full. "
            "Without it TLS is used where the server offers it. In every mode the password is "
            "given over SCRAM or verified TLS only."
        ),
    ] = None
    ca_secret_ref: Annotated[
        SecretKeyRef | None, Field(description="The CA's certificates. Default: the system's.")
    ] = None

    def breaches(self) -> Iterable[Breach]:
        """A CA is for verifying."""
        if self.ca_secret_ref and self.mode == "disable":
            yield Breach(("caSecretRef",), "does not go with mode disable", "take it out")


class Authentication(Part):
    """A cloud's token instead of a password."""

    provider: Annotated[
        Provider,
        Field(description="Whose: AWS (RDS IAM), GCP (Cloud SQL IAM) or Azure (Microsoft Entra)."),
    ]
    region: Annotated[
        str | None,
        Field(
            pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
            max_length=64,
            description="Of the server, for AWS. Default: what its library finds, as AWS_REGION.",
        ),
    ] = None
    identity: Annotated[
        str | None,
        Field(
            pattern="^[A-Za-z0-9][-A-Za-z0-9+=,.@_/:]*$",
            max_length=256,
            description="Whom the Regent's service account stands for, in a cluster: ARN of a role "
            "(AWS), email of a service account (GCP), client id (Azure). The cloud decides.",
        ),
    ] = None

    def breaches(self) -> Iterable[Breach]:
        """Only AWS has a region in its tokens."""
        if self.region is not None and self.provider != "AWS":
            yield Breach(("region",), f"does not go with {self.provider}", "take it out")


class PublicPrivileges(Part):
    """Which rights of PUBLIC, everybody, are declared by Roles with `public: true`.

    Of a declared one PUBLIC holds exactly what they list in the served databases. Outside are
    system and ignored schemas, and members of extensions.
    """

    connect: Annotated[
        PublicPrivilege | None, Field(description="CONNECT on databases. Default Ignore.")
    ] = None
    temporary: Annotated[
        PublicPrivilege | None, Field(description="TEMPORARY on databases. Default Ignore.")
    ] = None
    schema_create: Annotated[
        PublicPrivilege | None, Field(description="CREATE on schemas. Default Ignore.")
    ] = None
    execute: Annotated[
        PublicPrivilege | None, Field(description="EXECUTE on routines. Default Ignore.")
    ] = None
    usage: Annotated[
        PublicPrivilege | None, Field(description="USAGE on types and languages. Default Ignore.")
    ] = None
    other: Annotated[
        PublicPrivilege | None,
        Field(
            description="Every other privilege in a served database: on tables, views, columns, "
            "sequences, large objects, foreign-data wrappers and servers, USAGE on schemas, CREATE "
            "on the database. Default Ignore."
        ),
    ] = None

    @property
    def declared(self) -> frozenset[PublicRight]:
        """Those that say Declared."""
        given = self.model_dump(by_alias=True)
        return frozenset(right for right in PublicRight if given.get(right) == "Declared")


class Allow(Part):
    """What may be declared. A list that is left out means its default, an empty one nothing."""

    databases: Annotated[Patterns | None, Field(description="Databases that may be named.")] = None
    schemas: Annotated[Patterns | None, Field(description="Schemas that may be named.")] = None
    outside_schemas: Annotated[
        tuple[OutsideSchema, ...] | None,
        Field(
            max_length=6,
            description="What stands in no schema and may be given on: database (CREATE, which "
            "makes schemas, and owning one), and fields of a Permission. Default: everything "
            'where schemas is not given or has "*", else nothing. Parameters have their own list.',
        ),
    ] = None
    names: Annotated[
        Patterns | None, Field(description="Names that roles may have in PostgreSQL.")
    ] = None
    actions: Annotated[
        tuple[Action, ...] | None,
        Field(
            max_length=17,
            description="Actions that may be given. REFERENCES, TRIGGER and EXECUTE by name are "
            "given whoever the owner is, else not where they make one a superuser or the like.",
        ),
    ] = None
    attributes: Annotated[
        tuple[Attribute, ...] | None, Field(max_length=6, description="Attributes beyond inherit.")
    ] = None
    member_of: Annotated[
        Patterns | None,
        Field(
            description="Built-in and unmanaged roles that may be joined. Built-in roles, "
            "superusers and what reaches them by their exact names only."
        ),
    ] = None
    parameters: Annotated[
        Patterns | None,
        Field(
            description="Settings beyond those any user may set, and parameters on which "
            "privileges may be given. ALTER SYSTEM must stand in actions as well."
        ),
    ] = None
    creators: Annotated[
        Patterns | None,
        Field(
            description="Roles besides those of the same namespace whose new objects default "
            "privileges may be on; admins, and those that reach everything, by their exact names "
            "only. Default: every other role."
        ),
    ] = None
    reassign_owned_to: Annotated[
        Patterns | None,
        Field(
            description="Roles that may get what others owned; those that reach everything by "
            "their exact names only. Default: managed roles of the same namespace, no code."
        ),
    ] = None
    owned_schemas: Annotated[
        Patterns | None,
        Field(
            description="Schemas that may be made somebody's own, whoever owns them; public, and "
            "those that are called as a role is, by their exact names only. Default: none but new "
            "ones, and those of managed roles of the same namespace."
        ),
    ] = None
    owned_databases: Annotated[
        Patterns | None,
        Field(
            description="Databases that may be made somebody's own, whoever owns them. Default: "
            "none but new ones, and those of managed roles of the same namespace."
        ),
    ] = None
    adopt: Annotated[
        Patterns | None,
        Field(
            description="Existing roles that may be taken over; those that own something by their "
            "exact names only. Default: all for the Regent's own namespace, none for others."
        ),
    ] = None


class AllowedNamespace(Part):
    """Namespaces besides the Regent's own whose resources it serves.

    Of several entries the first that names or selects a namespace counts for it, and it alone.
    """

    names: Annotated[
        tuple[ResourceName, ...], Field(max_length=64, description="The namespaces, by name.")
    ] = ()
    selector: Annotated[LabelSelector | None, Field(description="The namespaces, by label.")] = None
    allow: Annotated[
        Allow | None,
        Field(
            description="What they may declare: what these lists name, and the Regent's own allow "
            "as well. A list that is left out is empty."
        ),
    ] = None

    def breaches(self) -> Iterable[Breach]:
        """Names or a selector."""
        if self.names and self.selector:
            yield Breach(("selector",), "does not go together with names", "keep one of them")
        if not self.names and self.selector is None:
            yield Breach(("names",), "is missing", "add names, or a selector")


class Brake(Part):
    """When a push takes so much away that a person has to look (rule 20)."""

    mode: Annotated[
        Literal["Enabled", "Disabled"] | None, Field(description="Default Enabled.")
    ] = None
    percent: Annotated[
        Whole | None, Field(ge=0, le=100, description="Share of privileges lost. Default 20.")
    ] = None
    minimum: Annotated[
        Whole | None,
        Field(ge=1, le=1_000_000, description="Fewer losses than this never pull it. Default 5."),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _word(cls, data: Any) -> Any:
        if isinstance(data, str | bool) and data != "Disabled":
            raise refuse(
                "is no word for the brake",
                "write Disabled, in these letters, to switch it off, or leave it out",
            )
        return {"mode": data} if data == "Disabled" else data

    @property
    def is_enabled(self) -> bool:
        """`mode`, with its default."""
        return self.mode != "Disabled"

    @property
    def effective_percent(self) -> int:
        """`percent`, with its default."""
        return DEFAULT_BRAKE_PERCENT if self.percent is None else self.percent

    @property
    def effective_minimum(self) -> int:
        """`minimum`, with its default."""
        return DEFAULT_BRAKE_MINIMUM if self.minimum is None else self.minimum


class RegentSpec(Part):
    """The server, the admin, and the rules."""

    admin_user: Annotated[
        AnyRoleName, Field(description="The role that acts. It is never managed itself.")
    ]
    admin_password_secret_ref: Annotated[
        SecretKeyRef | None, Field(description="The Secret and key that hold its password.")
    ] = None
    connection_secret_ref: Annotated[
        SecretRef | None,
        Field(description="A Secret with the password under `password`, as other operators make."),
    ] = None
    client_certificate_secret_ref: Annotated[
        SecretRef | None,
        Field(
            description="A kubernetes.io/tls Secret with a client certificate (`tls.crt`) and its "
            "key (`tls.key`) to log in with. The server's certificate is verified."
        ),
    ] = None
    authentication: Annotated[
        Authentication | None,
        Field(
            description="Log in with a cloud's token, which is renewed before it expires. The "
            "server's certificate is verified."
        ),
    ] = None
    database_host: Annotated[
        Host, Field(description="Name or address of the server; never a DSN, a list or a socket.")
    ]
    port: Annotated[Whole | None, Field(ge=1, le=65_535, description="Default 5432.")] = None
    database_name: Annotated[Identifier, Field(description="The database that is served.")]
    additional_databases: Annotated[
        tuple[Identifier, ...],
        Field(max_length=256, description="More databases of the same server that are served."),
    ] = ()
    home_database: Annotated[
        Identifier | None,
        Field(description="Where the Regent remembers; made when missing. Default postgregent."),
    ] = None
    secrets_selector: Annotated[
        Mapping[LabelKey, LabelValue],
        Field(
            default_factory=dict,
            max_length=16,
            description="Labels that a Secret must have to be read. Without it, every Secret that "
            "is named is read.",
        ),
    ]
    tls: Annotated[Tls | None, Field(description="Encryption of the connection.")] = None
    set_role: Annotated[
        AnyRoleName | None,
        Field(description="The role that every session acts as; adminUser may SET ROLE to it."),
    ] = None
    enforcement: Annotated[
        Enforcement | None,
        Field(
            description="Observe writes nothing, Correct corrects, Prevent also refuses at once. "
            "Default Correct."
        ),
    ] = None
    detector: Annotated[
        Detector | None, Field(description="How drift in objects is found. Default Auto.")
    ] = None
    unmanaged_roles: Annotated[
        UnmanagedRoles | None,
        Field(
            description="What becomes of roles that may log in and that nobody declares: nothing, "
            "a report, or NOLOGIN until it says otherwise. Default Ignore."
        ),
    ] = None
    public_privileges: Annotated[
        PublicPrivileges | None, Field(description="Which rights of PUBLIC are declared.")
    ] = None
    ignore_roles: Annotated[
        Patterns, Field(description='Roles that are left alone, such as "v-*".')
    ] = ()
    ignore_schemas: Annotated[Patterns, Field(description="Schemas that are left alone.")] = ()
    allow: Annotated[
        Allow | None, Field(description="Bounds of what may be declared under this Regent.")
    ] = None
    allowed_namespaces: Annotated[
        tuple[AllowedNamespace, ...],
        Field(
            max_length=64,
            description="Other namespaces that may use this Regent. The first entry that names or "
            "selects a namespace counts for it.",
        ),
    ] = ()
    brake: Annotated[
        Brake | None, Field(description="When losses wait for a person; mode Disabled: never.")
    ] = None
    approval: Annotated[
        Literal["Automatic", "Manual"] | None,
        Field(
            description="Manual: what is declared anew waits for a person's approval, and what was "
            "approved before stays in force. Default Automatic."
        ),
    ] = None
    resync_seconds: Annotated[
        Whole | None,
        Field(ge=5, le=86_400, description="Time between passes that nothing asked for. "
                                           "Default 60."),
    ] = None  # fmt: skip
    suspend: Annotated[Flag | None, Field(description="Does nothing while true.")] = None
    deployment: Annotated[
        Deployment | None, Field(description="How the Regent's pods are scheduled.")
    ] = None

    @property
    def databases(self) -> tuple[str, ...]:
        """The databases that are served, the main one first."""
        return tuple(dict.fromkeys((self.database_name, *self.additional_databases)))

    @property
    def client_certificate_keys(self) -> tuple[SecretKeyRef, ...]:
        """Certificate and key of `clientCertificateSecretRef`, where it is given."""
        if self.client_certificate_secret_ref is None:
            return ()
        name = self.client_certificate_secret_ref.name
        return SecretKeyRef(name=name, key="tls.crt"), SecretKeyRef(name=name, key="tls.key")

    @property
    def effective_port(self) -> int:
        """`port`, with its default."""
        return self.port or DEFAULT_PORT

    @property
    def effective_home_database(self) -> str:
        """`homeDatabase`, with its default."""
        return self.home_database or DEFAULT_HOME_DATABASE

    @property
    def tls_mode(self) -> TlsMode | None:
        """None is TLS where offered, and the password over SCRAM or verified TLS only."""
        return self.tls.mode if self.tls else None

    def breaches(self) -> Iterable[Breach]:
        """One way to log in, and a home that is nobody else's."""
        if self.effective_home_database in self.databases:
            yield Breach(
                ("homeDatabase",),
                f"{self.effective_home_database} is also served",
                "keep the Regent's memory in a database of its own",
            )
        ways = [
            field
            for field in ("adminPasswordSecretRef", "connectionSecretRef",
                          "clientCertificateSecretRef", "authentication")
            if field in self.given()
        ]  # fmt: skip
        if not ways:
            yield Breach(
                ("adminPasswordSecretRef",), "is required", "add the name and key of a Secret"
            )
        if self.tls_mode in {"disable", "require"} and ways[:1] in VERIFIED_WAYS:
            yield Breach(
                ("tls", "mode"),
                f"{self.tls_mode} does not go with {ways[0]}",
                "leave it out, or write verify-full, or verify-ca with caSecretRef",
            )
        for second in ways[1:]:
            yield Breach(
                (second,), f"does not go together with {ways[0]}", "keep one way to log in"
            )


class Regent(Resource[RegentSpec]):
    """One PostgreSQL server that is kept as declared."""

    api_version: Literal["putnam120.postgregent/v1alpha1"] = API_VERSION
    kind: Literal["Regent"] = "Regent"
