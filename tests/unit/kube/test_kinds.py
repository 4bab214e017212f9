"""Where objects live in the API."""

from __future__ import annotations

import pytest

from controller.kube.kinds import (
    CUSTOM_RESOURCE_DEFINITION,
    DEPLOYMENT,
    LEASE,
    NAMESPACE,
    OUR_KINDS,
    SECRET,
    USER,
    key_of,
)


def test_an_object_of_the_core_group_lives_below_api() -> None:
    assert SECRET.path("web", "db") == "/api/v1/namespaces/web/secrets/db"
    assert NAMESPACE.path(None, "web") == "/api/v1/namespaces/web"


def test_an_object_of_a_named_group_lives_below_apis() -> None:
    assert DEPLOYMENT.path("web", "app") == "/apis/apps/v1/namespaces/web/deployments/app"
    assert DEPLOYMENT.api_version == "apps/v1"
    assert DEPLOYMENT.qualified == "deployments.apps"


def test_without_a_name_all_objects_of_a_namespace_or_of_all_are_meant() -> None:
    assert LEASE.path("web") == "/apis/coordination.k8s.io/v1/namespaces/web/leases"
    assert LEASE.path() == "/apis/coordination.k8s.io/v1/leases"


def test_a_status_is_a_path_below_its_object() -> None:
    assert USER.path("web", "app", "status").endswith("/namespaces/web/users/app/status")


def test_a_name_cannot_lead_to_another_path() -> None:
    assert SECRET.path("web", "../../x?y") == "/api/v1/namespaces/web/secrets/..%2F..%2Fx%3Fy"


@pytest.mark.parametrize(("namespace", "name"), [(None, "db"), ("", "db"), ("web", "")])
def test_an_object_needs_its_namespace_and_its_name(namespace: str | None, name: str) -> None:
    """An empty one would reach the collection: a DELETE there deletes everything."""
    with pytest.raises(ValueError, match="needs a namespace and a name"):
        SECRET.path(namespace, name)


def test_what_lives_in_no_namespace_is_not_looked_for_in_one() -> None:
    with pytest.raises(ValueError, match="live in no namespace"):
        CUSTOM_RESOURCE_DEFINITION.path("web", "users")


def test_a_subresource_needs_an_object() -> None:
    with pytest.raises(ValueError, match="needs a name"):
        USER.path("web", None, "status")


def test_the_four_kinds_are_of_our_group() -> None:
    assert {kind.name for kind in OUR_KINDS} == {"Permission", "Role", "User", "Regent"}
    assert {kind.api_version for kind in OUR_KINDS} == {"putnam120.postgregent/v1alpha1"}


def test_a_key_is_namespace_and_name() -> None:
    assert key_of({"metadata": {"namespace": "web", "name": "db"}}) == ("web", "db")
    assert key_of({"metadata": {"name": "web"}}) == ("", "web")
