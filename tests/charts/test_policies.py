"""Who reaches whom: the chart's NetworkPolicies, laid over the pods that the operator makes."""

from typing import Any

import pytest

from api.manifests import manifest
from api.test_jobs import ingest, training
from charts.conftest import NAMESPACE, Chart
from charts.test_kubernetes import made_by_the_operator

MODELS = ("networkPolicy.models=true", "watchNamespaces={team-a}")
PROMETHEUS = "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=monitoring"
Labels = dict[str, str]


@pytest.fixture
def scoring() -> Labels:
    (deployment,) = (each for each in made_by_the_operator() if each["kind"] == "Deployment")
    labels: Labels = deployment["spec"]["template"]["metadata"]["labels"]
    return labels


def job_pods() -> list[Labels]:
    children = [*ingest(manifest("Dataset", "team-a", {"metadata.uid": "1"}))]
    children += training(manifest("TrainingRun", "team-a", {"metadata.uid": "2"}))
    return [each["spec"]["template"]["metadata"]["labels"] for each in children if each["kind"] == "Job"]


def selects(selector: dict[str, Any], labels: Labels) -> bool:
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(rule["key"]) not in rule["values"] for rule in selector.get("matchExpressions", [])
    )


def rules_for(chart: Chart, labels: Labels, *values: str) -> dict[str, list[dict[str, Any]]]:
    """By port, who may; an empty list is everybody. Of the one policy in team-a that selects such pods."""
    policies = [each for each in chart.render(*values) if each["kind"] == "NetworkPolicy"]
    in_team = [each["spec"] for each in policies if each["metadata"]["namespace"] == "team-a"]
    (policy,) = (each for each in in_team if selects(each["podSelector"], labels))
    assert policy["policyTypes"] == ["Ingress"]
    return {rule["ports"][0]["port"]: rule.get("from", []) for rule in policy.get("ingress", [])}


def test_nobody_reaches_the_pods_of_jobs(chart: Chart) -> None:
    assert [rules_for(chart, labels, *MODELS) for labels in job_pods()] == [{}, {}]


def test_everybody_asks_models_but_only_servers_and_operator_reach_the_other_ports(
    chart: Chart, scoring: Labels
) -> None:
    rules = rules_for(chart, scoring, *MODELS)
    assert rules["data"] == []
    (server,) = rules["direct"]
    assert selects(server["podSelector"], scoring)
    assert not any(selects(server["podSelector"], labels) for labels in job_pods())
    (operator,) = rules["admin"]
    assert operator["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}
    pod = chart.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert selects(operator["podSelector"], pod)
    assert not selects(operator["podSelector"], scoring)


def test_clients_and_prometheus_may_be_named(chart: Chart, scoring: Labels) -> None:
    rules = rules_for(chart, scoring, *MODELS, PROMETHEUS, "networkPolicy.clients[0].podSelector.matchLabels.app=shop")
    assert rules["data"] == [{"podSelector": {"matchLabels": {"app": "shop"}}}]
    assert {"namespaceSelector": {"matchLabels": {"name": "monitoring"}}} in rules["admin"]
    (operators,) = (
        each["spec"]["ingress"]
        for each in chart.render(PROMETHEUS)
        if each["kind"] == "NetworkPolicy" and each["metadata"]["namespace"] == NAMESPACE
    )
    assert operators[0]["from"] == [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]


def test_policies_of_models_name_ports_that_the_pods_have(chart: Chart, scoring: Labels) -> None:
    (deployment,) = (each for each in made_by_the_operator() if each["kind"] == "Deployment")
    (server,) = deployment["spec"]["template"]["spec"]["containers"]
    assert rules_for(chart, scoring, *MODELS).keys() == {port["name"] for port in server["ports"]}


def test_policies_of_models_without_namespaces_are_refused_with_the_way_to_have_them(chart: Chart) -> None:
    done = chart.template("networkPolicy.models=true")
    assert not done.ok
    assert "networkPolicy.models: name the namespaces in watchNamespaces" in done.out
