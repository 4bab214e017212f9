"""The four resources, as pydantic models that also describe themselves to Kubernetes."""

from __future__ import annotations

from shared.resources.base import API_VERSION, GROUP, Breach, json_schema
from shared.resources.grantee import (
    Attributes,
    DefaultPrivilege,
    GranteeSpec,
    Membership,
    Owned,
    Owns,
)
from shared.resources.permission import Permission, PermissionSpec, fitting_actions
from shared.resources.references import LabelSelector, SecretKeyRef, SecretRef
from shared.resources.regent import (
    Allow,
    AllowedNamespace,
    Brake,
    PublicPrivileges,
    Regent,
    RegentSpec,
    Tls,
)
from shared.resources.resource import (
    APPROVE_ANNOTATION,
    DEFAULT_NAMESPACE,
    RELEASE_ANNOTATION,
    ROTATE_ANNOTATION,
    SUCCEEDS_ANNOTATION,
    TAKEOVER_ANNOTATION,
    UNINSTALL_ANNOTATION,
    VANISHED_ANNOTATION,
    Metadata,
    Resource,
)
from shared.resources.role import Role, RoleSpec
from shared.resources.user import Access, Credentials, User, UserSpec

AnyResource = Permission | Role | User | Regent

__all__ = [
    "API_VERSION",
    "APPROVE_ANNOTATION",
    "DEFAULT_NAMESPACE",
    "GROUP",
    "RELEASE_ANNOTATION",
    "ROTATE_ANNOTATION",
    "SUCCEEDS_ANNOTATION",
    "TAKEOVER_ANNOTATION",
    "UNINSTALL_ANNOTATION",
    "VANISHED_ANNOTATION",
    "Access",
    "Allow",
    "AllowedNamespace",
    "AnyResource",
    "Attributes",
    "Brake",
    "Breach",
    "Credentials",
    "DefaultPrivilege",
    "GranteeSpec",
    "LabelSelector",
    "Membership",
    "Metadata",
    "Owned",
    "Owns",
    "Permission",
    "PermissionSpec",
    "PublicPrivileges",
    "Regent",
    "RegentSpec",
    "Resource",
    "Role",
    "RoleSpec",
    "SecretKeyRef",
    "SecretRef",
    "Tls",
    "User",
    "UserSpec",
    "fitting_actions",
    "json_schema",
]
