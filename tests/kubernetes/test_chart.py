"""The chart on a real API server: its rights as they are enforced, its policies, its life."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.crds.__main__ import FOLDER
from tests.kubernetes_harness.access import CallFailed, Cluster
from tests.kubernetes_harness.control_plane import ControlPlane
from tests.wrong_manifests import BARE_REGENT, SECRET, Wrong

CHART = Path(__file__).parents[2] / "charts" / "postgregent"
PATIENCE_SECONDS = 120.0
GROUP = "putnam120.postgregent"
USER = Wrong("", "User", {"roles": ["r"], "passwordSecretRef": SECRET}, (), "intern").manifest
REGENT = Wrong("", "Regent", BARE_REGENT, (), "main").manifest
POLICIES = {"secretReaders": True, "writers": {"groups": ["gitops"]}}
LEASES = {
    "credentials": {"enabled": True},
    "leases": {"enabled": True},
    "api": {"enabled": True, "tlsSecretName": "views"},
}


@pytest.fixture
def installed(crds: Cluster, namespace: str, tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    """Installs the chart without its definitions, which all tests share; gives its account."""

    def install(values: dict[str, Any]) -> str:
        file = tmp_path / "values.yaml"
        file.write_text(json.dumps({"crds": {"enabled": False}, **values}))
        crds.helm("install", "postgregent", str(CHART), "-n", namespace, "--values", str(file))
        return f"system:serviceaccount:{namespace}:postgregent"

    return install


def eventually(act: Callable[[], None]) -> None:
    """Until it raises nothing: the API server takes a moment to know a new policy or right.

    Who has no right yet is refused in other words than those that a test waits for.
    """
    last = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act()
        except (CallFailed, AssertionError, pytest.fail.Exception):
            if time.monotonic() > last:
                raise
        time.sleep(0.2)


def may(cluster: Cluster, account: str, verb: str, asked: str, namespace: str) -> bool:
    """`asked` is resource.group, resource.group/name or resource.group:subresource."""
    asked, _, subresource = asked.partition(":")
    asked, _, name = asked.partition("/")
    resource, _, group = asked.partition(".")
    attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
    attributes |= {"subresource": subresource, "name": name}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": account, "resourceAttributes": attributes},
    }
    answer = cluster.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(review))
    return bool(json.loads(answer)["status"]["allowed"])


def sees(cluster: Cluster, account: str, verb: str, asked: str, namespace: str) -> None:
    """When it may: a new binding is known a moment later."""

    def act() -> None:
        assert may(cluster, account, verb, asked, namespace), f"{verb} {asked} in {namespace!r}"

    eventually(act)


@pytest.mark.found("C30")
def test_a_listed_namespace_that_does_not_exist_waits_for_an_upgrade_and_breaks_none(
    crds: Cluster, namespace: str, installed: Callable[[dict[str, Any]], str]
) -> None:
    """Until now the RoleBinding in it failed the install, and every upgrade after it."""
    late = f"{namespace}-late"
    values = {"watch": {"namespaces": [namespace, late]}, "secrets": {"namespaces": [late]}}
    account = installed(values)
    notes = crds.helm("get", "notes", "postgregent", "-n", namespace)
    assert f"do not exist, and got no RoleBindings: {late}" in notes
    crds.kubectl("create", "namespace", late)
    upgrade = ("upgrade", "postgregent", str(CHART), "-n", namespace, "--reuse-values")
    crds.helm(*upgrade)
    sees(crds, account, "list", "secrets", late)
    sees(crds, account, "create", "events.events.k8s.io", late)
    crds.kubectl("delete", "namespace", late, "--timeout=120s")
    crds.helm(*upgrade)

    def is_over() -> None:
        assert not may(crds, account, "list", "secrets", late)

    eventually(is_over)


def test_the_rights_are_those_of_the_table_and_no_more(
    crds: Cluster, namespace: str, installed: Callable[[dict[str, Any]], str]
) -> None:
    account = installed({"secrets": {"namespaces": ["kube-public"]}})
    allowed = [
        ("list", f"users.{GROUP}", ""),
        ("patch", f"users.{GROUP}", ""),
        ("patch", f"permissions.{GROUP}:status", ""),
        ("create", "events.events.k8s.io", ""),
        ("get", "namespaces/kube-system", ""),
        ("get", f"customresourcedefinitions.apiextensions.k8s.io/users.{GROUP}", ""),
        ("list", "secrets", "kube-public"),
        ("create", "secrets", namespace),
        ("delete", "deployments.apps", namespace),
        ("update", "leases.coordination.k8s.io/postgregent", namespace),
        ("patch", "configmaps/postgregent-departures", namespace),
    ]
    denied = [
        ("patch", f"permissions.{GROUP}", ""),
        ("create", f"users.{GROUP}", ""),
        ("delete", f"users.{GROUP}", ""),
        ("release", f"regents.{GROUP}", ""),
        ("get", "customresourcedefinitions.apiextensions.k8s.io/other.example.org", ""),
        ("patch", f"customresourcedefinitions.apiextensions.k8s.io/users.{GROUP}", ""),
        ("list", "secrets", ""),
        ("get", "namespaces/default", ""),
        ("get", "pods", namespace),
        ("update", "leases.coordination.k8s.io/other", namespace),
        ("patch", "configmaps/other", namespace),
        ("create", "configmaps", namespace),
        ("get", "secrets", "kube-system"),
        ("create", "secrets", "kube-public"),
        ("create", "deployments.apps", "default"),
        ("create", "pods", namespace),
        ("create", "pods:exec", namespace),
        ("create", "tokenreviews.authentication.k8s.io", ""),
        ("create", "rolebindings.rbac.authorization.k8s.io", namespace),
    ]
    for verb, resource, place in allowed:
        sees(crds, account, verb, resource, place)
    for verb, resource, place in denied:
        assert not may(crds, account, verb, resource, place), f"{verb} {resource} in {place!r}"


def test_limited_to_namespaces_it_sees_nothing_elsewhere(
    crds: Cluster, namespace: str, installed: Callable[[dict[str, Any]], str]
) -> None:
    account = installed({"watch": {"namespaces": [namespace]}, "rbac": {"kindsClusterWide": False}})
    sees(crds, account, "list", f"users.{GROUP}", namespace)
    assert not may(crds, account, "list", f"users.{GROUP}", "default")
    assert not may(crds, account, "list", f"users.{GROUP}", "")
    assert not may(crds, account, "list", "namespaces", "")
    sees(crds, account, "list", f"namespaces/{namespace}", "")
    sees(crds, account, "get", "namespaces/kube-system", "")


def patching(cluster: Cluster, namespace: str, account: str) -> Callable[..., None]:
    """Patches a User as the controller; kubectl alone reads it first, and is let."""
    cluster.apply(USER, namespace=namespace)
    place = ("-n", namespace)
    kubectl_reads_first = ("--verb=get", f"--resource=users.{GROUP},users.{GROUP}/status", *place)
    cluster.kubectl("create", "role", "reader", *kubectl_reads_first)
    cluster.kubectl("create", "rolebinding", "reader", "--role=reader", f"--user={account}", *place)

    def patch(change: dict[str, Any], *more: str) -> None:
        arguments = ("patch", "pguser", "intern", *place, "--type=merge", *more)
        cluster.kubectl(*arguments, "-p", json.dumps(change), f"--as={account}")

    return patch


def test_limited_to_namespaces_it_changes_nothing_elsewhere(
    crds: Cluster, namespace: str, installed: Callable[[dict[str, Any]], str]
) -> None:
    """Its right to let go is for the whole cluster, and outlives a namespace that is deleted."""
    served, other = f"{namespace}-served", f"{namespace}-other"
    for name in (served, other):
        crds.kubectl("create", "namespace", name)
    account = installed({"watch": {"namespaces": [served]}})
    crds.kubectl("delete", "rolebinding", "--all", "-n", served)
    sees(crds, account, "patch", f"users.{GROUP}", served)
    assert not may(crds, account, "create", "events.events.k8s.io", other)
    assert not may(crds, account, "list", "secrets", other)
    held = {"metadata": {"finalizers": [f"{GROUP}/access"]}}
    said = {"status": {"observedGeneration": 1}}
    elsewhere, here = (patching(crds, name, account) for name in (other, served))

    def refused(change: dict[str, Any], *more: str) -> None:
        with pytest.raises(CallFailed, match=r"namespaces in watch\.namespaces only"):
            elsewhere(change, "--dry-run=server", *more)

    eventually(lambda: refused(held))
    eventually(lambda: refused(said, "--subresource=status"))
    eventually(lambda: here(held))
    here(said, "--subresource=status")
    here({"metadata": {"finalizers": None}})


def test_the_controller_may_change_finalizers_and_nothing_else(
    crds: Cluster, namespace: str, installed: Callable[[dict[str, Any]], str]
) -> None:
    account = installed({})
    patch = patching(crds, namespace, account)

    def refused(change: dict[str, Any]) -> None:
        with pytest.raises(CallFailed, match="the controller changes finalizers only"):
            patch(change, "--dry-run=server")

    eventually(lambda: refused({"spec": {"roles": ["admin"]}}))
    refused({"metadata": {"labels": {"a": "b"}}})
    refused({"metadata": {"annotations": {"a": "b"}}})
    eventually(lambda: patch({"metadata": {"finalizers": [f"{GROUP}/access"]}}))
    patch({"metadata": {"finalizers": None}})


def test_the_controller_makes_and_changes_no_secret_but_the_password_of_a_user(
    crds: Cluster, namespace: str, installed: Callable[[dict[str, Any]], str]
) -> None:
    """By RBAC alone it could have the token of any account there, or change others' passwords."""
    elsewhere = f"{namespace}-declared"
    crds.kubectl("create", "namespace", elsewhere)
    values = {"secrets": {"namespaces": [elsewhere]}, "credentials": {"enabled": True}}
    account = installed(values)
    owner = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "User", "name": "a", "uid": "u"}
    others = {**owner, "apiVersion": "v1", "kind": "ConfigMap"}
    dry = ("-n", elsewhere, "--dry-run=server", f"--as={account}")

    def make(kind: str, *owners: dict[str, str]) -> None:
        whose = {"kubernetes.io/service-account.name": "default"}
        metadata = {"name": "made", "annotations": whose, "ownerReferences": list(owners)}
        body = {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata}
        body["stringData"] = {"password": "not-a-secret"}
        crds.kubectl("create", "-f", "-", *dry, stdin=json.dumps(body))

    def refused(act: Callable[[], None]) -> None:
        with pytest.raises(CallFailed, match="only Secrets that keep the password of a User"):
            act()

    basic = "kubernetes.io/basic-auth"
    eventually(lambda: refused(lambda: make("kubernetes.io/service-account-token", owner)))
    refused(lambda: make(basic))
    refused(lambda: make(basic, others))
    make(basic, owner)
    crds.apply({"apiVersion": "v1", "kind": "Secret", "type": basic,
                "metadata": {"name": "others"}, "stringData": {"password": "x"}},
               namespace=elsewhere)  # fmt: skip
    patched = json.dumps({"metadata": {"ownerReferences": [owner]}, "data": {"password": "eA=="}})
    reader = ("create", "role", "reader", "--verb=get", "--resource=secrets", "-n", elsewhere)
    crds.kubectl(*reader)
    binding = ("create", "rolebinding", "reader", "--role=reader", "-n", elsewhere)
    crds.kubectl(*binding, f"--user={account}")
    patch = ("patch", "secret", "others", "--type=merge", "-p", patched, *dry)

    def steal() -> None:
        crds.kubectl(*patch)

    eventually(lambda: refused(steal))


