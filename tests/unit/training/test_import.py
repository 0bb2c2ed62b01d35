"""Imports: models of elsewhere, behind real S3 and web servers and on a volume, measured as any other or refused."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from localcluster.certs import Authority
from modelward_contracts.inputs import inputs_hash
from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.reports import NOT_NEEDED, PublishReport
from modelward_contracts.store import file_digest
from modelward_contracts.tasks import SOURCE_VARIABLE, Gate, ImportedModel
from objectstore import ObjectStore, WebServer

from .harness import Ended, Pod, ingest_report, publish_report, train_task
from .mlflow_folder import mlmodel
from .sets import labelled

COLUMNS = ["a", "b", "c"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with ObjectStore(tmp_path_factory.mktemp("objects")) as store:
        store.bucket("models")
        yield store


class Import:
    """A dataset, a model trained elsewhere on rows like its own, and the run that brings it."""

    def __init__(self, pod: Pod, folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str = "text, two") -> None:
        pod.csv(labelled(kind))
        self.digest = ingest_report(pod.ingest(label="y", id=None)).manifest
        self.pod, self.folder, self._patch = pod, folder, monkeypatch
        self.path = folder / "model.onnx"
        folder.mkdir()
        self.train(COLUMNS)

    def rows(self) -> pd.DataFrame:
        """To train on elsewhere."""
        split = self.pod.store.get_json(self.digest, DatasetManifest).splits["train"]
        self.pod.store.get_file(split.data.digest, path := self.folder.parent / "rows.parquet")
        return pq.read_table(path).to_pandas()

    def train(self, columns: list[str]) -> None:
        """One matrix of `columns`, in this order."""
        rows = self.rows()
        x = rows[columns].to_numpy(np.float32)
        fitted = LogisticRegression().fit(x, rows["y"])
        onnx.save(to_onnx(fitted, x[:1], options={"zipmap": False}, name="elsewhere"), self.path)

    def __call__(self, keys: dict[str, str] | None = None, steps: int = 2, **where: Any) -> Ended:
        """fetch, and publish where that went well."""
        for key, value in (keys or {}).items():
            self._patch.setenv(SOURCE_VARIABLE + key, value)
        gates = where.pop("gates", [])
        asked = {"digest": file_digest(self.path), "local_addresses": True, "secret": "reader" if keys else None}
        self.task = train_task(
            self.pod.url, self.digest, estimator=None, imported=ImportedModel(**asked | where), gates=gates
        )
        ended = self.pod.step("fetch", self.task)
        return self.pod.step("publish", self.task) if steps > 1 and ended.code == 0 else ended

    def on_volume(self, name: str = "model.onnx") -> str:
        (self.pod.paths.source / name).parent.mkdir(parents=True, exist_ok=True)
        (self.pod.paths.source / name).write_bytes(self.path.read_bytes())
        return name

    def mlflow(self, folder: Path, **said: Any) -> None:
        """As MLflow writes a model's folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "MLmodel").write_text(mlmodel(**said))
        (folder / "model.onnx").write_bytes(self.path.read_bytes())


