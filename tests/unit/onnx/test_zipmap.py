"""A ZipMap at the end gives way to the tensor before it: same name, same numbers, and its keys are told."""

from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from modelward_onnx.zipmap import unzip


def with_zipmap(keys: dict[str, list[Any]], opsets: dict[str, int]) -> onnx.ModelProto:
    """Two scores a row; the probabilities' tensor is an output as well, so that both can be compared."""
    info = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Normalizer", ["x"], ["before"], norm="L1", domain="ai.onnx.ml"),
        helper.make_node("ZipMap", ["before"], ["output_probability"], domain="ai.onnx.ml", **keys),
    ]
    key = TensorProto.STRING if "classlabels_strings" in keys else TensorProto.INT64
    entry = helper.make_map_type_proto(key, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    zipped = helper.make_value_info("output_probability", helper.make_sequence_type_proto(entry))
    graph = helper.make_graph(
        nodes, "g", [info("x", TensorProto.FLOAT, [None, 2])], [zipped, info("before", TensorProto.FLOAT, [None, 2])]
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def run(model: onnx.ModelProto, x: np.ndarray[Any, Any]) -> list[Any]:
    onnx.checker.check_model(model)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, {"x": x}))


@pytest.mark.parametrize("opsets", [{"ai.onnx.ml": 1}, {"ai.onnx.ml": 3, "": 17}])
@pytest.mark.parametrize(
    ("keys", "classes"),
    [
        ({"classlabels_strings": ["elm", "fir"]}, ["elm", "fir"]),
        ({"classlabels_int64s": [7, -1]}, ["7", "-1"]),
    ],
)
def test_zipmap_at_the_end_is_replaced_by_the_tensor_before_it(
    keys: dict[str, list[Any]], classes: list[str], opsets: dict[str, int]
) -> None:
    model, x = with_zipmap(keys, opsets), np.array([[1, 3], [2, 2], [9, 1]], np.float32)
    zipped, before = run(model, x)
    assert unzip(model) == {"output_probability": classes}
    tensor, same = run(model, x)
    assert np.array_equal(tensor, before)
    assert np.array_equal(same, before)
    assert [{str(key): value for key, value in row.items()} for row in zipped] == [
        dict(zip(classes, row, strict=True)) for row in tensor.tolist()
    ]


def test_model_without_zipmap_stays_as_it_is() -> None:
    model = with_zipmap({"classlabels_strings": ["a", "b"]}, {"ai.onnx.ml": 3})
    unzip(model)
    data = model.SerializeToString(deterministic=True)
    assert unzip(model) == {}
    assert model.SerializeToString(deterministic=True) == data


def test_zipmap_of_skl2onnx_is_replaced() -> None:
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    y = np.where(x[:, 0] > 0, "yes", "no")
    line = LogisticRegression().fit(x, y)
    model = to_onnx(line, x[:1])
    assert list(unzip(model).values()) == [["no", "yes"]]
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    label, probabilities = session.run(None, {session.get_inputs()[0].name: x})
    assert label.tolist() == line.predict(x).tolist()
    assert np.abs(probabilities - line.predict_proba(x)).max() < 1e-6
