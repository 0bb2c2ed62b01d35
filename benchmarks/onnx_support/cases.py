"""The models that the onnx package brings with its tests, and what to ask them."""

import io
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.loader import load_model_tests

FILES = ("simple", "pytorch-converted", "pytorch-operator")
DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"


@dataclass(frozen=True)
class Case:
    name: str
    kind: str
    """Which of onnx's collections it is from."""
    model: bytes
    asked: list[dict[str, Any]]
    """Values by input, of each request. What is no tensor is None."""
    expected: list[list[Any]]
    """What onnx says is right, of each request; nothing where it says nothing."""


def cases() -> Iterator[Case]:
    """All, each once, in the order of their names within a collection."""
    yield from _nodes()
    for kind in FILES:
        for test in sorted(load_model_tests(kind=kind), key=lambda test: str(test.name)):
            yield _file(test.name, kind, Path(str(test.model_dir)))
    for path in sorted((DATA / "light").glob("*.onnx")):
        yield _light(path)


def _nodes() -> Iterator[Case]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with redirect_stdout(io.StringIO()):
            found = collect_testcases(None)
    for test in sorted({test.name: test for test in found}.values(), key=lambda test: str(test.name)):
        yield _case(
            test.name,
            "node",
            test.model or ModelProto(),
            [list(inputs) for inputs, _ in test.data_sets or ()],
            [list(outputs) for _, outputs in test.data_sets or ()],
        )


def _file(name: str, kind: str, folder: Path) -> Case:
    model = onnx.load(folder / "model.onnx")
    sets = sorted(folder.glob("test_data_set_*"))
    asked, expected = (
        [_stored(data, what, values) for data in sets]
        for what, values in (("input", model.graph.input), ("output", model.graph.output))
    )
    return _case(name, kind, model, asked, expected)


def _stored(folder: Path, what: str, values: Any) -> list[Any]:
    stored: list[Any] = []
    for number, value in enumerate(values):
        path = folder / f"{what}_{number}.pb"
        if path.exists() and value.type.HasField("tensor_type"):
            tensor = onnx.TensorProto.FromString(path.read_bytes())
            stored.append(numpy_helper.to_array(tensor))
        elif path.exists():
            stored.append(None)
    return stored


def _light(path: Path) -> Case:
    """A whole network whose weights are made when it runs."""
    model = onnx.load(path)
    weights = {tensor.name for tensor in model.graph.initializer}
    taken = [value for value in model.graph.input if value.name not in weights]
    random = np.random.default_rng(1)
    shapes = [[size.dim_value or 1 for size in value.type.tensor_type.shape.dim] for value in taken]
    return _case(path.stem, "light", model, [[random.random(shape, np.float32) for shape in shapes]], [])


def _case(name: str, kind: str, model: ModelProto, asked: list[list[Any]], expected: list[list[Any]]) -> Case:
    weights = {tensor.name for tensor in model.graph.initializer}
    names = [value.name for value in model.graph.input]
    if asked and len(asked[0]) < len(names):
        names = [name for name in names if name not in weights]
    return Case(
        name,
        kind,
        model.SerializeToString(),
        [dict(zip(names, map(_array, values), strict=False)) for values in asked],
        [list(map(_array, values)) for values in expected],
    )


def _array(value: Any) -> Any:
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, np.ndarray | np.generic | float | int | bool):
        return np.asarray(value)
    return None
