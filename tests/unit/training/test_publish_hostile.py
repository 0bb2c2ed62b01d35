"""Publish: whatever a training leaves behind, the step ends with one sentence and nothing is registered."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper

from modelward_training.publish import intake, isolated

from .conftest import Trained
from .harness import Ended


def refused(ended: Ended, reason: str, *parts: str) -> None:
    assert (ended.code, ended.reason) == (1, reason), ended
    for part in parts:
        assert part in ended.message
    assert ended.termination.report is None


def model_path(pod: Trained) -> Path:
    return pod.paths.output / "model.onnx"


def edited(pod: Trained, change: Any) -> None:
    model = onnx.load(model_path(pod))
    change(model)
    model_path(pod).write_bytes(model.SerializeToString())


def predictions(pod: Trained, change: Any) -> None:
    path = pod.paths.output / "predictions.parquet"
    pq.write_table(change(pq.read_table(path)), path)


def test_no_model_says_what_the_folder_holds(trained: Trained) -> None:
    model_path(trained).rename(trained.paths.output / "model.pkl")
    refused(trained.publish(), "NoModel", "model.pkl", "$MODELWARD_OUTPUT/model.onnx")


def test_no_predictions_are_named(trained: Trained) -> None:
    (trained.paths.output / "predictions.parquet").unlink()
    refused(trained.publish(), "NoPredictions", "model.onnx")


def test_no_output_folder_is_named(trained: Trained) -> None:
    trained.paths.output.rename(trained.root / "gone")
    refused(trained.publish(), "InvalidOutput", "output folder")


def test_output_folder_that_is_a_link_is_refused(trained: Trained) -> None:
    trained.paths.output.rename(trained.root / "elsewhere")
    trained.paths.output.symlink_to(trained.root / "elsewhere")
    refused(trained.publish(), "InvalidOutput", "output folder")


def test_symbolic_link_is_not_followed(trained: Trained) -> None:
    model_path(trained).unlink()
    model_path(trained).symlink_to("/etc/passwd")
    refused(trained.publish(), "InvalidOutput", "model.onnx is a symbolic link")


def test_pipe_does_not_hang(trained: Trained) -> None:
    model_path(trained).unlink()
    os.mkfifo(model_path(trained))
    refused(trained.publish(), "InvalidOutput", "no regular file")


def test_folder_in_a_files_place_is_refused(trained: Trained) -> None:
    model_path(trained).unlink()
    model_path(trained).mkdir()
    refused(trained.publish(), "InvalidOutput", "model.onnx")


def test_huge_file_is_refused_unread(trained: Trained) -> None:
    with model_path(trained).open("r+b") as file:
        file.truncate(intake.MAX_BYTES["model.onnx"] + 1)
    refused(trained.publish(), "InvalidOutput", "larger than the 1024 MiB")


def test_thousands_of_other_files_are_not_looked_at(trained: Trained) -> None:
    for number in range(3000):
        (trained.paths.output / f"junk-{number}").touch()
    assert trained.publish().code == 0
    model_path(trained).unlink()
    refused(trained.publish(), "NoModel")


@pytest.mark.parametrize("data", [b"", b"not a model", b"\x80\x04pickle"])
def test_bytes_that_are_no_model_are_refused(trained: Trained, data: bytes) -> None:
    model_path(trained).write_bytes(data)
    refused(trained.publish(), "InvalidModel", "model.onnx")


def test_custom_operators_are_refused(trained: Trained) -> None:
    edited(trained, lambda model: model.opset_import.append(helper.make_opsetid("evil.ops", 1)))
    refused(trained.publish(), "InvalidModel", "'evil.ops'")


def test_external_data_is_refused(trained: Trained) -> None:
    def change(model: onnx.ModelProto) -> None:
        tensor = helper.make_tensor("secret", TensorProto.FLOAT, [1], [0.0])
        tensor.ClearField("float_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../etc/passwd")
        model.graph.initializer.append(tensor)

    edited(trained, change)
    refused(trained.publish(), "InvalidModel", "'secret' in another file")


def rename_input(model: onnx.ModelProto, old: str, new: str) -> None:
    for value in model.graph.input:
        value.name = new if value.name == old else value.name
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]


def test_input_that_is_no_column_is_named(trained: Trained) -> None:
    edited(trained, lambda model: rename_input(model, "mean radius", "mean_radios"))
    refused(trained.publish(), "InvalidModel", "'mean_radios'", "did you mean 'mean radius'?")


@pytest.mark.parametrize(("column", "what"), [("diagnosis", "label"), ("row_id", "id")])
def test_label_and_id_cannot_be_inputs(trained: Trained, column: str, what: str) -> None:
    edited(trained, lambda model: rename_input(model, "mean radius", column))
    refused(trained.publish(), "InvalidModel", f"is the dataset's {what}")


def test_identifier_made_of_a_column_name_keeps_the_column(trained: Trained) -> None:
    edited(trained, lambda model: rename_input(model, "mean radius", "mean_radius"))
    manifest = trained.model(trained.publish())
    tensor = manifest.signature.inputs[0]
    assert (tensor.name, tensor.column) == ("mean_radius", "mean radius")


def test_model_that_says_otherwise_than_its_predictions_fails_parity(trained: Trained) -> None:
    def flip(table: pa.Table) -> pa.Table:
        other = pc.if_else(pc.equal(table["prediction"], "benign"), "malignant", "benign")
        return table.set_column(table.column_names.index("prediction"), "prediction", other)

    predictions(trained, flip)
    refused(trained.publish(), "ParityFailed", "the share of different labels is 1", "0.001")


def test_probabilities_a_little_off_fail_parity(trained: Trained) -> None:
    def shift(table: pa.Table) -> pa.Table:
        at = table.column_names.index("probability")
        return table.set_column(at, "probability", pc.multiply(table["probability"], 0.99))

    predictions(trained, shift)
    refused(trained.publish(), "ParityFailed", "99th percentile")


def test_predictions_without_a_row_name_it(trained: Trained) -> None:
    predictions(trained, lambda table: table.slice(1))
    refused(trained.publish(), "InvalidPredictions", "lacks 1 of", "row_id=")


def test_predictions_of_a_row_twice_are_refused(trained: Trained) -> None:
    predictions(trained, lambda table: pa.concat_tables([table, table.slice(0, 1)]))
    refused(trained.publish(), "InvalidPredictions", "more than once")


def test_predictions_without_a_column_name_it(trained: Trained) -> None:
    predictions(trained, lambda table: table.drop_columns(["prediction"]))
    refused(trained.publish(), "InvalidPredictions", "'prediction'", "row_id, probability")


def test_predicted_class_that_is_none_is_named(trained: Trained) -> None:
    def other(table: pa.Table) -> pa.Table:
        return table.set_column(1, "prediction", pa.array(["healthy"] * len(table)))

    predictions(trained, other)
    refused(trained.publish(), "InvalidPredictions", "'healthy'", "benign, malignant")


def test_predictions_that_are_no_parquet_are_refused(trained: Trained) -> None:
    (trained.paths.output / "predictions.parquet").write_bytes(b"PAR1 no PAR1")
    refused(trained.publish(), "InvalidPredictions", "not readable as Parquet")


def test_model_that_gives_nan_is_refused(trained: Trained) -> None:
    def poison(model: onnx.ModelProto) -> None:
        for node in model.graph.node:
            for attribute in node.attribute:
                if attribute.name == "coefficients":
                    attribute.floats[:] = [float("nan")] * len(attribute.floats)

    edited(trained, poison)
    refused(trained.publish(), "InvalidModel", "gives no number for")


def test_examining_that_takes_too_long_ends(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "TIMEOUT", 0.01)
    refused(trained.publish(), "InvalidModel", "was not through after")


@pytest.mark.parametrize(("number", "reason", "part"), [(11, "InvalidModel", "SIGSEGV"), (9, "OutOfMemory", "memory")])
def test_examining_that_is_killed_ends_with_its_cause(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, number: int, reason: str, part: str
) -> None:
    (trained.root / "crash.py").write_text(f"import os; os.kill(os.getpid(), {number})")
    monkeypatch.setattr(isolated, "EXAMINE", "crash")
    monkeypatch.setenv("PYTHONPATH", str(trained.root))
    refused(trained.publish(), reason, part)


def test_examining_process_sees_no_credentials_and_no_labels(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    (trained.root / "spy.py").write_text(
        "import os, sys, pathlib\n"
        "print(sorted(os.environ), sorted(path.name for path in pathlib.Path(sys.argv[1]).iterdir()))\n"
        "sys.exit(5)\n"
    )
    monkeypatch.setattr(isolated, "EXAMINE", "spy")
    monkeypatch.setenv("PYTHONPATH", str(trained.root))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    ended = trained.publish()
    assert "AWS_SECRET_ACCESS_KEY" not in ended.message
    assert "test.parquet" in ended.message
    assert "labels" not in ended.message


def matrix_model() -> bytes:
    nodes = [helper.make_node("Softmax", ["X"], ["probabilities"])]
    x = helper.make_tensor_value_info("mean radius", TensorProto.FLOAT, [None, 2])
    y = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])
    nodes[0].input[:] = ["mean radius"]
    graph = helper.make_graph(nodes, "g", [x], [y])
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    )


def test_matrix_input_is_refused_with_what_to_do(trained: Trained) -> None:
    model_path(trained).write_bytes(matrix_model())
    refused(trained.publish(), "InvalidModel", "'mean radius' takes 2 values a row", "one input per column")


def test_probabilities_alone_are_enough(trained: Trained) -> None:
    def only_probabilities(model: onnx.ModelProto) -> None:
        del model.graph.output[0]

    edited(trained, only_probabilities)
    manifest = trained.model(trained.publish())
    assert manifest.signature.label_output is None
    assert np.array_equal(manifest.signature.classes, ["benign", "malignant"])
