"""The chart: every rendering is valid, gives no more rights than it says, and says what it does."""

from __future__ import annotations

import json
import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from charts.readme import filled_in
from controller.__main__ import read_options
from controller.metrics import ControllerMetrics, Counted
from controller.workloads.admins import Account
from controller.workloads.manifests import API_PORT
from docs.release.version import version_in
from regent.health.metrics import Metrics
from shared.crds.__main__ import FOLDER
from tests.unit.chart.rendering import (
    CHART,
    EVERY_INSTALLATION,
    EVERYTHING_MONITORED,
    INSTALLATIONS,
    NAMESPACE,
    ROOT,
    helm,
    names,
    objects,
    of_kind,
    the,
)

KUBERNETES = "1.36"
FOREIGN = {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
EVERYTHING = "everything monitored"


@EVERY_INSTALLATION
def test_every_rendering_is_valid(installation: str) -> None:
    for found in objects(installation):
        if found["kind"] not in FOREIGN:
            kubernetes_validate.validate(found, KUBERNETES, strict=True)


@EVERY_INSTALLATION
def test_no_object_is_rendered_twice(installation: str) -> None:
    keys = [(one["kind"], *names([one])) for one in objects(installation)]
    assert len(keys) == len(set(keys))


@EVERY_INSTALLATION
def test_every_pod_is_restricted(installation: str) -> None:
    for found in of_kind(installation, "Deployment", "Pod"):
        pod = found["spec"]["template"]["spec"] if found["kind"] == "Deployment" else found["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert "runAsUser" not in pod["securityContext"], "OpenShift gives its own"
        for container in pod["containers"]:
            assert container["securityContext"] == RESTRICTED
            assert container["resources"]["limits"]


@EVERY_INSTALLATION
def test_every_rendering_passes_the_linter(installation: str) -> None:
    said = helm("lint", "--strict", str(CHART), "-n", NAMESPACE, values=INSTALLATIONS[installation])
    assert "0 chart(s) failed" in said


def test_the_definitions_are_the_plain_files_with_the_policy_to_keep_them() -> None:
    plain = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(FOLDER.iterdir())]
    assert of_kind("CRDs that go with it", "CustomResourceDefinition") == plain
    for definition in plain:
        definition["metadata"]["annotations"]["helm.sh/resource-policy"] = "keep"
    assert of_kind("as it comes", "CustomResourceDefinition") == plain
    assert of_kind("without CRDs", "CustomResourceDefinition") == []


def grants(installation: str, kind: str) -> dict[str, set[tuple[str, str, str]]]:
    """(group, resource, verb) by the name of each Role or ClusterRole."""
    return {
        name: {
            (group, resource, verb)
            for rule in found["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }
        for found in of_kind(installation, kind)
        for name in names([found])
    }


def bound(installation: str, kind: str) -> dict[str, str]:
    """The role of each binding."""
    return {
        name: found["roleRef"]["name"]
        for found in of_kind(installation, kind)
        for name in names([found])
    }


@EVERY_INSTALLATION
def test_no_right_is_a_wildcard_and_none_escalates(installation: str) -> None:
    for kind in ("Role", "ClusterRole"):
        for granted in grants(installation, kind).values():
            assert all("*" not in part for part in granted)
            assert not {verb for _, _, verb in granted} & {"bind", "escalate", "impersonate"}


@EVERY_INSTALLATION
def test_secrets_are_readable_cluster_wide_by_choice_only(installation: str) -> None:
    wide = set(bound(installation, "ClusterRoleBinding").values())
    readable = {
        name
        for name, granted in grants(installation, "ClusterRole").items()
        if any(resource == "secrets" for _, resource, _ in granted)
    }
    wanted = ("secrets of every namespace", "passwords that are made")
    assert bool(wide & readable) is (installation in wanted)


def test_secrets_are_written_in_the_namespaces_that_are_listed_and_nowhere_else() -> None:
    """Even where all may be read: who may create Secrets may become any account there."""
    made = "passwords that are made"
    places = [name for name, role in bound(made, "RoleBinding").items() if "credentials" in role]
    assert places == ["postgregent/postgregent-credentials", "team-a/postgregent-credentials"]
    assert "postgregent-credentials" not in bound(made, "ClusterRoleBinding").values()
    assert "postgregent-credentials" not in grants("as it comes", "ClusterRole")


def test_users_are_made_and_deleted_where_leases_are_meant_to_be_and_nowhere_else() -> None:
    places = [name for name, role in bound("leases", "RoleBinding").items() if "leases" in role]
    assert places == ["postgregent/postgregent-leases", "team-a/postgregent-leases"]
    assert "postgregent-leases" not in bound("leases", "ClusterRoleBinding").values()
    writes = {
        (name, verb)
        for name, granted in grants("leases", "ClusterRole").items()
        for group, resource, verb in granted
        if (group, resource) == ("putnam120.postgregent", "users") and verb in ("create", "delete")
        if "editor" not in name
    }
    assert writes == {("postgregent-leases", "create"), ("postgregent-leases", "delete")}
    for installation in ("as it comes", "passwords that are made", "the API"):
        assert "postgregent-leases" not in grants(installation, "ClusterRole")
        (container,) = the(installation, "Deployment")["spec"]["template"]["spec"]["containers"]
        assert not read_options(container["args"], {}).leases
    (container,) = the("leases", "Deployment")["spec"]["template"]["spec"]["containers"]
    assert read_options(container["args"], {}).leases


@pytest.mark.parametrize("missing", ["credentials", "api"])
def test_leases_need_passwords_that_are_made_and_the_api(missing: str) -> None:
    values = {
        "leases": {"enabled": True},
        "credentials": {"enabled": missing != "credentials"},
        "api": {"enabled": missing != "api", "tlsSecretName": "certificate"},
    }
    with pytest.raises(AssertionError, match=r"needs credentials\.enabled and api\.enabled"):
        helm("template", "postgregent", str(CHART), values=values)


def test_secrets_are_bound_in_the_namespaces_that_are_listed() -> None:
    """The release's own namespace is covered by its Role already."""
    assert bound("some namespaces only", "RoleBinding") == {
        "postgregent/postgregent": "postgregent",
        "postgregent/postgregent-events": "postgregent-events",
        "team-a/postgregent-events": "postgregent-events",
        "team-b/postgregent-events": "postgregent-events",
        "team-a/postgregent-secrets": "postgregent-secrets",
    }


@pytest.mark.found("E10")
def test_what_a_person_is_told_to_bind_has_no_name_of_the_charts() -> None:
    """Helm does not import a RoleBinding that it did not make: the next upgrade would fail."""
    way = Account("postgregent", "postgregent").way_to_secrets("team-a")
    name = way.partition("create rolebinding ")[2].split()[0]
    assert f"team-a/{name}" not in bound("some namespaces only", "RoleBinding")
    assert f"--clusterrole={name.removesuffix('-by-hand')}" in way


def test_with_a_list_of_namespaces_a_policy_holds_the_controller_to_them() -> None:
    """RBAC does not: its right to let go has to outlive a namespace that is deleted."""
    assert bound("some namespaces only", "ClusterRoleBinding") == {
        "postgregent-cluster": "postgregent-cluster",
        "postgregent-controller": "postgregent-controller",
    }
    policies = {
        name: found["spec"]["validations"]
        for found in of_kind("some namespaces only", "ValidatingAdmissionPolicy")
        for name in names([found])
    }
    (only,) = policies["postgregent-controller-namespaces-only"]
    assert only["expression"] == 'request.namespace in ["team-a","team-b"]'


def test_with_a_list_and_no_right_beyond_it_only_names_are_read_cluster_wide() -> None:
    limited = "some namespaces only, and no right beyond them"
    assert bound(limited, "ClusterRoleBinding") == {"postgregent-cluster": "postgregent-cluster"}
    assert bound(limited, "RoleBinding") == {
        f"{namespace}/postgregent{name}": f"postgregent{name}"
        for namespace, *found in (("postgregent", "", "-controller", "-events"),
                                  ("team-a", "-controller", "-events"))
        for name in found
    }  # fmt: skip
    roles = of_kind(limited, "ClusterRole")
    (cluster,) = [role for role in roles if role["metadata"]["name"] == "postgregent-cluster"]
    assert all(rule["resourceNames"] for rule in cluster["rules"])
    named = [r["resourceNames"] for r in cluster["rules"] if r["resources"] == ["namespaces"]]
    assert named == [["kube-system"], ["postgregent", "team-a"]]


def test_the_controller_changes_no_permission_and_deletes_nothing_that_is_declared() -> None:
    granted = grants("as it comes", "ClusterRole")["postgregent-controller"]
    ours = {(resource, verb) for group, resource, verb in granted if "postgregent" in group}
    writes = {(resource, verb) for resource, verb in ours if verb not in ("get", "list", "watch")}
    statuses = {f"{kind}/status" for kind in ("permissions", "roles", "users", "regents")}
    assert writes == {(name, "patch") for name in (*statuses, "roles", "users", "regents")}


def test_view_and_admin_see_and_edit_and_a_regent_is_nobodys_by_itself() -> None:
    labels = {
        role["metadata"]["name"]: [
            label for label in role["metadata"]["labels"] if "aggregate-to" in label
        ]
        for role in of_kind("as it comes", "ClusterRole")
    }
    aggregated = {name: found for name, found in labels.items() if found}
    assert aggregated == {
        "postgregent-view": ["rbac.authorization.k8s.io/aggregate-to-view"],
        "postgregent-editor": ["rbac.authorization.k8s.io/aggregate-to-admin"],
    }
    granted = grants("as it comes", "ClusterRole")
    assert not any(resource == "regents" for _, resource, _ in granted["postgregent-editor"])
    assert ("putnam120.postgregent", "regents", "release") in granted["postgregent-regent-admin"]


@EVERY_INSTALLATION
def test_every_right_is_explained_in_the_readme(installation: str) -> None:
    explained = (CHART / "README.md").read_text("utf-8")
    for kind in ("Role", "ClusterRole"):
        for granted in grants(installation, kind).values():
            missing = {resource for _, resource, _ in granted if f"`{resource}`" not in explained}
            assert missing == set()


def test_the_readme_has_the_values_as_they_are() -> None:
    readme = (CHART / "README.md").read_text("utf-8")
    values = (CHART / "values.yaml").read_text("utf-8")
    assert readme == filled_in(readme, values), "run `make crds` and commit what it writes"


def leaves(values: Any, path: str = "") -> set[str]:
    if isinstance(values, dict) and values:
        return {leaf for key, value in values.items() for leaf in leaves(value, f"{path}.{key}")}
    return {path}


def schema_leaves(schema: dict[str, Any], path: str = "") -> set[str]:
    if fields := schema.get("properties"):
        return {
            leaf
            for name, field in fields.items()
            for leaf in schema_leaves(field, f"{path}.{name}")
        }
    return {path}


def test_the_schema_knows_every_value_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    known = schema_leaves(schema) - {".global", ".secrets.write"}
    values = leaves(yaml.safe_load((CHART / "values.yaml").read_text("utf-8")))
    assert {leaf for leaf in values if not any(_within(leaf, one) for one in known)} == set()
    assert {one for one in known if not any(_within(leaf, one) for leaf in values)} == set()


def _within(leaf: str, schema: str) -> bool:
    return leaf == schema or leaf.startswith(f"{schema}.")


@pytest.mark.parametrize(
    "values",
    [
        {"replica": 2},
        {"crds": {"enable": True}},
        {"image": {"digest": "latest"}},
        {"logLevel": "verbose"},
        {"watch": {"namespaces": "team-a"}},
        {"watch": {"namespaces": ["Team A"]}},
        {"networkPolicy": {"apiServerPorts": [0]}},
        {"api": {"enabled": True}},
    ],
    ids=str,
)
def test_a_misspelt_value_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="values don't meet the specifications"):
        helm("template", "postgregent", str(CHART), values=values)


def test_the_controller_is_told_what_the_values_say() -> None:
    ours = version_in((ROOT / "pyproject.toml").read_text("utf-8"))
    (container,) = the("some namespaces only", "Deployment")["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["args"] == [
        "--namespace=$(POD_NAMESPACE)",
        "--watch-namespace=team-a",
        "--watch-namespace=team-b",
        f"--regent-image=postgregent-regent:{ours.semantic}",
        "--regent-image-pull-policy=IfNotPresent",
        "--lease-name=postgregent",
        "--metrics-port=8080",
        "--log-level=info",
    ]


@EVERY_INSTALLATION
def test_the_controller_understands_what_it_is_told(installation: str) -> None:
    (container,) = the(installation, "Deployment")["spec"]["template"]["spec"]["containers"]
    options = read_options(container["args"], {})
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    files = [path for path in (options.api_cert_file, options.api_key_file) if path]
    assert all(str(path.parent) in mounted for path in files)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports["http"] == options.metrics_port
    assert ports.get("api", 0) == options.api_port


def test_a_digest_goes_before_a_tag_and_a_registry_before_both_images() -> None:
    deployment = the("images by digest from a mirror", "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    digest = f"sha256:{'a' * 64}"
    assert container["image"] == f"mirror.example.org/postgregent-controller@{digest}"
    regent = f"--regent-image=mirror.example.org/postgregent-regent@{digest}"
    assert regent in container["args"]


def test_the_regents_know_the_controller_by_labels_that_no_value_changes() -> None:
    """Their NetworkPolicies let it in by these (controller/workloads/manifests.py)."""
    for installation in ("as it comes", "other names"):
        labels = the(installation, "Deployment")["spec"]["template"]["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "postgregent"
        assert labels["app.kubernetes.io/component"] == "controller"


def test_the_controller_reaches_names_the_api_and_its_regents() -> None:
    egress = the("a closed network", "NetworkPolicy")["spec"]["egress"]
    assert [[port["port"] for port in rule["ports"]] for rule in egress] == [
        [53, 53],
        [6443],
        [API_PORT],
    ]


def test_a_disruption_budget_is_there_with_two_replicas_only() -> None:
    assert of_kind("as it comes", "PodDisruptionBudget") == []
    assert the("two replicas", "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert of_kind("two replicas that may all be away", "PodDisruptionBudget") == []


def known_metrics() -> set[str]:
    """Every name that Regents and the controller show, with the suffixes of histograms."""
    families = [*Metrics().registry.collect(), *ControllerMetrics(Counted).collect()]
    counters = {f"{family.name}_total" for family in families if family.type == "counter"}
    buckets = {f"{family.name}_bucket" for family in families if family.type == "histogram"}
    return counters | buckets | {f.name for f in families if f.type == "gauge"}


def expressions(found: Any) -> list[str]:
    if isinstance(found, dict):
        own = [found["expr"]] if "expr" in found else []
        return own + [text for value in found.values() for text in expressions(value)]
    if isinstance(found, list):
        return [text for value in found for text in expressions(value)]
    return []


def test_alerts_and_dashboard_use_metrics_that_exist() -> None:
    rules = the(EVERYTHING, "PrometheusRule")["spec"]
    dashboard = json.loads(the(EVERYTHING, "ConfigMap")["data"]["postgregent.json"])
    for asked in (expressions(rules), expressions(dashboard)):
        names_used = set(re.findall(r"postgregent_[a-z_]+", " ".join(asked)))
        assert len(names_used) >= 5
        assert names_used <= known_metrics()
    assert set(EVERYTHING_MONITORED) == {
        "serviceMonitor",
        "podMonitor",
        "prometheusRule",
        "dashboard",
    }


def test_alerts_name_the_controller_as_it_is_called() -> None:
    rules = the(EVERYTHING, "PrometheusRule")["spec"]["groups"][0]["rules"]
    assert [rule["alert"] for rule in rules if "THE_CONTROLLER" in json.dumps(rule)] == []
    assert any('up{job="postgregent",namespace="postgregent"}' in rule["expr"] for rule in rules)


def test_panels_do_not_overlap() -> None:
    dashboard = json.loads((CHART / "files" / "dashboard.json").read_text("utf-8"))
    cells: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        covered = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not covered & cells, panel["title"]
        assert max(x for x, _ in covered) < 24
        cells |= covered


def test_the_monitor_of_the_regents_finds_their_port_and_labels() -> None:
    monitor = the(EVERYTHING, "PodMonitor")["spec"]
    assert monitor["selector"]["matchLabels"]["app.kubernetes.io/component"] == "regent"
    (endpoint,) = monitor["podMetricsEndpoints"]
    assert endpoint["port"] == "metrics"
    labels = {relabeling["targetLabel"] for relabeling in endpoint["relabelings"]}
    assert labels == {"regent_namespace", "regent"}


def test_policies_hold_the_controller_by_the_account_it_has() -> None:
    for installation, account in (("as it comes", "postgregent"), ("rights of one's own", "mine")):
        policy = the(installation, "ValidatingAdmissionPolicy")
        (condition,) = policy["spec"]["matchConditions"]
        assert condition["expression"] == (
            f"request.userInfo.username == 'system:serviceaccount:{NAMESPACE}:{account}'"
        )
    assert of_kind("no policy", "ValidatingAdmissionPolicy") == []
    assert len(of_kind("every policy", "ValidatingAdmissionPolicyBinding")) == 4


@pytest.mark.found("C30")
def test_a_value_that_is_gone_is_refused_with_what_to_do() -> None:
    """`false` was the default: it stays in values that are reused."""
    template = ("template", "postgregent", str(CHART))
    with pytest.raises(AssertionError, match=r"Take secrets\.write out of your values"):
        helm(*template, values={"secrets": {"write": True}})
    assert helm(*template, values={"secrets": {"write": False}})