def test_the_controller_makes_changes_and_deletes_no_user_but_a_lease(
    crds: Cluster, namespace: str, installed: Callable[[dict[str, Any]], str]
) -> None:
    """By RBAC alone it could declare, and end, whatever the Regents of the namespace allow."""
    elsewhere = f"{namespace}-declared"
    crds.kubectl("create", "namespace", elsewhere)
    values = {
        "secrets": {"namespaces": [elsewhere]},
        **LEASES,
    }
    account = installed(values)
    crds.apply(USER, namespace=elsewhere)
    uid = crds.get("pguser", "intern", "-n", elsewhere)["metadata"]["uid"]
    owner = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "User", "name": "intern", "uid": uid}
    spec = {"roles": ["r"], "validUntil": "2030-01-01T00:00:00Z",
            "credentials": {"secretName": "s"}}  # fmt: skip
    dry = ("-n", elsewhere, "--dry-run=server", f"--as={account}")
    reads = ("create", "role", "reader", "--verb=get", f"--resource=users.{GROUP}", "-n", elsewhere)
    crds.kubectl(*reads)
    binding = ("create", "rolebinding", "reader", "--role=reader", "-n", elsewhere)
    crds.kubectl(*binding, f"--user={account}")

    def body(name: str, *owners: dict[str, str], **more: Any) -> dict[str, Any]:
        metadata = {"name": name, "ownerReferences": list(owners)}
        kind = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "User"}
        return {**kind, "metadata": metadata, "spec": {**spec, **more}}

    def make(*owners: dict[str, str], **more: Any) -> None:
        crds.kubectl("create", "-f", "-", *dry, stdin=json.dumps(body("made", *owners, **more)))

    def refused(act: Callable[[], None], why: str) -> None:
        with pytest.raises(CallFailed, match=why):
            act()

    def change(name: str) -> None:
        said = json.dumps({"spec": {"roles": ["admin"]}})
        crds.kubectl("patch", "pguser", name, "--type=merge", "-p", said, *dry)

    alone = "only Users that are leases"
    eventually(lambda: refused(make, alone))
    refused(lambda: make({**owner, "apiVersion": "v1", "kind": "ConfigMap"}), alone)
    refused(lambda: make(owner, adopt=True), "adopt and own nothing")
    eventually(lambda: make(owner))
    crds.apply(body("lease", owner), body("declared"), namespace=elsewhere)
    eventually(lambda: change("lease"))
    refused(lambda: change("declared"), "changes finalizers only, and specs of leases")
    hung = json.dumps({"metadata": {"ownerReferences": [owner]}, "spec": {"roles": ["admin"]}})

    def hang() -> None:
        crds.kubectl("patch", "pguser", "declared", "--type=merge", "-p", hung, *dry)

    def delete(name: str) -> None:
        crds.kubectl("delete", "pguser", name, *dry)

    refused(hang, "changes finalizers only, and specs of leases")
    delete("lease")
    refused(lambda: delete("declared"), alone)


