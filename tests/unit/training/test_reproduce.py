"""Steps of a run that trains a version again: the script is of the store, and nothing is left that others find."""

from modelward_contracts.inputs import StoredRun
from modelward_contracts.store import BlobMissing
from modelward_contracts.tasks import Reproduced
from modelward_contracts.verdicts import run_key
from modelward_contracts.wire import sha256

from .conftest import Trained
from .harness import Pod, ingest_report, publish_report, train_task
from .sets import labelled

TEXT = b"print('trained')\n"


def test_estimator_comes_out_with_the_same_bytes_and_leaves_no_record(trained: Trained) -> None:
    first = publish_report(trained.publish())
    record = trained.store.read_record(run_key(first.inputs_hash), StoredRun)
    assert record
    again = {"retrain": True, "reproduces": Reproduced(version="things-1"), "run": "again"}
    for step in ("fetch", "train"):
        assert trained.step(step, train_task(trained.url, trained.digest, **again)).code == 0
    second = publish_report(trained.publish(**again))
    assert (second.model, second.metrics, second.inputs_hash) == (first.model, first.metrics, first.inputs_hash)
    assert trained.store.read_record(run_key(first.inputs_hash), StoredRun) == record
    assert {"python", "scikit-learn", "skl2onnx", "onnx"} <= first.packages.keys()


def test_script_is_the_text_that_the_version_was_trained_with(pod: Pod) -> None:
    pod.csv(labelled("text, two"))
    digest = ingest_report(pod.ingest(label="y", id=None)).manifest
    text = pod.store.put_bytes(TEXT).digest
    told = Reproduced(version="things-1", file="fit.py")
    task = train_task(pod.url, digest, estimator=None, script=text, image="i:1", retrain=True, reproduces=told)
    assert pod.step("fetch", task).code == 0
    assert (pod.paths.script / "fit.py").read_bytes() == TEXT


def test_script_that_the_store_has_lost_is_told(pod: Pod) -> None:
    pod.csv(labelled("text, two"))
    digest = ingest_report(pod.ingest(label="y", id=None)).manifest
    told = Reproduced(version="things-1", file="fit.py")
    task = train_task(pod.url, digest, estimator=None, script=sha256(TEXT), retrain=True, reproduces=told)
    ended = pod.step("fetch", task)
    assert ended.reason == BlobMissing.__name__
    assert sha256(TEXT) in ended.message
