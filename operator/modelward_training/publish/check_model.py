"""Is this ONNX something a scoring server may load? Runs in the examining process."""

from collections.abc import Iterator
from typing import Any

import onnx

from modelward_onnx.foreign import what_instead
from modelward_training.outcome import JobError

DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}
"""The standard's, and the one built into onnxruntime. Any other needs a shared library."""


def checked(data: bytes) -> onnx.ModelProto:
    if what := what_instead(data):
        raise JobError("InvalidModel", f"model.onnx {what} (docs/recipes.md shows exports)")
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:
        raise JobError("InvalidModel", f"model.onnx is not ONNX: {error}") from error
    for opset in model.opset_import:
        if opset.domain not in DOMAINS:
            raise JobError(
                "InvalidModel", f"model.onnx uses operators of {opset.domain!r}: servers have only standard ones"
            )
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise JobError(
                "InvalidModel",
                f"model.onnx keeps {tensor.name!r} in another file: save it as one file, with MLflow by "
                "mlflow.onnx.log_model(…, save_as_external_data=False)",
            )
    try:
        onnx.checker.check_model(model)
    except Exception as error:
        raise JobError("InvalidModel", f"model.onnx breaks the standard: {str(error).splitlines()[0]}") from error
    return model


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from _of_graph(model.graph)
    for function in model.functions:
        yield from _of_nodes(function.node)


def _of_graph(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Any) -> Iterator[onnx.TensorProto]:
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for graph in (attribute.g, *attribute.graphs):
                yield from _of_graph(graph)
