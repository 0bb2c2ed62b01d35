"""Operators that onnxruntime's transformer optimizer writes: by row wherever queries, keys and values are a row's."""

from .along import same_for_rows
from .elementwise import joined
from .rule import CONTRIB, rule
from .tensor import Mixed, Node, Tensor, plain, together, with_rows


@rule("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain=CONTRIB, rows=(0, 1))
def skip_normalization(node: Node) -> list[Tensor]:
    both = joined(node.tensor(0), node.tensor(1))
    together([len(both.dims) - 1], both, "runs over")
    unknown = Tensor(None, unknown="gives mean and variance")
    return [both, unknown, unknown, both]


@rule("LayerNormalization", "SimplifiedLayerNormalization", domain=CONTRIB)
@rule("SimplifiedLayerNormalization")
def normalization(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    axis = node.get("axis", -1) % max(len(tensor.dims), 1)
    together(list(range(axis, len(tensor.dims))), tensor, "runs over")
    same_for_rows(tensor, node.inputs[1:])
    return [Tensor(tensor.shape, tensor.axis)]


@rule("MultiHeadAttention", domain=CONTRIB, rows=(0, 1, 2))
def multi_head_attention(node: Node) -> list[Tensor]:
    """Without masks, biases and pasts, which may be of any shape."""
    tensors = [node.tensor(at) for at in range(3)]
    if not any(one.of_rows for one in tensors):
        return [plain(None)]
    if any(one.axis != 0 or len(one.dims) != 3 or one.dims[0] != tensors[0].dims[0] for one in tensors):
        raise Mixed("attends to what is not of the same row")
    if any(one is not None for one in node.inputs[4:]):
        raise Mixed("has masks or a past, which are not followed")
    return [with_rows((*tensors[0].dims[:2], tensors[2].dims[2]), 0)]


@rule("EmbedLayerNormalization", domain=CONTRIB, rows=(0, 1))
def embedding(node: Node) -> list[Tensor]:
    words, table = node.tensor(0), node.tensor(2)
    segments = node.optional(1)
    if node.optional(7) is not None or node.optional(8) is not None:
        raise Mixed("has a mask or positions, which are not followed")
    if words.of_rows and (words.axis != 0 or len(words.dims) != 2):
        raise Mixed("takes the rows for words")
    if segments is not None and (segments.axis != words.axis or segments.dims[0] != words.dims[0]):
        raise Mixed("has segments that are not of each row")
    unknown = Tensor(None, unknown="gives the masks' lengths")
    embedded = Tensor((*words.dims[:2], table.dims[-1]), words.axis)
    return [embedded, unknown, embedded]
