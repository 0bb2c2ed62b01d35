"""A fitted pipeline as ONNX: one input per column under the dataset's own name, and the same bytes every time."""

from typing import Any

import onnx
from skl2onnx import to_onnx
from skl2onnx.common.data_types import BooleanTensorType, FloatTensorType, Int64TensorType, StringTensorType

from modelward_contracts.manifests import Task
from modelward_training.outcome import JobError

from .preprocess import Feature

OPSET = {"": 21, "ai.onnx.ml": 3}
"""Known to every onnxruntime that our scoring images have had."""
OUTPUTS: dict[Task, tuple[str, ...]] = {"classification": ("label", "probabilities"), "regression": ("prediction",)}
_TYPES = {
    "float": FloatTensorType,
    "integer": Int64TensorType,
    "boolean": BooleanTensorType,
    "string": StringTensorType,
}


def export(pipeline: Any, inputs: list[Feature], task: Task) -> bytes:
    types = [(feature.key, _TYPES[feature.kind]([None, 1])) for feature in inputs]
    options = {"zipmap": False} if task == "classification" else None
    # Without a name the exporter draws a random one, and no two exports have the same digest.
    try:
        model = to_onnx(pipeline, initial_types=types, options=options, target_opset=OPSET, name="model")
    except Exception as error:  # converters raise what they like
        said = (str(error).splitlines() or [""])[0][:300]
        raise JobError("ExportFailed", f"the estimator cannot be exported with these parameters: {said}") from error
    names = {feature.key: feature.column for feature in inputs}
    names |= dict(zip((output.name for output in model.graph.output), OUTPUTS[task], strict=True))
    _rename(model, names)
    return bytes(model.SerializeToString(deterministic=True))


def _rename(model: onnx.ModelProto, names: dict[str, str]) -> None:
    """Give inputs and outputs their own names; onnxruntime takes any text, only the exporter does not."""
    inner = {name for node in model.graph.node for name in node.output} | {
        item.name for item in model.graph.initializer
    }
    for name in sorted(set(names.values()) & (inner - set(names))):
        raise JobError("InvalidColumn", f"the column {name!r} has a name the exporter uses: rename it in prepare.sql")
    if len(set(names.values())) < len(names):
        taken = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
        raise JobError("InvalidColumn", f"{taken[0]!r} is the name of an output: rename the column in prepare.sql")
    for value in (*model.graph.input, *model.graph.output):
        value.name = names[value.name]
    _rename_uses(model.graph, names)


def _rename_uses(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _rename_uses(attribute.g, names)
