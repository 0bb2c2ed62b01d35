"""What rounding may do is derived: right models in single precision stay within, wrong ones do not."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from modelward_training.publish import rounding


def forest(trees: int, leaf: float) -> onnx.ModelProto:
    """Stumps that give +leaf or -leaf."""
    draw = np.random.default_rng(5)
    ids, nodes = np.repeat(np.arange(trees), 3), np.tile([0, 1, 2], trees)
    ensemble = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=ids,
        nodes_nodeids=nodes,
        nodes_featureids=np.zeros(3 * trees, int),
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"] * trees,
        nodes_values=np.where(nodes == 0, draw.normal(size=3 * trees), 0.0),
        nodes_truenodeids=np.where(nodes == 0, 1, 0),
        nodes_falsenodeids=np.where(nodes == 0, 2, 0),
        target_treeids=np.repeat(np.arange(trees), 2),
        target_nodeids=np.tile([1, 2], trees),
        target_ids=np.zeros(2 * trees, int),
        target_weights=np.tile([leaf, -leaf], trees),
    )
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph([ensemble], "g", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 3)], ir_version=8)


def test_sum_of_trees_in_single_precision_stays_within_and_a_shift_does_not() -> None:
    model = forest(1000, 0.1)
    allowed = rounding.of_trees(model)
    assert allowed == pytest.approx(8 * np.sqrt(1001) * 2**-24 * 100)
    terms = np.random.default_rng(6).choice([0.1, -0.1], size=(500, 1000)).astype(np.float32)
    single = np.array([np.add.accumulate(row)[-1] for row in terms])
    assert np.abs(single - terms.astype(float).sum(axis=1)).max() < allowed < 0.01


def test_exponential_turns_an_absolute_error_into_a_relative_one() -> None:
    native = np.array([500.0, 1000.0])
    plain, raised = (rounding.allowed(native, 1e-2, None, exponential) for exponential in (False, True))
    assert plain == pytest.approx([1e-2, 1e-2])
    assert raised / native == pytest.approx(np.expm1([1e-2, 1e-2]), rel=0.01)


def test_cancellation_is_allowed_what_a_rounding_of_the_inputs_does() -> None:
    year = np.linspace(1990, 2020, 200).astype(np.float32).reshape(-1, 1)
    moved = rounding.nudged({"year": year})["year"]
    assert np.abs(moved - year).max() < 3e-4
    change = 1e4 * np.abs(moved - year).reshape(-1).astype(float)
    native = 1e4 * (year.reshape(-1).astype(float) - 2005)
    assert (rounding.allowed(native, 0, change, False) >= change).all()


def test_inputs_that_are_missing_or_whole_are_not_nudged() -> None:
    inputs = {"n": np.array([[7]]), "x": np.array([[np.nan], [np.inf]], np.float32)}
    moved = rounding.nudged(inputs)
    assert moved["n"].tolist() == [[7]]
    assert np.array_equal(moved["x"], inputs["x"], equal_nan=True)
