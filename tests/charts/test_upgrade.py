"""What people have stored under the last landed CRDs is theirs under these as well."""

from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

import landed
from api.client import Api, Manifest, RefusedByServer, establish, wait_until
from api.manifests import KINDS, manifest
from charts.conftest import CHART, Run, manifests
from localcluster import paths
from localcluster.api import ApiServer

pytestmark = pytest.mark.timeout(300, func_only=True)

NAMESPACE = "default"
CONDITION = {
    "type": "Ready",
    "status": "True",
    "reason": "Verified",
    "message": "",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


def crds_of(repository: Path) -> list[Manifest]:
    return [crd for path in sorted((repository / "crds").glob("*.yaml")) for crd in manifests(path.read_text())]


def resources_of(repository: Path) -> list[Manifest]:
    """Its examples, and one of each kind."""
    files = sorted((repository / "examples").rglob("*.yaml"))
    found = [each for path in files for each in manifests(path.read_text())]
    ours = [each for each in found if each.get("apiVersion", "").startswith("modelward.dev/")]
    return [*_apart(ours), *(manifest(kind, NAMESPACE) for kind in KINDS)]


def _apart(found: list[Manifest]) -> list[Manifest]:
    """Examples of one name are alternatives: each gets a name of its own."""
    return [
        each | {"metadata": each["metadata"] | {"namespace": NAMESPACE, "name": f"example-{number}"}}
        for number, each in enumerate(found)
    ]


def marked(crd: Manifest) -> Manifest:
    """With a field by which one sees that the API server has taken it up."""
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["upgraded"] = {"type": "boolean"}
    return crd


def is_taken_up(api: Api, kind: str) -> bool:
    with suppress(RefusedByServer):
        api.create(manifest(kind, NAMESPACE, {"metadata.name": "another", "spec.upgraded": True}), dry_run=True)
        return True
    return False


def test_what_is_stored_can_be_read_and_written_after_an_upgrade_of_the_crds(tmp_path: Path) -> None:
    with ApiServer(tmp_path / "upgraded") as server, Api(server) as api:
        establish(server, crds_of(landed.repository()))
        stored = [api.create(each) for each in resources_of(landed.repository())]
        stored = [api.replace_status(each | {"status": {"conditions": [CONDITION]}}) for each in stored]

        for crd in crds_of(paths.REPOSITORY):
            api.apply(marked(crd), "helm")
        for kind in KINDS:
            wait_until(partial(is_taken_up, api, kind), f"the new {kind} is taken up")

        for before in stored:
            now = api.read(before)
            assert (now["spec"], now["status"]) == (before["spec"], before["status"])
            written = api.replace_status(api.label(now, {"written": "by-a-person"}))
            assert written["spec"] == before["spec"]


def test_values_of_the_last_landed_chart_are_taken_as_they_were(helm: Run) -> None:
    """`--reuse-values` gives the templates what that chart's defaults were, and nothing that is new."""
    assert helm("install", "modelward", str(landed.repository() / "charts/modelward"), "--set", "store.size=20Gi").ok
    done = helm("upgrade", "modelward", str(CHART), "--reuse-values")
    assert done.ok, done.out
    assert "20Gi" in helm("get", "manifest", "modelward").out