@pytest.fixture
def imported(pod: Pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    return Import(pod, tmp_path / "elsewhere", monkeypatch)


def refused(ended: Ended, reason: str, *parts: str) -> None:
    assert (ended.code, ended.reason) == (1, reason), ended
    for part in parts:
        assert part in ended.message, ended.message


def test_model_of_a_web_server_is_measured_gated_and_remembered(imported: Import, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    authority.server("server", ["localhost"], ["127.0.0.1"])
    keys = {"ca.crt": authority.certificate.read_text()}
    with WebServer(imported.folder, certificate=authority.folder / "server.crt") as web:
        ended = imported(keys, url=web.url("model.onnx"), gates=[Gate(metric="auc", minimum=0.9)])
    report = publish_report(ended)
    assert report.metrics["auc"] > 0.9
    assert report.gates[0].passed
    assert report.parity == {}
    assert "parity is not compared" in ended.message
    assert report.inputs_hash == inputs_hash(imported.task)


def test_model_of_s3_has_the_same_result_as_that_of_a_volume(imported: Import, store: ObjectStore) -> None:
    store.filesystem().pipe("models/team/model.onnx", imported.path.read_bytes())
    first = publish_report(imported(store.environment, url="s3://models/team/model.onnx"))
    again = imported(path=imported.on_volume("models/a.onnx"))
    assert again.code == NOT_NEEDED, "the store holds the result of this digest on this data"
    assert first.model in [line.model for line in again.lines if isinstance(line, PublishReport)]


def test_what_was_stored_of_an_import_is_taken_in_again_with_the_same_digest(imported: Import) -> None:
    """As an export does: the matrix has become columns, and stays as it is."""
    first = publish_report(imported(path=imported.on_volume()))
    assert first.model != imported.task.imported.digest  # type: ignore[union-attr]
    imported.pod.store.get_file(first.model, imported.path)
    again = publish_report(imported(path=imported.on_volume()))
    assert again.model == first.model == file_digest(imported.path)
    assert again.metrics == first.metrics


def test_folder_of_mlflow_is_read_by_its_mlmodel(imported: Import) -> None:
    for number, below in enumerate(("", "artifacts", "artifacts/model")):
        imported.mlflow(imported.pod.paths.source / f"run-{number}" / below)
        assert imported(path=f"run-{number}", mlflow=True, steps=1).code == 0, below
        assert file_digest(imported.pod.paths.output / "model.onnx") == file_digest(imported.path)
        (imported.pod.paths.output / "model.onnx").unlink()


def test_folder_of_mlflow_is_read_behind_a_url(imported: Import, store: ObjectStore, tmp_path: Path) -> None:
    imported.mlflow(tmp_path / "served" / "m-1" / "artifacts")
    with WebServer(tmp_path / "served") as web:
        assert imported(url=web.url("m-1/"), mlflow=True, steps=1).code == 0
    for name in ("MLmodel", "model.onnx"):
        data = (tmp_path / "served/m-1/artifacts" / name).read_bytes()
        store.filesystem().pipe(f"models/1/m-1/artifacts/{name}", data)
    assert imported(store.environment, url="s3://models/1/m-1", mlflow=True, steps=1).code == 0


def test_order_of_columns_is_that_of_mlflows_signature(imported: Import) -> None:
    imported.train(COLUMNS[::-1])
    imported.mlflow(imported.pod.paths.source / "right", columns=COLUMNS[::-1])
    ended = imported(path="right", mlflow=True)
    assert "in the order that MLmodel names, c, b, a" in ended.message
    told, guessed = publish_report(ended), publish_report(imported(path=imported.on_volume("bare.onnx")))
    assert told.metrics["auc"] > 0.9 > guessed.metrics["auc"]


def test_column_of_the_signature_that_is_not_there_is_named(imported: Import) -> None:
    imported.mlflow(imported.pod.paths.source / "run", columns=["a", "b", "d"])
    refused(imported(path="run", mlflow=True), "InvalidModel", "MLmodel names the column 'd'", "prepare.sql")


def test_another_digest_is_refused_with_both(imported: Import) -> None:
    ended = imported(path=imported.on_volume(), digest="sha256:" + "0" * 64)
    refused(ended, "ImportDigestMismatch", "sha256:" + "0" * 64, file_digest(imported.path))
    assert not (imported.pod.paths.output / "model.onnx").exists()


def test_model_that_changes_between_the_steps_is_refused(imported: Import) -> None:
    assert imported(path=imported.on_volume(), steps=1).code == 0
    (imported.pod.paths.output / "model.onnx").write_bytes(b"another")
    refused(imported.pod.step("publish", imported.task), "DigestMismatch", "was fetched")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pickle.dumps({"a": 1}), "a Python pickle"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"\x89HDF\r\n", "HDF5"),
        (b'{"learner": {}}', "JSON"),
        (b"no model", "is not ONNX"),
    ],
)
def test_what_is_no_onnx_is_refused_with_the_reason(imported: Import, data: bytes, said: str) -> None:
    imported.path.write_bytes(data)
    refused(imported(path=imported.on_volume()), "InvalidModel", said)


def test_weights_in_another_file_are_refused(imported: Import) -> None:
    model = onnx.load(imported.path)
    weights = numpy_helper.from_array(np.ones((64, 64), np.float32), "weights")
    model.graph.initializer.append(weights)
    onnx.save(model, imported.path, save_as_external_data=True, location="model.onnx.data", size_threshold=0)
    imported.mlflow(imported.pod.paths.source / "run")
    refused(imported(path="run", mlflow=True), "InvalidModel", "in another file", "save_as_external_data=False")


