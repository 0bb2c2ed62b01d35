"""How far apart two right evaluations of one model may be, because float32 is not exact.

u = 2**-24 is the unit roundoff of float32. A sum of n numbers, in whatever order, is off by at most
4 sqrt(n) u sum|x| with near certainty (Higham and Mary, A new approach to probabilistic rounding error analysis, 2019,
with lambda = 4); the worst case, n u sum|x|, never occurs in practice. Both sides may have been evaluated in float32,
so twice that.

* Trees: n is their number, and sum|x| is at most the sum of each tree's largest leaf plus the base value.
* Other models: n and the terms are inside the graph. They err as if their inputs were off by a rounding (the backward
  error of sums of products), so they are run once more on inputs moved by 2u: what an output moves then, four times
  over and both ways, is allowed. That is how much a line through years or prices loses to cancellation.
* An exponential at the end (Poisson, gamma, Tweedie) turns the absolute error e of its argument into a relative error
  of exp(e) - 1 of the prediction.

RELATIVE of a number's size and PROBABILITY are allowed in any case: 168 u, the rounding of a dense layer of 440 terms
by the formula above, and 1678 u.
"""

import math
from typing import Any

import numpy as np
import onnx

from modelward_onnx.graph import ML

Array = np.ndarray[Any, Any]
UNIT = 2.0**-24
LAMBDA = 4.0
RELATIVE = 1e-5
PROBABILITY = 1e-4


def of_trees(model: onnx.ModelProto) -> float:
    """The absolute error of the sum over all trees; 0 without trees."""
    return sum(_of_node(node) for node in model.graph.node if node.domain == ML and node.op_type in TREES)


def has_trees(model: onnx.ModelProto) -> bool:
    return any(node.domain == ML and node.op_type in TREES for node in model.graph.node)


def ends_in_exponential(model: onnx.ModelProto, output: str) -> bool:
    """Is an Exp the last that is done to an output, but for what only moves or casts it?"""
    makers = {name: node for node in model.graph.node for name in node.output}
    node = makers.get(output)
    while node is not None and node.op_type in ("Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"):
        node = makers.get(node.input[0])
    return node is not None and node.op_type == "Exp"


def nudged(inputs: dict[str, Array]) -> dict[str, Array]:
    """The inputs with each float moved by its rounding, up or down by turns."""
    moved = {}
    for number, (name, values) in enumerate(inputs.items()):
        if values.dtype.kind == "f":
            signs = np.where((np.arange(len(values)) + number) % 2, 1, -1).reshape(-1, *[1] * (values.ndim - 1))
            factors = (1 + signs * np.finfo(values.dtype).eps).astype(values.dtype)
            moved[name] = np.where(np.isfinite(values), values * factors, values)
        else:
            moved[name] = values
    return moved


def allowed(native: Array, trees: float, moved: Array | None, exponential: bool) -> Array:
    """What each prediction of a regression may be off.

    `trees`: absolute error of a sum of trees. `moved`: how far each prediction went when inputs were nudged.
    """
    size = np.maximum(np.abs(native), np.median(np.abs(native)))
    bound = RELATIVE * np.where(size > 0, size, 1)
    if exponential:
        with np.errstate(divide="ignore"):
            argument = np.abs(np.log(np.abs(native)))
        argument = np.where(np.isfinite(argument), argument, 0)
        bound = np.maximum(bound, np.abs(native) * np.expm1(trees + RELATIVE * argument))
    else:
        bound = np.maximum(bound, trees)
    if moved is not None:
        bound = np.maximum(bound, 2 * LAMBDA * np.maximum(moved, np.median(moved)))
    return bound


def of_probability(trees: float, moved: Array | None, epsilon: float) -> float:
    """What a probability may be off: a logistic or softmax passes at most a quarter of its argument's error on.

    `epsilon`: of the output's own type, which decides for FP16.
    """
    nudged = 0.0 if moved is None else 2 * LAMBDA * float(np.quantile(moved, 0.99))
    return max(PROBABILITY, trees / 4, nudged, 4 * epsilon)


TREES = ("TreeEnsembleRegressor", "TreeEnsembleClassifier", "TreeEnsemble")


def _of_node(node: onnx.NodeProto) -> float:
    values = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    kind = "class" if node.op_type == "TreeEnsembleClassifier" else "target"
    if node.op_type == "TreeEnsemble":
        roots = len(values["tree_roots"])
        leaves = np.abs(onnx.numpy_helper.to_array(values["leaf_weights"]).astype(float))
        return 2 * LAMBDA * math.sqrt(roots) * UNIT * roots * float(leaves.max(initial=0))
    weights = _numbers(values, f"{kind}_weights")
    trees, at = np.unique(np.asarray(values.get(f"{kind}_treeids", []), int), return_inverse=True)
    targets = np.asarray(values.get(f"{kind}_ids", []), int)
    largest = np.zeros((int(targets.max(initial=0)) + 1, len(trees)))
    np.maximum.at(largest, (targets, at), np.abs(weights))
    total = float(largest.sum(axis=1).max(initial=0)) + float(np.abs(_numbers(values, "base_values")).max(initial=0))
    if values.get("aggregate_function", b"SUM") == b"AVERAGE":
        total /= max(1, len(trees))
    return 2 * LAMBDA * math.sqrt(len(trees) + 1) * UNIT * total


def _numbers(values: dict[str, Any], name: str) -> Array:
    if f"{name}_as_tensor" in values:
        return onnx.numpy_helper.to_array(values[f"{name}_as_tensor"]).astype(float)
    return np.asarray(values.get(name, []), float)
