"""A fitted pipeline as ONNX: one input per column under the dataset's own name, and the same bytes every time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
from skl2onnx import to_onnx
from skl2onnx.common.data_types import (
    BooleanTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)

from modelward_contracts.manifests import Task
from modelward_onnx.graph import free, names, put_behind, rename
from modelward_onnx.narrow import rounded_down
from modelward_training.outcome import JobError

from .forest_votes import count_exactly
from .preprocess import Feature

OPSET = {"": 21, "ai.onnx.ml": 3}
"""Known to every onnxruntime that our scoring images have had."""
OUTPUTS: dict[Task, tuple[str, ...]] = {"classification": ("label", "probabilities"), "regression": ("prediction",)}
_TYPES = {
    "float": FloatTensorType,
    "integer": Int64TensorType,
    "long": Int64TensorType,
    "boolean": BooleanTensorType,
    "string": StringTensorType,
}


def export(pipeline: Any, inputs: list[Feature], task: Task) -> bytes:
    types = [(feature.key, _TYPES[feature.kind]([None, 1])) for feature in inputs]
    certain = hasattr(pipeline[-1], "predict_proba")
    options: dict[Any, Any] = {"zipmap": False} if certain else {}
    if type(pipeline[-1]).__name__ == "LinearSVC":
        options = {id(pipeline[-1]): {"raw_scores": True}}  # the exporter's own default is refused by itself
    _round_splits_down(pipeline[-1])
    # Without a name the exporter draws a random one, and no two exports have the same digest.
    try:
        with _halved(pipeline[-1]):
            model = to_onnx(pipeline, initial_types=types, options=options, target_opset=OPSET, name="model")
    except Exception as error:  # converters raise what they like
        said = (str(error).splitlines() or [""])[0][:300]
        raise JobError("ExportFailed", f"the estimator cannot be exported with these parameters: {said}") from error
    if _log_link(pipeline[-1]):
        _exponential(model.graph)
    count_exactly(model.graph, pipeline[-1])
    if task == "classification" and not certain:
        del model.graph.output[1:]  # scores, which are no probabilities
    named = [*(feature.column for feature in inputs), *OUTPUTS[task][: len(model.graph.output)]]
    wanted = dict(zip((value.name for value in (*model.graph.input, *model.graph.output)), named, strict=True))
    _rename(model.graph, wanted)
    in_order(model.opset_import)
    return bytes(model.SerializeToString(deterministic=True))


def in_order(opsets: Any) -> None:
    """The exporter lists operator sets in the order of a set, which differs from process to process."""
    ordered = sorted(opsets, key=lambda opset: opset.domain)
    del opsets[:]
    opsets.extend(ordered)


def _round_splits_down(estimator: Any) -> None:
    """Split points of Hist… estimators are doubles, which the exporter takes to the nearest float32: a value that lies
    there changes sides. Rounded down, `x <= point` stays what it was for every float32 x.
    """
    for tree in (tree for trees in getattr(estimator, "_predictors", []) for tree in trees):
        tree.nodes["num_threshold"] = rounded_down(tree.nodes["num_threshold"], np.float32)


@contextmanager
def _halved(estimator: Any) -> Iterator[None]:
    """Of two classes the exporter takes the softmax of plus and minus the decision: the logistic of its double."""
    if type(estimator).__name__ != "LinearDiscriminantAnalysis" or len(estimator.classes_) > 2:
        yield
        return
    whole = estimator.coef_, estimator.intercept_
    estimator.coef_, estimator.intercept_ = (each / 2 for each in whole)
    try:
        yield
    finally:
        estimator.coef_, estimator.intercept_ = whole


def _log_link(estimator: Any) -> bool:
    """Is the exponential of its sum of trees predicted (losses poisson and gamma)? The exporter leaves it out."""
    link = getattr(getattr(estimator, "_loss", None), "link", None)
    return type(link).__name__ == "LogLink"


def _exponential(graph: onnx.GraphProto) -> None:
    name = graph.output[0].name
    inner = free(f"{name}_logarithm", names(graph))
    put_behind(graph, name, inner)
    graph.node.append(onnx.helper.make_node("Exp", [inner], [name], name="exponential"))


def _rename(graph: onnx.GraphProto, wanted: dict[str, str]) -> None:
    """Give inputs and outputs their own names; onnxruntime takes any text, only the exporter does not."""
    for name in OUTPUTS["classification"] + OUTPUTS["regression"]:
        if list(wanted.values()).count(name) > 1:
            raise JobError("InvalidColumn", f"{name!r} is the name of an output: rename the column in prepare.sql")
    taken = names(graph) | set(wanted.values())
    inner = {name: free(name, taken) for name in sorted((names(graph) - set(wanted)) & set(wanted.values()))}
    rename(graph, inner | wanted)
