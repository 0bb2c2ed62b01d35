"""What `python -m modelward export` prints, and how a model gets out of a store that is a volume."""

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelward.api import TrainingRun
from modelward.cli import export
from modelward.cli.cluster import Cluster, Story
from modelward.errors import Refused
from modelward.names import Manifest
from modelward_contracts.wire import sha256
from unit.modelward.decide.test_training_run import prepare, trained
from unit.modelward.decide.workshop import NAMESPACE, Workshop, digest, publish_report

GATES = [{"metric": "auc", "minimum": 0.7}, {"metric": "accuracy", "minimum": 0.5, "slice": "Worst"}]
EVALUATION = {"slices": [{"column": "carrier", "minimumRows": 100}]}
MODEL = b"the model"


async def registered(store: str, **spec: Any) -> Workshop:
    workshop = Workshop()
    workshop.settings = workshop.settings.model_copy(update={"store_url": store})
    workshop.__post_init__()
    await prepare(workshop)
    workshop.run(**spec)
    await trained(workshop) if not spec else await _with(workshop)
    return workshop


async def _with(workshop: Workshop) -> None:
    await workshop.settle()
    workshop.succeed(publish_report())
    await workshop.settle()


async def told(workshop: Workshop, save: Path | None = None, asked: Cluster | None = None) -> Story:
    return await export._asking(NAMESPACE, "flights-1", save)(asked or Cluster(workshop.kube))


async def test_manifest_names_the_blob_by_url_and_digest_and_has_the_gates() -> None:
    workshop = await registered("s3://stores/team-a", gates=GATES, evaluation=EVALUATION)
    text = export.text_of(await told(workshop))
    manifest = yaml.safe_load(text.replace("<Dataset>", "delays").replace("<Secret>", "reader"))
    run = TrainingRun.model_validate(manifest)
    assert (run.metadata.name, run.spec.model_name) == ("flights-1-import", "flights")
    assert manifest["spec"]["import"] == {
        "url": f"s3://stores/team-a/ns/blobs/sha256/{'c' * 64}",
        "secretName": "reader",
        "digest": digest("c"),
        "exportedFrom": {
            "namespace": "ns",
            "modelVersion": "flights-1",
            "digest": digest("b"),
            "store": "s3://stores/team-a",
            "trainingRun": "flights-a",
            "datasetVersion": "flights-aaaaaaaaaa",
            "datasetDigest": digest("a"),
        },
    }
    assert manifest["spec"]["gates"] == GATES
    assert [each.column for each in run.spec.evaluation.slices] == ["carrier"]


async def test_comments_tell_what_is_to_be_filled_in() -> None:
    comments, _, _ = export.text_of(await told(await registered("s3://a/b"))).partition("apiVersion")
    for word in ("<namespace>", "<Dataset>", "<Secret>", "modelward.dev/use: source", "AWS_ENDPOINT_URL"):
        assert word in comments


async def test_version_on_a_volume_is_taken_from_one_at_the_target() -> None:
    manifest = await told(await registered("file:///store"))
    assert manifest["spec"]["import"]["pvc"] == {"claimName": "<claim>", "path": "model.onnx"}
    assert "--save model.onnx" in export.text_of(manifest)


async def test_version_of_an_earlier_release_is_refused() -> None:
    workshop = await registered("file:///store")
    version = workshop.get("ModelVersion", "flights-1")
    workshop.kube.put({**version, "spec": {k: v for k, v in version["spec"].items() if k != "store"}})
    with pytest.raises(Refused, match="registered by an earlier release"):
        await told(workshop)


class Reading(Cluster):
    """A cluster whose node runs the Pod at once."""

    def __init__(self, workshop: Workshop, written: bytes, phase: str = "Running") -> None:
        super().__init__(workshop.kube)
        self.workshop, self.written, self.phase = workshop, written, phase
        self.pods: list[Manifest] = []
        self.commands: list[Sequence[str]] = []

    async def create(self, manifest: Manifest) -> Manifest:
        made = {**manifest, "metadata": {**manifest["metadata"], "name": "export-1"}}
        waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
        made["status"] = {"phase": self.phase, "containerStatuses": [{"state": waiting}]}
        self.workshop.kube.put(made)
        self.pods.append(made)
        return made

    async def output(self, namespace: str, pod: str, command: Sequence[str]) -> AsyncIterator[bytes]:
        self.commands.append(command)
        for at in range(0, len(self.written), 4):
            yield self.written[at : at + 4]


async def with_model(workshop: Workshop) -> Workshop:
    version = workshop.get("ModelVersion", "flights-1")
    model = {"digest": sha256(MODEL), "bytes": len(MODEL)}
    workshop.kube.put({**version, "spec": version["spec"] | {"model": model}})
    return workshop


async def test_model_comes_out_of_a_volume_by_a_pod_that_may_only_read(tmp_path: Path) -> None:
    workshop = await with_model(await registered("file:///store"))
    asked, target = Reading(workshop, MODEL), tmp_path / "flights.onnx"
    manifest = await told(workshop, target, asked)
    assert target.read_bytes() == MODEL
    assert manifest["spec"]["import"]["pvc"]["path"] == "flights.onnx"
    assert asked.commands == [["cat", f"/store/ns/blobs/sha256/{sha256(MODEL).removeprefix('sha256:')}"]]
    (pod,) = asked.pods
    container, claim = pod["spec"]["containers"][0], pod["spec"]["volumes"][0]["persistentVolumeClaim"]
    assert (container["image"], claim) == ("training:1", {"claimName": "modelward-store", "readOnly": True})
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert workshop.names("Pod") == [name for name in workshop.names("Pod") if name != "export-1"]


async def test_bytes_that_are_others_are_not_kept(tmp_path: Path) -> None:
    workshop = await with_model(await registered("file:///store"))
    with pytest.raises(Refused, match="has the digest sha256:"):
        await told(workshop, tmp_path / "flights.onnx", Reading(workshop, b"others"))
    assert not any(map(os.listdir, [tmp_path]))


async def test_pod_that_does_not_start_is_told_and_taken_away(tmp_path: Path) -> None:
    workshop = await with_model(await registered("file:///store"))
    with pytest.raises(Refused, match="does not run: ImagePullBackOff: no such image"):
        await told(workshop, tmp_path / "flights.onnx", Reading(workshop, MODEL, "Failed"))
    assert "export-1" not in workshop.names("Pod")


async def test_what_is_behind_a_url_is_not_saved(tmp_path: Path) -> None:
    workshop = await registered("s3://stores/team-a")
    with pytest.raises(Refused, match="without --save"):
        await told(workshop, tmp_path / "flights.onnx")


async def test_folder_that_is_not_there_is_told_before_anything_is_made(tmp_path: Path) -> None:
    workshop = await registered("file:///store")
    asked = Reading(workshop, MODEL)
    with pytest.raises(Refused, match="there is no folder"):
        await told(workshop, tmp_path / "none" / "flights.onnx", asked)
    assert asked.pods == []
