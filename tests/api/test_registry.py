"""Aliases, approvals and where a version serves, with the commands, kubectl and the operator on a real API server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.client import Api, Manifest, wait_until
from api.conftest import Kubectl
from api.engine_operator import Operator
from api.manifests import DIGEST, manifest
from api.test_engine_idle import look_again
from api.test_why import commanded
from localcluster.api import ApiServer


@pytest.fixture
def versions(api: Api, server: ApiServer, namespace: str, tmp_path: Path) -> Iterator[list[Manifest]]:
    """flights-1 and flights-2 with the operator, and a ModelDeployment that follows the champion."""
    with Operator(server.kubeconfig, tmp_path, real=True, MODELWARD_WATCH_NAMESPACES=namespace) as operator:
        operator.wait_until_watching()
        api.create(manifest("ModelDeployment", namespace, {"spec.modelRef.version": "champion"}))
        found = [api.create(version(namespace, number)) for number in (1, 2)]
        for each in found:
            wait_until(lambda each=each: looked_at(api, each), "it was looked at")  # type: ignore[misc]
        yield found


def version(namespace: str, number: int) -> Manifest:
    digest = DIGEST.replace("0", str(number))
    return manifest(
        "ModelVersion",
        namespace,
        {"metadata.name": f"flights-{number}", "spec.version": number, "spec.digest": digest},
    )


def looked_at(api: Api, found: Manifest) -> bool:
    return bool(api.read(found).get("status", {}).get("observedGeneration"))


def status(api: Api, found: Manifest) -> dict[str, Any]:
    told: dict[str, Any] = api.read(found)["status"]
    return told


def test_alias_moves_by_command_and_by_kubectl_and_the_deployment_follows(
    api: Api, server: ApiServer, kubectl: Kubectl, namespace: str, versions: list[Manifest]
) -> None:
    first, second = versions
    reason = "{.status.conditions[?(@.type=='Ready')].reason}"
    wait_until(
        lambda: kubectl("get", "mdep", "flights", f"--output=jsonpath={reason}") == "AliasNotHeld", "nobody is champion"
    )
    code, out, errors = commanded(server, "alias", f"{namespace}/flights-1", "champion", "--why", "the only one")
    assert (code, errors) == (0, "")
    assert out.startswith("flights-1 is champion of flights, by ")
    tried = ("get", "mdep", "flights", "--output=jsonpath={.status.candidate.modelVersion}")
    wait_until(lambda: kubectl(*tried) == "flights-1", "the deployment follows")

    action = "modelward.dev/action=alias champion better"
    assert "annotated" in kubectl("annotate", "mver", "flights-2", action, "modelward.dev/requested-by=ada")
    wait_until(lambda: "alias" not in status(api, first), "flights-1 has lost it")
    assert [word.get("removed", False) for word in status(api, first)["aliases"]] == [False, True]
    (word,) = status(api, second)["aliases"]
    assert (word["by"], word["verified"], word["why"], word["before"]) == ("ada", False, "better", "flights-1")
    assert kubectl("get", "mver", "--no-headers").splitlines()[1].split()[6] == "champion"
    wait_until(lambda: kubectl(*tried) == "flights-2", "the deployment follows")
    served = status(api, second)["deployments"]
    assert [(each["deployment"], each["role"]) for each in served if "until" not in each] == [("flights", "Candidate")]

    code, out, errors = commanded(server, "alias", f"{namespace}/flights-1", "champion-")
    assert (code, out) == (1, "")
    assert "flights-1 is not champion; flights-2 is" in errors


def test_moves_that_no_operator_saw_end_as_they_were_asked_for_and_nothing_is_written_again(
    api: Api, server: ApiServer, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    found = [api.create(version(namespace, number)) for number in (1, 2)]
    watched = {"MODELWARD_WATCH_NAMESPACES": namespace}
    for folder in ("one", "two", "three"):
        (tmp_path / folder).mkdir()
    with Operator(server.kubeconfig, tmp_path / "one", real=True, **watched) as operator:
        for each in found:
            wait_until(lambda each=each: looked_at(api, each), "it was looked at")  # type: ignore[misc]
        operator.wait_until_watching()
    for name in ("flights-2", "flights-1"):
        assert "annotated" in kubectl("annotate", "mver", name, "modelward.dev/action=alias champion")
    with Operator(server.kubeconfig, tmp_path / "two", real=True, **watched) as operator:
        wait_until(lambda: all("answered" in status(api, each) for each in found), "both are answered")
        wait_until(
            lambda: "alias" in status(api, found[0]) and "alias" not in status(api, found[1]), "the last word counts"
        )
    with Operator(server.kubeconfig, tmp_path / "three", real=True, **watched) as operator:
        operator.wait_until_watching()
        settled, words = look_again(api, server, found[:1], operator), [status(api, each) for each in found]
        assert look_again(api, server, found[:1], operator) == settled
        assert [status(api, each) for each in found] == words


def test_approval_and_card_by_command(api: Api, server: ApiServer, namespace: str, versions: list[Manifest]) -> None:
    name = f"{namespace}/flights-2"
    code, out, errors = commanded(server, "approve", name, "--why", "reviewed by risk", "-o", "json")
    assert (code, errors) == (0, "")
    assert "flights-2 is approved, by " in json.loads(out)["message"]
    (word,) = status(api, versions[1])["approvals"]
    assert (word["why"], word["verified"]) == ("reviewed by risk", False)
    assert word["by"] in out

    code, out, errors = commanded(server, "card", name)
    assert (code, errors) == (0, "")
    assert out.startswith("# flights-2\n")
    assert f"it is approved, by {word['by']} (unverified): reviewed by risk" in out
    code, out, errors = commanded(server, "card", name, "-o", "json")
    assert json.loads(out)["approved"]
