"""A forest's votes as ONNX counts them exactly, so that classes with as many votes as each other stay so.

Exported as it is, each of 100 trees adds 0.01 as float32 says it: 50 of them are 0.5 or a digit beside it, and which of
two classes wins is left to rounding. Here a tree adds a power of two times its vote, and the sum is divided at the end.
"""

from typing import Any

import numpy as np
import onnx

from modelward_onnx.graph import ML, free, names, put_behind

SURE = 1e-6
"""A leaf's share this near to 0 or 1 is one: the exporter has rounded it."""


def count_exactly(graph: onnx.GraphProto, estimator: Any) -> None:
    """Edit the export of a classifier that means its trees' probabilities; others are left as they are."""
    trees = [node for node in graph.node if node.domain == ML and node.op_type == "TreeEnsembleClassifier"]
    if type(estimator).__name__ not in ("RandomForestClassifier", "ExtraTreesClassifier") or len(trees) != 1:
        return
    node, number = trees[0], len(estimator.estimators_)
    unit = 2.0 ** -np.ceil(np.log2(number))
    (weights,) = (attribute for attribute in node.attribute if attribute.name == "class_weights")
    shares = np.asarray(weights.floats, float) * number
    shares = np.where(np.abs(shares - np.round(shares)) < SURE, np.round(shares), shares)
    weights.floats[:] = (shares * unit).tolist()
    middle = 0.0
    if len(estimator.classes_) == 2:
        # onnxruntime gives the second class beyond 0.5, which half of the votes must be.
        middle = 0.5 - number * unit / 2
        node.attribute.append(onnx.helper.make_attribute("base_values", [middle]))
    _shares(graph, node.output[1], middle, number * unit)


def _shares(graph: onnx.GraphProto, output: str, middle: float, whole: float) -> None:
    """The output becomes what it was, less `middle`, of `whole`."""
    taken = names(graph)
    summed, votes, base, total = (free(f"{output}_{name}", taken) for name in ("summed", "votes", "base", "total"))
    put_behind(graph, output, summed)
    for name, number in ((base, middle), (total, whole)):
        graph.initializer.append(onnx.numpy_helper.from_array(np.array([number], np.float32), name))
    graph.node.append(onnx.helper.make_node("Sub", [summed, base], [votes], name="votes"))
    graph.node.append(onnx.helper.make_node("Div", [votes, total], [output], name="shares"))