def test_xgboost_as_onnxmltools_exports_it_is_measured(
    pod: Pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType
    from xgboost import XGBClassifier

    imported = Import(pod, tmp_path / "elsewhere", monkeypatch, "integer, two")
    rows = imported.rows()
    fitted = XGBClassifier(n_estimators=10, n_jobs=1).fit(rows[COLUMNS].to_numpy(np.float32), rows["y"])
    onnx.save(convert_xgboost(fitted, initial_types=[("x", FloatTensorType([None, 3]))]), imported.path)
    report = publish_report(imported(path=imported.on_volume(), gates=[Gate(metric="auc", minimum=0.8)]))
    assert (report.gates[0].passed, report.batching and report.batching.rows_independent) == (True, True)


def test_images_get_a_reason(imported: Import) -> None:
    """A classifier of images that onnx ships for its own tests."""
    import onnx.backend.test

    folder = Path(onnx.backend.test.__file__).parent / "data" / "light"
    imported.path.write_bytes((folder / "light_squeezenet.onnx").read_bytes())
    ended = imported(path=imported.on_volume())
    refused(ended, "InvalidModel", "data_0", "the first dimension must be free", "a Dataset is a table: images")


def test_matrix_of_another_width_is_refused_with_what_to_do(imported: Import) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 7])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 7])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    imported.path.write_bytes(made.SerializeToString())
    ended = imported(path=imported.on_volume())
    refused(ended, "InvalidModel", "'x' takes 7 values a row", "which are 3", "docs/recipes.md")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (mlmodel(flavors={"sklearn": {"pickled_model": "model.pkl"}}), "has the flavours sklearn, and not onnx"),
        (mlmodel(flavors={"onnx": {"data": "../model.onnx"}}), "names no file of its folder"),
        (mlmodel(flavors={"onnx": {"data": "/etc/passwd"}}), "names no file of its folder"),
        ("flavors: [", "is no YAML"),
        ("- 1", "is none of MLflow's"),
        ("[" * 5000, "is no YAML"),
        ("a: !!python/object/apply:os.system ['true']", "is no YAML"),
    ],
)
def test_mlmodel_that_is_of_no_use_is_told(imported: Import, text: str, said: str) -> None:
    imported.mlflow(imported.pod.paths.source / "run")
    (imported.pod.paths.source / "run" / "MLmodel").write_text(text)
    refused(imported(path="run", mlflow=True), "InvalidImport", "run/MLmodel", said)


def test_folder_without_mlmodel_says_where_it_was_looked_for(imported: Import) -> None:
    (imported.pod.paths.source / "run").mkdir()
    refused(imported(path="run", mlflow=True), "SourceNotFound", "run has none of MLmodel, artifacts/MLmodel")


def test_file_that_is_not_there_is_told(imported: Import, store: ObjectStore) -> None:
    refused(imported(path="no/model.onnx"), "SourceNotFound", "no file no/model.onnx", "import.pvc.path")
    refused(imported(store.environment, url="s3://models/none.onnx"), "SourceNotFound", "s3://models/none.onnx")


def test_link_out_of_the_volume_is_not_followed(imported: Import) -> None:
    (imported.pod.paths.source / "model.onnx").symlink_to(imported.path)
    refused(imported(path="model.onnx"), "InvalidFile", "leads out of the volume")
    refused(imported(path="../elsewhere/model.onnx"), "InvalidFile", "leads out of the volume")


def test_local_addresses_are_refused(imported: Import) -> None:
    with WebServer(imported.folder) as web:
        ended = imported(url=web.url("model.onnx"), local_addresses=False)
        refused(ended, "AddressRefused", "a loopback address", "sources.allowLocalAddresses")
        assert web.requests == []


def test_secret_of_another_host_is_told_by_the_imports_field(imported: Import) -> None:
    keys = {"HTTP_HOST": "models.example.com", "HTTP_TOKEN": "t"}
    ended = imported(keys, url="http://other.example.com/model.onnx")
    assert ended.reason == "SecretForOtherHost"
    assert "import.url names other.example.com" in ended.message


def test_file_without_an_end_is_cut_off(imported: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelward_training.imported.fetch.MAX_BYTES", {"model.onnx": 100})
    with WebServer(imported.folder) as web:
        refused(imported(url=web.url("model.onnx")), "FileTooLarge", "more than")
    refused(imported(path=imported.on_volume()), "InvalidOutput", "larger than")
