"""The walk over the graph, from the inputs to the outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx.inliner
from onnx import AttributeProto, NodeProto, helper, numpy_helper

from modelward_onnx.zipmap import unzip

from . import along, elementwise, indexing, learners, matrices, networks, shapes, transformers
from .rule import ONNX, RULES
from .size import ROWS, Size, fresh, size
from .tensor import MAX_ELEMENTS, Drawn, Mixed, Node, Tensor, constant, plain, with_rows

FAMILIES = (along, elementwise, indexing, learners, matrices, networks, shapes, transformers)
"""Imported for their rules."""
OLDEST = 7
"""The first opset whose operators broadcast as numpy does, and the first that onnxruntime vouches for."""
RANDOM = {
    *("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
    *("BiasDropout", "BitmaskDropout", "BitmaskBiasDropout"),
}
KNOWN_TO_MIX = {
    "DynamicQuantizeLinear": "takes its scale from the values of all rows",
    "DynamicQuantizeMatMul": "takes its scale from the values of all rows",
    "DynamicQuantizeLSTM": "takes its scale from the values of all rows",
    "NonZero": "yields as many places as there are values other than 0, counted through all rows",
    "Unique": "yields the different values of all rows",
    "Compress": "picks some of the rows by what is computed",
    "NonMaxSuppression": "compares the boxes of all rows",
    "RoiAlign": "cuts regions out of images by their number among the rows",
}


@dataclass(frozen=True)
class Proof:
    """Whether rows of several requests may run together, and if not, a sentence that says what stands in the way."""

    independent: bool
    reason: str = ""


def prove_bytes(data: bytes, outputs: Sequence[str] | None = None) -> Proof:
    """`outputs`: those that are served, where not all are; dictionaries never are. Never raises: what cannot be read
    is not proven."""
    try:
        model = onnx.load_model_from_string(data)
        unzip(model)
        return prove(model, outputs)
    except Exception as error:
        return Proof(False, f"the graph cannot be read: {_first_line(error)}")


def prove(model: onnx.ModelProto, outputs: Sequence[str] | None = None) -> Proof:
    try:
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
        return _Walk(model).prove(outputs)
    except Mixed as mixed:
        return Proof(False, str(mixed))


class _Walk:
    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self._versions = {_domain(one.domain): one.version for one in model.opset_import}
        self._functions = {(_domain(one.domain), one.name) for one in model.functions}
        """Those that could not be written out."""
        self._tensors: dict[str, Tensor] = {}

    def prove(self, outputs: Sequence[str] | None) -> Proof:
        if 0 < self._versions.get(ONNX, OLDEST) < OLDEST:
            raise Mixed(f"the model is of opset {self._versions[ONNX]}; of opsets before {OLDEST} nothing is proven")
        self._begin(self._graph)
        for node in self._graph.node:
            for name, tensor in zip(node.output, self._yield(node), strict=False):
                if name:
                    self._tensors[name] = tensor
        for value in self._graph.output:
            if outputs is None or value.name in outputs:
                self._check_output(value.name)
        return Proof(True)

    def _begin(self, graph: onnx.GraphProto) -> None:
        for tensor in graph.initializer:
            self._tensors[tensor.name] = _initializer(tensor)
        for sparse in graph.sparse_initializer:
            self._tensors[sparse.values.name] = plain(tuple(map(size, sparse.dims)))
        inputs = [value for value in graph.input if value.name not in self._tensors]
        if not inputs:
            raise Mixed("the model has no inputs")
        for value in inputs:
            self._tensors[value.name] = _input(value)

    def _check_output(self, name: str) -> None:
        tensor = self._tensors.get(name)
        if tensor is None:
            raise Mixed(f"nothing is known of the output '{name}'")
        if tensor.unknown is not None:
            raise Mixed(tensor.unknown)
        if tensor.padding is not None:
            raise Mixed(f"the output '{name}' is filled up to the longest of all rows")
        if not tensor.of_rows:
            raise Mixed(f"the output '{name}' has no rows: it is the same for all requests")
        if tensor.axis != 0 or tensor.dims[0] != Size(1, (ROWS,)):
            where = f"has its rows along axis {tensor.axis}" if tensor.axis else "has several entries for each row"
            raise Mixed(f"the output '{name}' {where}")

    def _yield(self, proto: NodeProto) -> list[Tensor]:
        """What is not known of an input is not known of what comes of it, for the same reason."""
        inputs = [self._tensors.get(name, _missing(name)) if name else None for name in proto.input]
        count = len(proto.output)
        for tensor in inputs:
            if tensor is not None and tensor.unknown is not None:
                return [tensor] * count
        domain = _domain(proto.domain)
        label = f"{proto.op_type} '{proto.name or (proto.output[0] if count else '')}'"
        try:
            if any(one.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for one in proto.attribute):
                raise Mixed("holds a graph of its own, which is not followed")
            if proto.op_type in RANDOM:
                raise Drawn
            if (domain, proto.op_type) in self._functions:
                raise Mixed("is a function of the model's own that cannot be written out")
            attributes = {one.name: helper.get_attribute_value(one) for one in proto.attribute}
            if domain == ONNX and proto.op_type == "Constant":
                return [_constant(attributes)]
            node = Node(proto.op_type, domain, self._versions.get(domain, 1), label, attributes, inputs, count)
            return [
                one if one.unknown is None else Tensor(None, unknown=f"{label} {one.unknown}")
                for one in self._apply(node)[:count]
            ]
        except Mixed as mixed:
            return [Tensor(None, unknown=f"{label} {mixed}")] * count
        except Exception as error:  # a graph that breaks the standard may break any rule
            return [Tensor(None, unknown=f"{label} cannot be followed: {_first_line(error)}")] * count

    def _apply(self, node: Node) -> list[Tensor]:
        rule = RULES.get((node.domain, node.op))
        all_plain = all(tensor is None or tensor.plain for tensor in node.inputs)
        deterministic = node.domain in (ONNX, "ai.onnx.ml", "com.microsoft")
        if rule is None and not (all_plain and deterministic):
            if node.op in KNOWN_TO_MIX:
                raise Mixed(KNOWN_TO_MIX[node.op])
            place = f" of {node.domain}" if node.domain else ""
            raise Mixed(f"is no operator{place} that is known to keep rows apart")
        if not all_plain:
            assert rule is not None
            return rule.apply(node)
        # What depends on no request is the same for all of them, whatever operator made it.
        try:
            made = rule.apply(node) if rule is not None else []
        except Drawn:
            raise
        except Exception:
            made = []
        return [*made, *[plain(None)] * (node.outputs - len(made))]


def _input(value: onnx.ValueInfoProto) -> Tensor:
    if not value.type.HasField("tensor_type"):
        raise Mixed(f"the input '{value.name}' is no tensor")
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        raise Mixed(f"the input '{value.name}' has a shape that the model does not tell")
    dims = kind.shape.dim
    if not dims or (dims[0].HasField("dim_value") and dims[0].dim_value > 0):
        raise Mixed(f"the input '{value.name}' has no free first dimension")
    shape = [size(one.dim_value) if one.HasField("dim_value") and one.dim_value > 0 else fresh() for one in dims[1:]]
    return with_rows((Size(1, (ROWS,)), *shape), 0)


def _initializer(tensor: onnx.TensorProto) -> Tensor:
    shape = tuple(map(size, tensor.dims))
    if np.prod(tensor.dims, dtype=np.float64) > MAX_ELEMENTS or tensor.external_data:
        return plain(shape)
    return constant(numpy_helper.to_array(tensor))


def _constant(attributes: dict[str, Any]) -> Tensor:
    (name, value), *_ = attributes.items()
    if name == "value":
        return _initializer(value)
    if name == "sparse_value":
        return plain(tuple(map(size, value.dims)))
    return constant(np.array(value))


def _missing(name: str) -> Tensor:
    return Tensor(None, unknown=f"nothing is known of '{name}'")


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
