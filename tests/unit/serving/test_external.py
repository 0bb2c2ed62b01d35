"""Weights outside the file, wherever they hide."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from modelward_serving.model.external import external_files

from .models import bare, columns, linear
from .processes import serving
from .test_lifecycle import reason_of


def outside(name: str) -> TensorProto:
    tensor = numpy_helper.from_array(np.zeros(3, np.float32), name)
    set_external_data(tensor, "../../etc/passwd")
    tensor.ClearField("raw_data")
    return tensor


def in_initializer() -> bytes:
    model = onnx.load_from_string(linear())
    model.graph.initializer.append(outside("z"))
    return bytes(model.SerializeToString())


def in_subgraph() -> bytes:
    model = onnx.load_from_string(linear())
    inner = helper.make_graph([], "inner", [], [], [outside("z")])
    model.graph.node.append(helper.make_node("If", ["c"], ["y2"], then_branch=inner, else_branch=inner))
    return bytes(model.SerializeToString())


def in_constant() -> bytes:
    model = onnx.load_from_string(linear())
    model.graph.node.append(helper.make_node("Constant", [], ["z"], value=outside("z")))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("model", [in_initializer(), in_subgraph(), in_constant()])
def test_external_data_is_found(model: bytes) -> None:
    assert external_files(model) == ["../../etc/passwd"]


@pytest.mark.parametrize("model", [linear(), columns()])
def test_whole_models_pass(model: bytes) -> None:
    assert not external_files(model)


@pytest.mark.parametrize("data", [b"location\xff", b"\x3a\xff\xff\xff\x7flocation", b"location not ONNX at all"])
def test_other_bytes_are_no_model(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        external_files(data)


def test_model_with_external_data_never_turns_ready(tmp_path: Path) -> None:
    with serving(bare(tmp_path / "m", in_initializer()), ready=False) as server:
        assert reason_of(server)[0] == "ExternalData"
