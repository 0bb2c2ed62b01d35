"""kube-score finds nothing critical in what is rendered and made, actionlint nothing in the workflows."""

import json
import subprocess
from typing import Any

from charts.conftest import Chart, manifests
from charts.test_kubernetes import made_by_the_operator
from localcluster import parts, paths

EXCEPTIONS = {
    "--ignore-container-cpu-limit": "it throttles answers; jobs.resources and spec.resources set one where wanted",
    "--ignore-test=container-image-pull-policy": "tags of releases do not move; images.pullPolicy may be Always",
    "--ignore-test=container-ephemeral-storage-request-and-limit": "models and data are as large as they are; what the "
    "operator may write to has a sizeLimit",
}
"""Of all → why."""
OF_THE_OPERATOR = {
    "--ignore-test=pod-probes-identical": "nothing is routed to it but scrapes; readiness only tells `helm --wait`"
}
OF_USERS_PODS = {
    "--ignore-test=pod-networkpolicy": "networkPolicy.models makes those inward where it is on; outward, only the "
    "namespace's owner knows where store and sources are"
}
CRITICAL = 1
WORKFLOWS = sorted((paths.REPOSITORY / ".github/workflows").glob("*.yaml"))


def critical(manifests: list[dict[str, Any]], *exceptions: str) -> list[str]:
    text = "\n---\n".join(map(json.dumps, manifests))
    command = [str(parts.program("kube-score")), "score", "--output-format=json", *exceptions, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return [
        f"{each['object_name']} {check['check']['id']}: {[comment['summary'] for comment in check['comments'] or []]}"
        for each in json.loads(done.stdout)
        for check in each["checks"]
        if check["grade"] == CRITICAL and not check["skipped"]
    ]


def test_nothing_critical_is_in_what_the_chart_renders(chart: Chart) -> None:
    """Its defaults, but for what the operator may reach: that has to be named."""
    text = chart.template("networkPolicy.restrictEgress=true", "actions.verified=true", hooks=True).out
    rendered = manifests(text)
    assert critical([each for each in rendered if each["kind"] != "Pod"], *EXCEPTIONS, *OF_THE_OPERATOR) == []
    assert critical([each for each in rendered if each["kind"] == "Pod"], *EXCEPTIONS, *OF_USERS_PODS) == []


def test_nothing_critical_is_in_what_the_operator_makes() -> None:
    assert critical(made_by_the_operator(), *EXCEPTIONS, *OF_USERS_PODS) == []


def test_every_exception_is_needed() -> None:
    """And so kube-score looks at what it should."""
    everything = [*EXCEPTIONS, *OF_USERS_PODS]
    for exception in everything:
        assert critical(made_by_the_operator(), *(each for each in everything if each != exception)), exception


def test_workflows_are_sound() -> None:
    actionlint = [str(parts.program("actionlint")), "-shellcheck=", *map(str, WORKFLOWS)]
    done = subprocess.run(actionlint, capture_output=True, text=True, check=False)
    assert (len(WORKFLOWS), done.stdout, done.returncode) == (2, "", 0)
