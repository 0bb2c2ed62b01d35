"""Names and imports of a graph, for those who edit one."""

from collections.abc import Iterator

import onnx
from onnx import helper

ML = "ai.onnx.ml"
_STANDARD = 13
"""Of Identity, Concat and Cast, for models that import ai.onnx.ml alone, as boosters' do."""


def import_standard(model: onnx.ModelProto) -> None:
    """Make the standard's own operators usable."""
    if not any(opset.domain in ("", "ai.onnx") for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid("", _STANDARD))


def names(graph: onnx.GraphProto) -> set[str]:
    """Of every tensor, those of inner graphs too."""
    return {name for one in _graphs(graph) for name in _own(one)} - {""}


def free(name: str, taken: set[str]) -> str:
    """`name`, or the first `name_2`, `name_3` … that is not taken; it is from then on."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    taken.add(found)
    return found


def rename(graph: onnx.GraphProto, new: dict[str, str]) -> None:
    """Give tensors other names wherever they are made, declared or used."""
    for one in _graphs(graph):
        for node in one.node:
            node.input[:] = [new.get(name, name) for name in node.input]
            node.output[:] = [new.get(name, name) for name in node.output]
        for value in (*one.input, *one.output, *one.value_info, *one.initializer):
            value.name = new.get(value.name, value.name)


def put_behind(graph: onnx.GraphProto, output: str, inner: str) -> None:
    """What made an output is called `inner` from now on; its declaration stays, for a node that makes it of `inner`."""
    declared = next(value for value in graph.output if value.name == output)
    rename(graph, {output: inner})
    declared.name = output


def _own(graph: onnx.GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield from (*node.input, *node.output)
    yield from (value.name for value in (*graph.input, *graph.output, *graph.initializer))
    yield from (sparse.values.name for sparse in graph.sparse_initializer)


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.output:
                    yield from _graphs(inner)
