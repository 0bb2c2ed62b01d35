"""Small models, and folders as the fetch step leaves them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from modelward_contracts.manifests import Blob, GoldenRequest, GoldenRequests, ModelManifest, Signature, Tensor
from modelward_contracts.profile import ReferenceProfile, Signal
from modelward_contracts.wire import canonical, sha256

FLOAT, INT64, STRING, BOOL, DOUBLE = (
    TensorProto.FLOAT,
    TensorProto.INT64,
    TensorProto.STRING,
    TensorProto.BOOL,
    TensorProto.DOUBLE,
)


def build(nodes: list[Any], inputs: dict[str, Any], outputs: dict[str, Any], constants: dict[str, Any]) -> bytes:
    """`inputs`, `outputs`: name → (type, shape)."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def linear(width: int = 3, scale: float = 1.0) -> bytes:
    """y = scale · sum of a row's `width` floats; shape [n, 1]."""
    return build(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        {"x": (FLOAT, ["n", width])},
        {"y": (FLOAT, ["n", 1])},
        {"w": np.full((width, 1), scale, np.float32)},
    )


def columns() -> bytes:
    """Four columns of four types, each handed back as it came."""
    kinds = {"number": FLOAT, "count": INT64, "name": STRING, "flag": BOOL}
    return build(
        [helper.make_node("Identity", [name], [f"{name}_out"]) for name in kinds],
        {name: (kind, ["n", 1]) for name, kind in kinds.items()},
        {f"{name}_out": (kind, ["n", 1]) for name, kind in kinds.items()},
        {},
    )


def picky() -> bytes:
    """Fails at run time for an index above 9; its file is fine."""
    return build(
        [helper.make_node("Gather", ["table", "i"], ["y"])],
        {"i": (INT64, ["n", 1])},
        {"y": (FLOAT, ["n", 1])},
        {"table": np.arange(10, dtype=np.float32)},
    )


def bare(folder: Path, model: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model)
    return folder


def published(folder: Path, scale: float = 1.0, recorded_scale: float | None = None) -> tuple[Path, str]:
    """The linear model with manifest, profile and golden requests, and the manifest's digest."""
    model = linear(3, scale)
    signals = [
        Signal(name="a", source="input", kind="numeric", tensor="x", index=0, cuts=[0.0, 1.0], counts=[1, 1, 1, 0]),
        Signal(name="score", source="output", kind="numeric", tensor="y", cuts=[0.0], counts=[2, 1, 0]),
    ]
    golden = GoldenRequests(
        requests=[
            GoldenRequest(
                inputs=[{"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}],
                outputs=[{"name": "y", "datatype": "FP32", "shape": [1, 1], "data": [6 * (recorded_scale or scale)]}],
            )
        ]
    )
    parts = {
        "model.onnx": model,
        "profile.json": canonical(ReferenceProfile(rows=3, signals=signals)),
        "golden.json": canonical(golden),
    }
    blobs = {name: Blob(digest=sha256(data), bytes=len(data)) for name, data in parts.items()}
    manifest = ModelManifest(
        model_name="linear",
        task="regression",
        model=blobs["model.onnx"],
        signature=Signature(
            inputs=[Tensor(name="x", datatype="FP32", shape=[-1, 3])],
            outputs=[Tensor(name="y", datatype="FP32", shape=[-1, 1])],
            classes=[],
        ),
        profile=blobs["profile.json"],
        golden=blobs["golden.json"],
        dataset="sha256:" + "0" * 64,
        inputs_hash="sha256:" + "1" * 64,
    )
    bare(folder, model)
    for name, data in {**parts, "manifest.json": canonical(manifest)}.items():
        (folder / name).write_bytes(data)
    return folder, sha256(canonical(manifest))
