"""What is proven of a row, a family of operators at a time: what keeps rows apart, and what does not."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from modelward_onnx.rows import Proof, prove

FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING
ML = "ai.onnx.ml"
F = np.float32


def node(op: str, inputs: str, outputs: str = "y", domain: str = "", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), outputs.split(), domain=domain, **attributes)


def model(
    nodes: list[onnx.NodeProto],
    x: Any = ("n", 4),
    kind: int = FLOAT,
    opset: int = 17,
    outputs: str = "y",
    more: dict[str, Any] | None = None,
    **constants: Any,
) -> onnx.ModelProto:
    inputs = [helper.make_tensor_value_info("x", kind, x)]
    inputs += [helper.make_tensor_value_info(name, of, shape) for name, (of, shape) in (more or {}).items()]
    graph = helper.make_graph(
        nodes,
        "test",
        inputs,
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs.split()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(ML, 3), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets)


def proof(*nodes: onnx.NodeProto, **given: Any) -> Proof:
    return prove(model(list(nodes), **given))


w = np.ones((4, 3), F)
square = np.ones((4, 4), F)
KEPT: dict[str, Proof] = {
    "elementwise": proof(node("Relu", "x")),
    "row of constants": proof(node("Add", "x c"), c=np.ones(4, F)),
    "constant with 1 for the rows": proof(node("Mul", "x c"), c=np.ones((1, 4), F)),
    "two inputs of the same rows": proof(node("Add", "x z"), more={"z": (FLOAT, ["other", 4])}),
    "layer": proof(node("MatMul", "x w", "h"), node("Add", "h b"), w=w, b=np.ones(3, F)),
    "gemm": proof(node("Gemm", "x w c", transB=1), w=w.T.copy(), c=np.ones(3, F)),
    "gemm turned twice": proof(node("Transpose", "x", "t"), node("Gemm", "t w", transA=1), w=w),
    "columns by a matrix": proof(
        node("Transpose", "x", "t"), node("MatMul", "w t", "h"), node("Transpose", "h"), w=w.T.copy()
    ),
    "softmax of a row": proof(node("Softmax", "x")),
    "softmax of a row, old": proof(node("Softmax", "x"), opset=11),
    "mean of a row": proof(node("ReduceMean", "x", axes=[-1])),
    "sum of a row, new": proof(node("ReduceSum", "x a", keepdims=0), a=np.array([1])),
    "argmax of a row": proof(node("ArgMax", "x", axis=1)),
    "best of a row": proof(node("TopK", "x k", "y i"), k=np.array([2])),
    "sums along a row": proof(node("CumSum", "x a"), a=np.array(1)),
    "layer norm": proof(node("LayerNormalization", "x s"), s=np.ones(4, F)),
    "norm of a row": proof(node("LpNormalization", "x")),
    "other columns": proof(node("Gather", "x i", axis=1), i=np.array([2, 0])),
    "embedding": proof(node("Gather", "t x"), kind=INT64, t=square),
    "part of the columns": proof(node("Slice", "x s e a"), s=np.array([1]), e=np.array([3]), a=np.array([1])),
    "all rows of a slice": proof(node("Slice", "x s e"), s=np.array([0, 1]), e=np.array([2**31 - 1, 3])),
    "columns beside each other": proof(node("Concat", "x x", axis=-1)),
    "halves": proof(node("Split", "x", "y z", axis=1), outputs="y z"),
    "flat image": proof(node("Flatten", "x"), x=("n", 2, 3)),
    "rows kept by 0": proof(node("Reshape", "x s"), x=("n", 2, 3), s=np.array([0, -1])),
    "rows kept by -1": proof(node("Reshape", "x s"), x=("n", 2, 3), s=np.array([-1, 6])),
    "there and back": proof(
        node("Reshape", "x a", "h"),
        node("MatMul", "h w", "m"),
        node("Reshape", "m b"),
        x=("n", 5, 4),
        a=np.array([-1, 4]),
        b=np.array([-1, 5, 3]),
        w=w,
    ),
    "shape of itself": proof(
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n"),
        node("Unsqueeze", "n a", "u"),
        node("Concat", "u rest", "t", axis=0),
        node("Reshape", "x t"),
        x=("n", "t", 2),
        zero=np.array(0),
        a=np.array([0]),
        rest=np.array([-1]),
    ),
    "expanded to the rows": proof(
        node("Shape", "x", "s"), node("Expand", "c s", "e"), node("Add", "x e"), c=np.ones((1, 4), F)
    ),
    "zeros for each row": proof(node("Shape", "x", "s"), node("ConstantOfShape", "s", "z"), node("Add", "x z")),
    "where a size is not -1": proof(
        node("Shape", "x", "s"),
        node("ConstantOfShape", "r", "ones", value=numpy_helper.from_array(np.array([1]))),
        node("Mul", "ones m", "minus"),
        node("Equal", "s minus", "q"),
        node("Where", "q ones s", "t"),
        node("Expand", "c t", "e"),
        node("Add", "x e"),
        r=np.array([2]),
        m=np.array(-1),
        c=np.ones((1, 4), F),
    ),
    "turned and back": proof(node("Transpose", "x", "t"), node("ReduceSum", "t a", keepdims=0), a=np.array([0])),
    "image": proof(
        node("Conv", "x k", "c"),
        node("MaxPool", "c", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "p", "f"),
        node("Reshape", "p s", "r"),
        node("Add", "f r"),
        x=("n", 1, 28, 28),
        k=np.ones((8, 1, 3, 3), F),
        s=np.array([-1, 8 * 13 * 13]),
    ),
    "batch norm": proof(node("BatchNormalization", "x c c c c"), x=("n", 4, 5), c=np.ones(4, F)),
    "larger image": proof(node("Resize", "x r s"), x=("n", 1, 4, 4), r=np.array([], F), s=np.array([1, 1, 2, 2], F)),
    "sequences along axis 1": proof(
        node("Transpose", "x", "t", perm=[1, 0, 2]),
        node("LSTM", "t w r", "o h", hidden_size=2),
        node("Squeeze", "h a"),
        x=("n", "steps", 4),
        w=np.ones((1, 8, 4), F),
        r=np.ones((1, 8, 2), F),
        a=np.array([0]),
    ),
    "stacks of matrices": proof(node("Transpose", "x", "t", perm=[0, 2, 1]), node("MatMul", "x t"), x=("n", 5, 4)),
    "einsum by row": proof(node("Einsum", "x w", equation="nij,jk->nik"), x=("n", 5, 4), w=w),
    "known scale": proof(node("QuantizeLinear", "x s z"), s=np.array(0.1, F), z=np.array(0, np.uint8)),
    "text to index": proof(
        node("LabelEncoder", "x", domain=ML, keys_strings=["a"], values_int64s=[1]), kind=STRING, x=("n", 1)
    ),
    "trees": proof(node("LinearRegressor", "x", domain=ML, coefficients=[1.0] * 4, targets=1)),
    "scaler": proof(node("Scaler", "x", domain=ML, offset=[0.0] * 4, scale=[1.0] * 4)),
    "words counted": proof(
        node("Tokenizer", "x", "t", domain="com.microsoft", mark=0, mincharnum=1, pad_value="#", tokenexp="[a-z]+"),
        node(
            "TfIdfVectorizer",
            "t",
            mode="TF",
            min_gram_length=1,
            max_gram_length=1,
            max_skip_count=0,
            ngram_counts=[0],
            ngram_indexes=[0, 1],
            pool_strings=["a", "b"],
        ),
        kind=STRING,
        x=("n",),
    ),
    "dead ends": proof(node("CumSum", "x a", "unused"), node("Relu", "x"), a=np.array(0)),
}

MIXED: dict[str, tuple[Proof, str]] = {
    "softmax over rows": (proof(node("Softmax", "x", axis=0)), "Softmax 'y' runs over the rows (axis 0)"),
    "softmax over all, old": (proof(node("Softmax", "x", axis=0), opset=12), "Softmax 'y' runs over"),
    "argmax by default": (proof(node("ArgMax", "x")), "ArgMax 'y' runs over"),
    "mean of all": (proof(node("ReduceMean", "x", "m"), node("Sub", "x m")), "ReduceMean 'm' runs over"),
    "mean over rows": (proof(node("ReduceMean", "x", "m", axes=[-2]), node("Sub", "x m")), "ReduceMean 'm' runs over"),
    "running sum": (proof(node("CumSum", "x a"), a=np.array(0)), "CumSum 'y' adds up along the rows"),
    "best rows": (proof(node("TopK", "x k", "y i", axis=0), k=np.array([1])), "TopK 'y' picks among the rows"),
    "pairs": (proof(node("Transpose", "x", "t"), node("MatMul", "x t")), "MatMul 'y' brings each row together"),
    "covariance": (proof(node("Transpose", "x", "t"), node("MatMul", "t x")), "MatMul 'y' sums over the rows"),
    "constant by place": (proof(node("Add", "x c"), c=np.ones((3, 4), F)), "Add 'y' has a constant of its own"),
    "expanding constant": (
        proof(node("Add", "x c"), x=("n",), c=np.ones((3, 1), F)),
        "the output 'y' has its rows along axis 1",
    ),
    "rows as columns": (proof(node("Transpose", "x", "t"), node("Add", "x t"), x=("n", 1)), "Add 'y' brings each row"),
    "neighbours": (
        proof(node("Slice", "x s e a"), s=np.array([0]), e=np.array([-1]), a=np.array([0])),
        "Slice 'y' takes some",
    ),
    "first row": (proof(node("Gather", "x i"), i=np.array([0])), "Gather 'y' picks some of the rows"),
    "doubled": (proof(node("Concat", "x x", axis=0)), "Concat 'y' lays rows one after the other"),
    "tiled": (proof(node("Tile", "x r"), r=np.array([2, 1])), "Tile 'y' repeats the rows"),
    "padded": (proof(node("Pad", "x p"), p=np.array([1, 0, 0, 0])), "Pad 'y' adds to the rows"),
    "regrouped": (proof(node("Reshape", "x s"), s=np.array([-1, 8])), "Reshape 'y' makes rows of parts of several"),
    "regrouped by a free length": (
        proof(node("Reshape", "x s"), x=("n", "t"), s=np.array([-1, 4])),
        "Reshape 'y' makes rows",
    ),
    "halved": (proof(node("Reshape", "x s"), s=np.array([-1, 2])), "the output 'y' has several entries for each row"),
    "squeezed": (proof(node("Squeeze", "x"), x=("n", 1)), "Squeeze 'y' drops every dimension of 1"),
    "number of rows": (
        proof(node("Shape", "x", "s"), node("Cast", "s", "f", to=FLOAT), node("Div", "x f")),
        "computes with the number of rows",
    ),
    "place among the rows": (
        proof(
            node("Shape", "x", "s"),
            node("Gather", "s z", "n"),
            node("Range", "z n o", "r"),
            z=np.array(0),
            o=np.array(1),
        ),
        "",
    ),
    "sequence along the rows": (
        proof(
            node("LSTM", "x w r", "o h", hidden_size=2),
            x=("n", 1, 4),
            w=np.ones((1, 8, 4), F),
            r=np.ones((1, 8, 2), F),
            outputs="o",
        ),
        "LSTM 'o' takes the rows for the steps of a sequence",
    ),
    "training": (
        proof(node("BatchNormalization", "x c c c c", "y m v", training_mode=1), x=("n", 4, 5), c=np.ones(4, F)),
        "BatchNormalization 'y' takes mean and variance over the rows",
    ),
    "dropout": (proof(node("Dropout", "x r t"), r=np.array(0.5, F), t=np.array(True)), "Dropout 'y' draws at random"),
    "noise": (proof(node("RandomNormalLike", "x")), "RandomNormalLike 'y' draws at random"),
    "noise of a constant": (
        proof(node("RandomNormal", "", "r", shape=[1, 4]), node("Add", "x r")),
        "RandomNormal 'r' draws",
    ),
    "dynamic quantization": (
        proof(node("DynamicQuantizeLinear", "x", "y s z")),
        "takes its scale from the values of all rows",
    ),
    "scale by place": (
        proof(node("QuantizeLinear", "x s z", axis=0), s=np.ones(3, F), z=np.zeros(3, np.uint8)),
        "QuantizeLinear 'y' has a scale",
    ),
    "places that are not 0": (proof(node("NonZero", "x")), "NonZero 'y' yields as many places"),
    "look-up among rows": (
        proof(node("Gather", "x i"), more={"i": (INT64, ["k"])}),
        "Gather 'y' looks up by a request's numbers",
    ),
    "memory": (proof(node("MatMul", "x z"), more={"z": (FLOAT, ["m", 4])}), "MatMul 'y' sums over the rows"),
    "einsum over rows": (proof(node("Einsum", "x", equation="ni->i")), "Einsum 'y' sums over the rows"),
    "einsum of pairs": (proof(node("Einsum", "x x", equation="ni,mi->nm")), "Einsum 'y' brings each row"),
    "row for a table": (proof(node("LinearRegressor", "x", domain=ML, coefficients=[1.0]), x=("n",)), "for one row"),
    "no rows": (proof(node("Relu", "c"), c=np.ones(4, F)), "the output 'y' has no rows"),
    "other operators": (proof(node("Mystery", "x")), "Mystery 'y' is no operator that is known"),
    "fixed rows": (proof(node("Relu", "x"), x=(2, 4)), "the input 'x' has no free first dimension"),
    "unknown rank": (proof(node("Relu", "x"), x=None), "the input 'x' has a shape that the model does not tell"),
    "old opset": (proof(node("Relu", "x"), opset=6), "the model is of opset 6"),
    "filled-up texts": (
        proof(
            node("Tokenizer", "x", domain="com.microsoft", mark=0, mincharnum=1, pad_value="#", tokenexp="[a-z]+"),
            kind=STRING,
            x=("n",),
        ),
        "filled up to the longest of all rows",
    ),
    "words left out": (
        proof(node("StringNormalizer", "x", stopwords=["a"]), kind=STRING, x=("n",)),
        "leaves out texts",
    ),
    "places in the whole batch": (
        proof(node("MaxPool", "x", "p y", kernel_shape=[2]), x=("n", 1, 4)),
        "MaxPool 'p' counts places through all rows",
    ),
}


@pytest.mark.parametrize("case", KEPT)
def test_graph_that_keeps_rows_apart_is_proven(case: str) -> None:
    assert KEPT[case] == Proof(True)


@pytest.mark.parametrize("case", MIXED)
def test_graph_that_may_mix_rows_is_refused_and_the_operator_is_named(case: str) -> None:
    found, reason = MIXED[case]
    assert not found.independent
    assert reason in found.reason


def test_only_outputs_that_are_served_count() -> None:
    both = model([node("Relu", "x"), node("Softmax", "x", "z", axis=0)], outputs="y z")
    assert not prove(both).independent
    assert prove(both, ["y"]).independent


def test_functions_of_the_model_are_looked_into() -> None:
    for axis in (1, 0):
        inner = [node("Softmax", "a", "b", axis=axis)]
        function = helper.make_function("own", "Best", ["a"], ["b"], inner, [helper.make_opsetid("", 17)])
        made = model([node("Best", "x", domain="own")])
        made.functions.append(function)
        made.opset_import.append(helper.make_opsetid("own", 1))
        assert prove(made).independent == (axis == 1)


def test_branch_that_is_not_followed_is_named() -> None:
    branch = helper.make_graph([node("Identity", "x", "b")], "g", [], [helper.make_tensor_value_info("b", FLOAT, None)])
    found = proof(node("If", "c", then_branch=branch, else_branch=branch), c=np.array(True))
    assert found == Proof(False, "If 'y' holds a graph of its own, which is not followed")
