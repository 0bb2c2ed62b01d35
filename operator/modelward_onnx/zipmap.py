"""A ZipMap at a graph's end, as the usual exporters write it: a list of dictionaries, which no protocol carries.

The tensor right before it holds the same numbers, and its keys are the names of the classes.
"""

import onnx
from onnx import helper

from .graph import ML, import_standard


def unzip(model: onnx.ModelProto) -> dict[str, list[str]]:
    """Edit `model` so that each output that was a ZipMap's is the tensor before it, under the same name: FP32 [n, k].

    Returns the k classes of each such output as text, in the order of its columns; empty where nothing was to do.
    """
    outputs = {value.name: value for value in model.graph.output}
    classes = {}
    for node in model.graph.node:
        if node.op_type != "ZipMap" or node.domain != ML or node.output[0] not in outputs:
            continue
        name = node.output[0]
        classes[name] = keys(node)
        outputs[name].CopyFrom(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, len(classes[name])]))
        node.CopyFrom(helper.make_node("Identity", [node.input[0]], [name], name=node.name))
    if classes:
        import_standard(model)
    return classes


def keys(node: onnx.NodeProto) -> list[str]:
    """The classes that a node of the standard's classifiers or a ZipMap names, as text."""
    for attribute in node.attribute:
        if attribute.name in ("classlabels_strings", "classlabels_int64s", "classlabels_ints"):
            named = [text.decode(errors="replace") for text in attribute.strings] or list(map(str, attribute.ints))
            if named:
                return named
    return []
