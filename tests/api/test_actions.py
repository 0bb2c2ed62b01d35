"""What a person asks for by annotation, with kubectl and the operator's process on a real API server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.client import Api, Manifest, wait_until
from api.conftest import Kubectl
from api.engine_operator import Operator
from api.manifests import DIGEST, manifest
from api.test_engine_idle import verified_version
from localcluster.api import ApiServer

SERVING = {
    "revision": "0123456789",
    "modelVersion": "flights-0",
    "version": 1,
    "digest": DIGEST.replace("0", "1"),
    "image": "scoring",
    "since": "2026-01-01T00:00:00Z",
}


@pytest.fixture
def trial(api: Api, server: ApiServer, namespace: str, tmp_path: Path) -> Iterator[Manifest]:
    """flights-1 on trial against what serves; no pod ever starts here, so nothing moves by itself."""
    verified_version(api, namespace)
    found = api.create(manifest("ModelDeployment", namespace))
    api.replace_status({**found, "status": {"phase": "Stable", "stable": SERVING}})
    with Operator(server.kubeconfig, tmp_path, real=True, MODELWARD_WATCH_NAMESPACES=namespace) as operator:
        operator.wait_until_watching()
        wait_until(lambda: "candidate" in api.read(found)["status"], "flights-1 is on trial")
        yield found


def ask(kubectl: Kubectl, words: str) -> None:
    told = kubectl(
        "annotate", "mdep", "flights", "--overwrite", f"modelward.dev/action={words}", "modelward.dev/requested-by=ada"
    )
    assert "annotated" in told, told


def last_action(api: Api, found: Manifest, words: str) -> dict[str, Any]:
    verb, revision = words.split()[:2]

    def actions() -> list[dict[str, Any]]:
        done: list[dict[str, Any]] = api.read(found)["status"].get("actions", [])
        return [a for a in done if (a["verb"], a["revision"]) == (verb, revision)]

    wait_until(lambda: bool(actions()), f"{words} is answered")
    return actions()[-1]


def test_actions_by_kubectl_are_done_once_and_answered_in_status_and_events(
    api: Api, kubectl: Kubectl, trial: Manifest
) -> None:
    revision = api.read(trial)["status"]["candidate"]["revision"]
    spec = api.read(trial)["spec"]

    ask(kubectl, f"promote {revision}")
    refused = last_action(api, trial, f"promote {revision}")
    assert (refused["done"], refused["requestedBy"]) == (False, "ada")
    assert "no pod of flights-1 is Ready" in refused["message"]

    ask(kubectl, f"abort {revision} wrong data")
    done = last_action(api, trial, f"abort {revision}")
    assert (done["done"], done["reason"]) == (True, "wrong data")
    wait_until(lambda: api.read(trial)["status"]["phase"] == "Stable", "it is back")
    status = api.read(trial)["status"]
    assert "candidate" not in status
    assert [t["cause"] for t in status["history"] if t.get("requestedBy") == "ada"] == ["Aborted"]

    ask(kubectl, f"retry {revision}")
    assert last_action(api, trial, f"retry {revision}")["done"]
    wait_until(lambda: "candidate" in api.read(trial)["status"], "it is on trial again")
    ask(kubectl, f"abort {revision} wrong data")
    wait_until(lambda: condition(api, trial)["message"] == done["message"], "the old answer stands")
    assert api.read(trial)["status"]["phase"] == "Canary"
    assert len(api.read(trial)["status"]["actions"]) == 3
    assert api.read(trial)["spec"] == spec

    def told() -> list[str]:
        events = json.loads(kubectl("get", "events", "--output=json"))["items"]
        return [e["reason"] for e in events if e["reason"] in ("ActionRefused", "Aborted", "Retried")]

    wait_until(lambda: sorted(told()) == ["Aborted", "ActionRefused", "Retried"], "each is an Event, once")


def condition(api: Api, found: Manifest) -> dict[str, Any]:
    return next((c for c in api.read(found)["status"]["conditions"] if c["type"] == "ActionDone"), {"message": ""})