def test_who_names_a_secret_must_be_able_to_read_it(
    crds: Cluster, namespace: str, installed: Callable[[dict[str, Any]], str]
) -> None:
    """Otherwise whoever may write a User or Regent could have any Secret of the namespace used."""
    installed({"admissionPolicies": {"secretReaders": True}})
    role = ("create", "rolebinding", "declarer", f"--user=declarer-{namespace}", "-n", namespace)
    crds.kubectl(*role, f"--clusterrole={namespace}-postgregent-editor")
    role = ("create", "rolebinding", "owner", f"--user=declarer-{namespace}", "-n", namespace)
    crds.kubectl(*role, f"--clusterrole={namespace}-postgregent-regent-admin")

    def write(manifest: dict[str, Any]) -> None:
        arguments = ("apply", "-f", "-", "-n", namespace, "--dry-run=server")
        crds.kubectl(*arguments, f"--as=declarer-{namespace}", stdin=json.dumps(manifest))

    def refused(manifest: dict[str, Any], field: str) -> None:
        with pytest.raises(CallFailed, match=f"spec.{field} names Secret passwords, which you may"):
            write(manifest)

    eventually(lambda: refused(USER, "passwordSecretRef"))
    eventually(lambda: refused(REGENT, "adminPasswordSecretRef"))
    eventually(lambda: write({**USER, "spec": {"roles": ["r"]}}))
    reader = ("create", "role", "reader", "--verb=get", "--resource=secrets", "-n", namespace)
    crds.kubectl(*reader, "--resource-name=passwords")
    binding = ("create", "rolebinding", "reader", "--role=reader", "-n", namespace)
    crds.kubectl(*binding, f"--user=declarer-{namespace}")
    eventually(lambda: write(USER))
    write(REGENT)


