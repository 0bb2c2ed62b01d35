"""One dataset and one model, made on a volume and on S3: the same bytes, under the same digests."""

from pathlib import Path

import pytest

from modelward_contracts.wire import canonical
from objectstore.kept import Kept

from .harness import Pod, ingest_report, publish_report, train_task
from .sets import things


def test_version_and_training_are_the_same_on_a_volume_and_on_s3(
    tmp_path: Path, on_disk: Kept, on_s3: Kept, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELWARD_TERMINATION_LOG", "")
    found = []
    for kept in (on_disk, on_s3):
        pod = Pod(tmp_path / kept.url.partition(":")[0], capsys, kept)
        pod.csv(things())
        dataset = ingest_report(pod.ingest(time="at")).manifest
        for step in ("fetch", "train"):
            assert pod.step(step, train_task(pod.url, dataset)).code == 0
        model = publish_report(pod.step("publish", train_task(pod.url, dataset)))
        found.append((dataset, model.model, canonical(model.metrics)))
    assert found[0] == found[1]
