"""Mistakes that an export shows, and that measure well on most rows. Runs in the examining process."""

import onnx

from modelward_onnx.graph import ML

from .rounding import TREES

_PASSES_ON = {
    "Cast",
    "Concat",
    "Identity",
    "Imputer",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "FeatureVectorizer",
}


def scaled(model: onnx.ModelProto) -> str | None:
    """Is there a scaler before trees?"""
    makers = {name: node for node in model.graph.node for name in node.output}
    trees = [node for node in model.graph.node if node.domain == ML and node.op_type in TREES]
    queue, seen = [name for node in trees for name in node.input[:1]], set[str]()
    while queue:
        name = queue.pop()
        node = makers.get(name)
        if node is None or name in seen:
            continue
        seen.add(name)
        if node.op_type == "Scaler":
            return (
                "a scaler stands before the trees: in float32 it moves values over their split points; trees need "
                "none: train without it"
            )
        if node.op_type in _PASSES_ON:
            queue.extend(node.input)
    return None
