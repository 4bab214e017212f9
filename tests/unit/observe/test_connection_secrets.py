"""Credentials that other operators made."""

from __future__ import annotations

from typing import Any

import pytest

from controller.kube.errors import ApiError
from controller.observe.connection_secrets import (
    OWN_ROLES,
    Layout,
    NoPassword,
    OtherUser,
    admin_password,
    read_credentials,
)
from controller.observe.reader import Reader, read_secrets, secret_names, with_ignored_roles
from controller.workloads.admins import (
    Account,
    AdminSecretMissing,
    HostNotAllowed,
    admin_of,
    host_check,
)
from shared.keys import ResourceKey
from shared.resources import Regent
from tests.unit.cluster.objects import REGENT_SPEC, raw, regent, secret

CLOUDNATIVEPG = {
    "username": b"postgres", "password": b"pw", "host": b"c-rw", "port": b"5432", "dbname": b"*",
    "pgpass": b"c-rw:5432:*:postgres:pw", "uri": b"postgresql://postgres:pw@c-rw:5432/*",
}  # fmt: skip
CRUNCHY = {
    "user": b"hippo", "password": b"pw", "host": b"hippo-primary.ns.svc", "port": b"5432",
    "dbname": b"hippo", "verifier": b"SCRAM-SHA-256$...", "uri": b"postgresql://hippo:pw@h/hippo",
}  # fmt: skip
ZALANDO = {"username": b"postgres", "password": b"pw"}
ZALANDO_NAME = "postgres.acid-minimal.credentials.postgresql.acid.zalan.do"
RDS = {
    "username": b"master", "password": b"pw", "engine": b"postgres", "host": b"x.rds.example.org",
    "port": b"5432", "dbInstanceIdentifier": b"x",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values", "layout", "user"),
    [
        ("cluster-superuser", CLOUDNATIVEPG, Layout.CLOUDNATIVEPG, "postgres"),
        ("hippo-pguser-hippo", CRUNCHY, Layout.CRUNCHY, "hippo"),
        (ZALANDO_NAME, ZALANDO, Layout.ZALANDO, "postgres"),
        ("rds", RDS, Layout.RDS, "master"),
        ("mine", {"password": b"pw"}, Layout.PLAIN, None),
        ("uri", {"uri": b"postgresql://me:p%77@h:1/d"}, Layout.PLAIN, "me"),
    ],
)
def test_every_layout_gives_its_password_and_says_whose_it_is(
    name: str, values: dict[str, bytes], layout: Layout, user: str | None
) -> None:
    found = read_credentials(name, values, {})
    assert (found.layout, found.user, found.password) == (layout, user, b"pw")
    assert "pw" not in repr(found)


def test_a_secret_without_a_password_or_of_another_role_is_refused_with_the_way_out() -> None:
    with pytest.raises(NoPassword, match="holds no password"):
        read_credentials("a", {"username": b"me"}, {})
    with pytest.raises(OtherUser, match=r"is of the role hippo, and spec\.adminUser is my-admin"):
        admin_password("a", CRUNCHY, {}, "my-admin")


def test_another_operators_own_roles_are_ignored_without_being_named() -> None:
    spec = {k: v for k, v in REGENT_SPEC.items() if k != "adminPasswordSecretRef"}
    spec |= {"connectionSecretRef": {"name": "c"}, "ignoreRoles": ["v-*"]}
    declared = Reader().read([("Regent", raw("Regent", "my-regent", spec))])
    texts = {key: value.decode() for key, value in CLOUDNATIVEPG.items()}
    names = secret_names(declared)
    assert {str(name) for name in names} == {"default/c"}
    found = read_secrets(names, {("default", "c"): secret("c", None, **texts)})
    changed = with_ignored_roles(declared, found)
    resource = changed.resources[ResourceKey("Regent", "default", "my-regent")].resource
    assert isinstance(resource, Regent)
    assert resource.spec.ignore_roles == ("v-*", *OWN_ROLES[Layout.CLOUDNATIVEPG])


def test_the_admins_secret_must_be_there_selected_and_full() -> None:
    one = regent(secretsSelector={"team": "a"})

    def admin(found: dict[str, Any]) -> bytes:
        names = secret_names(Reader().read([("Regent", raw("Regent", "my-regent", REGENT_SPEC))]))
        secrets = read_secrets(names, {("default", "mydb-passwords"): found})
        return admin_of(one, secrets).password or b""

    assert admin(secret("mydb-passwords", {"team": "a"}, admin="pw")) == b"pw"
    with pytest.raises(AdminSecretMissing, match="team=a"):
        admin(secret("mydb-passwords", {}, admin="pw"))
    with pytest.raises(AdminSecretMissing, match="no key admin"):
        admin(secret("mydb-passwords", {"team": "a"}, other="pw"))
    with pytest.raises(AdminSecretMissing, match="empty"):
        admin(secret("mydb-passwords", {"team": "a"}, admin="\n"))
    with pytest.raises(AdminSecretMissing, match="does not exist"):
        admin_of(one, {})


@pytest.mark.found("C26")
def test_what_may_not_be_read_is_not_said_to_be_missing() -> None:
    """Creating the Secret again would not help: a right is missing, and is named."""
    account = Account("here", "postgregent")
    refused = ApiError(403, "Forbidden", "/api/v1/namespaces/team-a/secrets: 403 Forbidden")
    said = str(account.unreadable("team-a", str(refused)))
    assert "kubectl create rolebinding postgregent-secrets-by-hand -n team-a" in said
    assert "--serviceaccount=here:postgregent" in said
    assert "Create it" not in said
    away = str(account.unreadable("team-403", "/api/v1/namespaces/team-403/secrets: no answer"))
    assert "rolebinding" not in away


@pytest.mark.rule("28b")
def test_an_installation_may_list_the_hosts_that_regents_connect_to() -> None:
    check = host_check(("*.example.org", "10.0.0.7"))
    check(regent())
    with pytest.raises(HostNotAllowed, match=r"elsewhere.*Allowed are \*\.example\.org"):
        check(regent(databaseHost="elsewhere.net"))
    host_check(())(regent(databaseHost="elsewhere.net"))