def test_only_the_named_accounts_change_specs(
    own_control_plane: ControlPlane, tmp_path: Path
) -> None:
    """On a control plane of its own: the policy holds for the whole cluster."""
    cluster = own_control_plane.access
    cluster.kubectl("apply", "--server-side", "-f", str(FOLDER))
    values = tmp_path / "values.yaml"
    chosen = {"crds": {"enabled": False}, "admissionPolicies": POLICIES, **LEASES}
    values.write_text(json.dumps(chosen))
    cluster.helm("install", "postgregent", str(CHART), "--values", str(values))
    names_none = {**USER, "spec": {"roles": ["r"]}}

    def write(*more: str) -> None:
        arguments = (
            "apply",
            "--server-side",
            "-f",
            "-",
            "--as=somebody",
            "--as-group=system:masters",
        )
        cluster.kubectl(*arguments, *more, stdin=json.dumps(names_none))

    def refused() -> None:
        with pytest.raises(CallFailed, match=r"admissionPolicies\.writers only"):
            write("--dry-run=server")

    eventually(refused)
    eventually(lambda: write("--as-group=gitops"))
    uid = cluster.get("pguser", "intern")["metadata"]["uid"]
    owner = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "User", "name": "intern", "uid": uid}
    spec = {"roles": ["r"], "validUntil": "2030-01-01T00:00:00Z",
            "credentials": {"secretName": "s"}}  # fmt: skip
    lease = {**USER, "metadata": {"name": "lease", "ownerReferences": [owner]}, "spec": spec}
    create = ("create", "-f", "-", "--dry-run=server")
    controller = "--as=system:serviceaccount:default:postgregent"

    def made() -> None:
        cluster.kubectl(*create, controller, stdin=json.dumps(lease))

    eventually(made)
    label = ("label", "pguser", "intern", "a=b", "--as=somebody", "--as-group=system:masters")
    cluster.kubectl(*label)


def test_the_definitions_come_with_it_are_upgraded_and_stay(
    own_control_plane: ControlPlane,
) -> None:
    cluster = own_control_plane.access
    install = ("postgregent", str(CHART), "-n", "postgregent")
    cluster.helm("install", *install, "--create-namespace")
    cluster.kubectl("wait", "--for=condition=Established", f"crd/users.{GROUP}", "--timeout=120s")
    cluster.apply({**USER, "spec": {"roles": ["r"]}}, namespace="default")
    cluster.helm("upgrade", *install, "--set", "replicas=2")
    assert cluster.get("pdb", "-n", "postgregent", "postgregent")["spec"]["maxUnavailable"] == 1
    cluster.helm("uninstall", "postgregent", "-n", "postgregent")
    assert cluster.get("pguser", "intern")["spec"] == {"roles": ["r"]}
    assert cluster.get("deployments", "-n", "postgregent")["items"] == []
    cluster.helm("install", *install)
    kept = cluster.get("crd", f"users.{GROUP}")["metadata"]["annotations"]
    assert kept["helm.sh/resource-policy"] == "keep"
