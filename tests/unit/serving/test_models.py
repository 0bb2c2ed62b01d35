"""What models are served, and what they are asked and answer, whatever their tensors look like."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from benchmarks.onnx_support.nursery import Nursery
from benchmarks.onnx_support.verdict import readiness
from benchmarks.serving.process import free_port

from .models import FLOAT, INT64, bare, build, linear

FLOAT16 = TensorProto.FLOAT16
ROWS = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [4, 4], [5, 5]], np.float32)


@dataclass
class Served:
    """A server of its own for one model."""

    url: str
    reason: str
    message: str

    def get(self, path: str) -> Any:
        return httpx.get(self.url + path).json()

    def post(self, *tensors: dict[str, Any], path: str = "/v2/models/m/infer", **fields: Any) -> httpx.Response:
        return httpx.post(self.url + path, json={"inputs": list(tensors), **fields})

    def answer(self, *tensors: dict[str, Any], **fields: Any) -> list[tuple[list[int], Any]]:
        """Shape and data of each output."""
        reply = self.post(*tensors, **fields)
        assert reply.status_code == 200, reply.text
        return [(output["shape"], output["data"]) for output in reply.json()["outputs"]]

    def refusal(self, *tensors: dict[str, Any], status: int = 400, **fields: Any) -> str:
        reply = self.post(*tensors, **fields)
        assert reply.status_code == status, reply.text
        return str(reply.json()["error"])


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as running:
        yield running


@pytest.fixture
def serve(nursery: Nursery, tmp_path: Path) -> Iterator[Any]:
    started = []

    def start(model: bytes | Path) -> Served:
        folder = model if isinstance(model, Path) else bare(tmp_path / f"m{len(started)}", model)
        port, admin = free_port(), free_port()
        ports = ("--port", str(port), "--admin-port", str(admin), "--host", "127.0.0.1", "--name", "m")
        started.append(nursery.start(folder, *ports, "--workers", "1"))
        return Served(f"http://127.0.0.1:{port}", *readiness(admin))

    yield start
    for pid in started:
        Nursery.end(pid)


def tensor(name: str, shape: list[int], data: list[Any], datatype: str = "FP32") -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def one_node(kind: str, x: Any, y: Any, **attributes: Any) -> bytes:
    """`x`, `y`: type and shape."""
    return build([helper.make_node(kind, ["x"], ["y"], **attributes)], {"x": x}, {"y": y}, {})


def unchecked(nodes: list[Any], inputs: list[Any], outputs: list[Any], *opsets: Any) -> bytes:
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    imports = [helper.make_opsetid("", 18), *opsets]
    return bytes(helper.make_model(graph, opset_imports=imports, ir_version=9).SerializeToString())


# shapes


def test_input_of_unknown_rank_takes_any(serve: Any) -> None:
    any_shape = helper.make_tensor_type_proto(FLOAT, None)
    node = helper.make_node("Relu", ["x"], ["y"])
    server = serve(unchecked([node], [value("x", any_shape)], [value("y", any_shape)]))
    assert server.get("/v2/models/m")["inputs"][0]["parameters"] == {"any_rank": True}
    for shape, data in (([], [-1.0]), ([3], [-1.0, 2.0, 3.0]), ([1, 2], [1.0, -2.0]), ([2, 1, 1], [1.0, 2.0])):
        assert server.answer(tensor("x", shape, data)) == [(shape, [max(value, 0.0) for value in data])]
    assert "at most 32" in server.refusal(tensor("x", [1] * 33, [1.0]))


def test_scalar_stays_a_scalar(serve: Any) -> None:
    server = serve(one_node("Relu", (FLOAT, []), (FLOAT, [])))
    assert server.answer(tensor("x", [], [2.0])) == [([], [2.0])]
    assert "the model takes []" in server.refusal(tensor("x", [2], [1.0, 2.0]))


def test_empty_cache_is_taken(serve: Any) -> None:
    kinds = {name: (FLOAT, ["batch", 2, f"{name}_len", 4]) for name in ("past", "new", "present")}
    node = helper.make_node("Concat", ["past", "new"], ["present"], axis=2)
    present = {"present": kinds.pop("present")}
    server = serve(build([node], kinds, present, {}))
    new = tensor("new", [1, 2, 1, 4], [float(i) for i in range(8)])
    for past in (tensor("past", [1, 2, 0, 4], []), tensor("past", [1, 2, 0, 4], [[[], []]])):
        assert server.answer(past, new) == [([1, 2, 1, 4], new["data"])]
    both = server.answer(tensor("past", [0, 2, 3, 4], []), tensor("new", [0, 2, 1, 4], []))
    assert both == [([0, 2, 4, 4], [])]


def test_batch_without_rows_has_an_answer_without_rows(serve: Any) -> None:
    server = serve(linear())
    assert server.answer(tensor("x", [0, 3], [])) == [([0, 1], [])]
    head = json.dumps(
        {
            "inputs": [{"name": "x", "datatype": "FP32", "shape": [0, 3], "parameters": {"binary_data_size": 0}}],
            "parameters": {"binary_data_output": True},
        }
    ).encode()
    for _ in range(2):  # the second time its head may be known
        reply = httpx.post(
            f"{server.url}/v2/models/m/infer", content=head, headers={"inference-header-content-length": str(len(head))}
        )
        assert reply.json()["outputs"][0] | {"name": ""} == {
            "name": "",
            "datatype": "FP32",
            "shape": [0, 1],
            "parameters": {"binary_data_size": 0},
        }
    assert httpx.post(f"{server.url}/predict", json={"rows": []}).json()["predictions"] == []
    assert server.answer(tensor("x", [1, 3], [1, 2, 3])) == [([1, 1], [6.0])]


def test_operator_that_fails_without_rows_is_not_asked(serve: Any) -> None:
    node = helper.make_node("ArrayFeatureExtractor", ["x", "i"], ["y"], domain="ai.onnx.ml")
    inputs = [helper.make_tensor_value_info("x", FLOAT, ["n", 3])]
    graph = helper.make_graph(
        [node],
        "g",
        inputs,
        [helper.make_tensor_value_info("y", FLOAT, ["n", 1])],
        [helper.make_tensor("i", INT64, [1], [2])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    server = serve(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())
    assert server.answer(tensor("x", [0, 3], [])) == [([0, 1], [])]
    assert server.answer(tensor("x", [1, 3], [1, 2, 3])) == [([1, 1], [3.0])]


def test_size_of_0_is_refused_where_the_model_has_another(serve: Any) -> None:
    server = serve(linear())
    assert "shape is [1, 0], the model takes [-1, 3]" in server.refusal(tensor("x", [1, 0], []))
    free = serve(one_node("Relu", (FLOAT, ["n", "m"]), (FLOAT, ["n", "m"])))
    assert "other sizes are too large" in free.refusal(tensor("x", [10**9, 0], []))
    assert free.answer(tensor("x", [3, 0], [])) == [([3, 0], [])]


def test_one_dimension_for_two_free_ones_is_refused_with_both_ways_to_write_it(serve: Any) -> None:
    server = serve(one_node("Relu", (FLOAT, ["n", "m"]), (FLOAT, ["n", "m"])))
    said = server.refusal(tensor("x", [5], [1, 2, 3, 4, 5]))
    assert said.endswith("the model takes [-1, -1]: write [1, 5] for one row, or [5, 1] for 5 rows of one value")
    assert server.answer(tensor("x", [1, 2], [1, 2])) == [([1, 2], [1.0, 2.0])]
    column = serve(one_node("Relu", (FLOAT, ["n", 1]), (FLOAT, ["n", 1])))
    assert column.answer(tensor("x", [2], [1, 2])) == [([2, 1], [1.0, 2.0])]


def test_model_without_inputs_answers(serve: Any) -> None:
    value = helper.make_tensor("v", FLOAT, [3], [1, 2, 3])
    node = helper.make_node("Constant", [], ["y"], value=value)
    server = serve(build([node], {}, {"y": (FLOAT, [3])}, {}))
    assert server.answer() == [([3], [1.0, 2.0, 3.0])]
    assert httpx.post(f"{server.url}/v2/models/m/infer", json={}).status_code == 200
    assert "the model takes none" in server.refusal(tensor("x", [1], [1]))


# what the protocol's extensions ask for


@pytest.mark.parametrize(
    ("place", "parameters"),
    [
        ("outputs", {"classification": 3}),
        ("outputs", {"class_count": 1}),
        ("outputs", {"shared_memory_region": "r", "shared_memory_byte_size": 12}),
        ("inputs", {"shared_memory_region": "r", "shared_memory_byte_size": 12}),
        ("request", {"sequence_id": 7, "sequence_start": True}),
        ("request", {"sequence_id": "a"}),
        ("request", {"timeout": "soon"}),
        ("request", {"timeout": -1}),
    ],
)
def test_parameter_that_asks_for_another_answer_is_refused(serve: Any, place: str, parameters: dict[str, Any]) -> None:
    server = serve(linear())
    body: dict[str, Any] = {"inputs": [tensor("x", [1, 3], [1, 2, 3])], "outputs": [{"name": "y"}]}
    (body if place == "request" else body[place][0])["parameters"] = parameters
    reply = httpx.post(f"{server.url}/v2/models/m/infer", json=body)
    assert reply.status_code == 400
    assert f"parameter '{next(iter(parameters))}'" in reply.json()["error"]


def test_parameters_that_change_no_answer_are_ignored(serve: Any) -> None:
    server = serve(linear())
    harmless = {"priority": 2, "sequence_id": 0, "timeout": 0, "my_own": {"a": [1]}, "classification": 0}
    assert server.answer(tensor("x", [1, 3], [1, 2, 3]), parameters=harmless) == [([1, 1], [6.0])]


def test_configuration_is_what_tritons_clients_read(serve: Any) -> None:
    config = serve(linear()).get("/v2/models/m/config")
    assert config["max_batch_size"] > 0
    assert config["input"] == [{"name": "x", "data_type": "TYPE_FP32", "dims": [3]}]
    assert config["output"] == [{"name": "y", "data_type": "TYPE_FP32", "dims": [1]}]
    alone = serve(one_node("Relu", (FLOAT, [2, 3]), (FLOAT, [2, 3]))).get("/v2/models/m/config")
    assert (alone["max_batch_size"], alone["input"][0]["dims"]) == (0, [2, 3])


# values


def test_half_precision_is_numbers_in_json_too(serve: Any) -> None:
    server = serve(one_node("Relu", (FLOAT16, ["n", 2]), (FLOAT16, ["n", 2])))
    reply = server.post(tensor("x", [2, 2], [0.1, 1, -2, 65504], "FP16")).json()["outputs"][0]
    assert reply["datatype"] == "FP16"
    assert np.float16(reply["data"]).tolist() == np.float16([0.1, 1, 0, 65504]).tolist()
    assert "row 0: 100000.0 is out of range for FP16" in server.refusal(tensor("x", [1, 2], [1.0, 1e5]))
    described = server.get("/openapi.json")["paths"]
    for path, methods in described.items():
        if "post" in methods:
            example = methods["post"]["requestBody"]["content"]["application/json"]["example"]
            assert httpx.post(server.url + path, json=example).status_code == 200


def test_answer_that_json_cannot_carry_is_told_with_its_row_and_had_in_binary(serve: Any) -> None:
    server = serve(one_node("Log", (FLOAT, ["n", 1]), (FLOAT, ["n", 1])))
    rows = tensor("x", [3, 1], [1, -1, 0])
    said = server.refusal(rows, status=422)
    assert said == "output 'y' row 1 is NaN or infinite, which JSON cannot carry: ask for it with binary_data"
    reply = server.post(rows, parameters={"binary_data_output": True})
    values = np.frombuffer(reply.content[int(reply.headers["inference-header-content-length"]) :], np.float32)
    assert str(values.tolist()) == "[0.0, nan, -inf]"
    plain = httpx.post(f"{server.url}/predict", json=[{"x": 1}, {"x": -1}])
    assert (plain.status_code, "row 1" in plain.json()["error"]) == (422, True)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "Infinity", "nan"])
def test_nan_in_a_body_is_told_what_to_write(serve: Any, number: str) -> None:
    server = serve(linear())
    body = b'{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,%b,3]}]}' % number.encode()
    said = httpx.post(f"{server.url}/v2/models/m/infer", content=body).json()["error"]
    assert "write null for a missing number" in said


# files


def test_weights_beside_a_bare_model_are_served_and_belong_to_its_digest(serve: Any, tmp_path: Path) -> None:
    folder = beside(tmp_path / "m")
    server = serve(folder)
    assert server.answer(tensor("x", [1, 300], [1.0] * 300)) == [([1, 1], [300.0])]
    before = server.get("/v2/models/m")["parameters"]["digest"]
    (folder / "w.bin").write_bytes(np.full(300, 2, np.float32).tobytes())
    other = serve(folder)
    assert other.answer(tensor("x", [1, 300], [1.0] * 300)) == [([1, 1], [600.0])]
    assert other.get("/v2/models/m")["parameters"]["digest"] != before


@pytest.mark.parametrize("place", ["../w.bin", "absolute", "link", "folder link", "missing", "folder"])
def test_weights_elsewhere_are_not_read(serve: Any, tmp_path: Path, place: str) -> None:
    folder = beside(tmp_path / "m")
    outside = (folder / "w.bin").rename(tmp_path / "w.bin")
    location = {"../w.bin": place, "absolute": str(outside), "folder link": "up/w.bin"}.get(place, "w.bin")
    if place == "link":
        (folder / "w.bin").symlink_to(outside)
    elif place == "folder link":
        (folder / "up").symlink_to(tmp_path)
    elif place == "folder":
        (folder / "w.bin").mkdir()
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    model.graph.initializer[0].external_data[0].value = location
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    server = serve(folder)
    assert (server.reason, location in server.message) == ("ExternalData", True)


def beside(folder: Path) -> Path:
    folder.mkdir()
    model = onnx.load_from_string(linear(300))
    onnx.save(model, folder / "model.onnx", save_as_external_data=True, location="w.bin")
    return folder


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>", "is a web page"),
        (b"\x80\x04\x95\x10", "is a Python pickle"),
        (b"PK\x03\x04\x14", "is a zip archive"),
        (b'{"learner": {}}', "is JSON"),
        (linear()[:-20], "cut off"),
    ],
    ids=["empty", "Git LFS", "web page", "pickle", "zip", "JSON", "cut off"],
)
def test_what_lies_in_place_of_a_model_is_named(serve: Any, data: bytes, what: str) -> None:
    server = serve(data)
    assert server.reason == "InvalidModel"
    assert what in server.message


# types


def value(name: str, proto: Any) -> Any:
    return helper.make_value_info(name, proto)


BFLOAT16 = helper.make_tensor_type_proto(TensorProto.BFLOAT16, ["n", 3])
SEQUENCE = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None))
OPTIONAL = helper.make_optional_type_proto(helper.make_tensor_type_proto(FLOAT, ["n"]))
ROW = helper.make_tensor_type_proto(FLOAT, ["n", 3])
ONE = helper.make_tensor_type_proto(FLOAT, ["n"])


@pytest.mark.parametrize(
    ("node", "x", "y", "said"),
    [
        ("Identity", BFLOAT16, BFLOAT16, "put a Cast from float or float16 there"),
        ("SequenceLength", SEQUENCE, helper.make_tensor_type_proto(INT64, []), "make each an input of its own"),
        ("SequenceConstruct", ROW, SEQUENCE, "make each an output of its own"),
        ("OptionalGetElement", OPTIONAL, ONE, "export it as a plain tensor"),
    ],
)
def test_type_that_no_request_carries_is_told_with_what_to_do(serve: Any, node: str, x: Any, y: Any, said: str) -> None:
    server = serve(unchecked([helper.make_node(node, ["x"], ["y"])], [value("x", x)], [value("y", y)]))
    assert server.reason == "UnsupportedModel"
    assert said in server.message
    assert "zipmap" not in server.message


@pytest.mark.parametrize("classes", [[0, 1], ["no", "yes"]])
def test_dictionaries_of_the_usual_export_are_served_as_probabilities_by_class(serve: Any, classes: list[Any]) -> None:
    model = LogisticRegression().fit(ROWS, np.array(classes)[[0, 0, 0, 0, 1, 1]])
    server = serve(to_onnx(model, ROWS[:1], target_opset={"": 18, "ai.onnx.ml": 3}).SerializeToString())
    rows = [{"X": row} for row in ROWS.tolist()]
    for row, predicted in zip(ROWS, httpx.post(f"{server.url}/predict", json=rows).json()["predictions"], strict=True):
        assert predicted["label"] == model.predict([row])[0]
        assert list(predicted["probabilities"]) == list(map(str, classes))
        np.testing.assert_allclose(list(predicted["probabilities"].values()), model.predict_proba([row])[0], rtol=1e-4)
    assert server.get("/v2/models/m/config")["batching"]["enabled"]


def test_label_declared_as_one_for_any_number_of_rows_is_a_row_each(serve: Any) -> None:
    """As boosters' exports have it."""
    node = helper.make_node(
        "LinearClassifier", ["x"], ["label", "p"], domain="ai.onnx.ml",
        coefficients=[1.0, 0.0, 0.0, 1.0], intercepts=[0.0, 0.0], classlabels_ints=[0, 1], post_transform="SOFTMAX",
    )  # fmt: skip
    info = helper.make_tensor_value_info
    outputs = [info("label", INT64, [1]), info("p", FLOAT, [None, 2])]
    server = serve(unchecked([node], [info("x", FLOAT, [None, 2])], outputs, helper.make_opsetid("ai.onnx.ml", 3)))
    assert server.get("/v2/models/m")["outputs"][0]["shape"] == [-1]
    assert server.answer(tensor("x", [3, 2], [1, 0, 0, 1, 2, 1]), outputs=[{"name": "label"}]) == [([3], [0, 1, 0])]
    predicted = httpx.post(f"{server.url}/predict", json=[{"x": [0, 1]}, {"x": [1, 0]}]).json()["predictions"]
    assert [row["label"] for row in predicted] == [1, 0]
