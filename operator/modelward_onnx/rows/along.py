"""Operators that bring the values along an axis together: right as long as it is not the rows'."""

from .rule import rule
from .size import Size, fresh, size
from .tensor import Mixed, Node, Tensor, axis_of, plain, sizes, together

HOW = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")


@rule(*(f"Reduce{how}" for how in HOW), sizes=(0,))
def reduce(node: Node) -> list[Tensor]:
    tensor, axes = node.tensor(0), node.integers(1, "axes", "axes")
    if not axes and node.get("noop_with_empty_axes", 0):
        return [tensor]
    if tensor.elements is not None and node.op == "ReduceProd" and tensor.rank == 1:
        total = Size(1)
        for one in node.known(0, "values"):
            total = total * (one if isinstance(one, Size) else int(one))
        return [sizes([total] if node.get("keepdims", 1) else total)]
    if tensor.counts_rows:
        raise Mixed("computes with the number of rows")
    return [_reduced(tensor, axes or None, node.get("keepdims", 1))]


def _reduced(tensor: Tensor, axes: list[int] | None, keep: int) -> Tensor:
    if tensor.shape is None:
        return plain(None)
    rank = len(tensor.shape)
    gone = [axis_of(axis, rank) for axis in axes] if axes is not None else list(range(rank))
    together(gone, tensor, "runs over")
    if keep:
        return Tensor(tuple(size(1) if at in gone else one for at, one in enumerate(tensor.shape)), tensor.axis)
    kept = [at for at in range(rank) if at not in gone]
    return Tensor(tuple(tensor.shape[at] for at in kept), kept.index(tensor.axis) if tensor.axis is not None else None)


@rule("ArgMax", "ArgMin")
def arg(node: Node) -> list[Tensor]:
    return [_reduced(node.tensor(0), [node.get("axis", 0)], node.get("keepdims", 1))]


@rule("Softmax", "LogSoftmax", "Hardmax")
def softmax(node: Node) -> list[Tensor]:
    """Up to opset 12 over all axes from the given one on, which together count as one."""
    tensor = node.tensor(0)
    if tensor.shape is not None:
        rank = len(tensor.shape)
        axis = axis_of(node.get("axis", -1 if node.version >= 13 else 1), rank)
        together([axis] if node.version >= 13 else list(range(axis, rank)), tensor, "runs over")
    return [Tensor(tensor.shape, tensor.axis)]


@rule("CumSum", "CumProd")
def cumulative(node: Node) -> list[Tensor]:
    tensor, axes = node.tensor(0), node.integers(1, "axis", "axis")
    if tensor.shape is not None and axes is not None:
        together([axis_of(axes[0], len(tensor.shape))], tensor, "adds up along")
    return [Tensor(tensor.shape, tensor.axis)]


@rule("LpNormalization")
def lp_normalization(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    if tensor.shape is not None:
        together([axis_of(node.get("axis", -1), len(tensor.shape))], tensor, "runs over")
    return [Tensor(tensor.shape, tensor.axis)]


@rule("MeanVarianceNormalization")
def mean_variance(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    axes = node.get("axes", [0, 2, 3])
    if tensor.shape is not None:
        together([axis_of(axis, len(tensor.shape)) for axis in axes], tensor, "runs over")
    return [Tensor(tensor.shape, tensor.axis)]


@rule("TopK")
def top(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    if tensor.shape is None:
        return [plain(None)] * 2
    axis = axis_of(node.get("axis", -1), len(tensor.shape))
    together([axis], tensor, "picks among")
    wanted = node.optional(1)
    known = node.get("k") or (
        wanted.elements.ravel()[0] if wanted is not None and wanted.elements is not None else None
    )
    length = fresh() if known is None else known if isinstance(known, Size) else size(int(known))
    return [Tensor((*tensor.shape[:axis], length, *tensor.shape[axis + 1 :]), tensor.axis)] * 2


@rule("LayerNormalization", "RMSNormalization")
def layer_normalization(node: Node) -> list[Tensor]:
    """Over the axis and all after it."""
    tensor = node.tensor(0)
    rank = len(tensor.dims)
    axis = axis_of(node.get("axis", -1), rank)
    together(list(range(axis, rank)), tensor, "runs over")
    same_for_rows(tensor, node.inputs[1:])
    of_each = Tensor((*tensor.dims[:axis], *[size(1)] * (rank - axis)), tensor.axis)
    return [Tensor(tensor.shape, tensor.axis), of_each, of_each]


def same_for_rows(tensor: Tensor, parameters: list[Tensor | None]) -> None:
    for one in parameters:
        if one is not None and tensor.axis is not None and len(one.dims) >= len(tensor.dims) - tensor.axis:
            at = tensor.axis - len(tensor.dims)
            if one.dims[at].number != 1:
                raise Mixed("has parameters of their own for each place among the rows")


@rule("ReverseSequence", rows=(0, 1))
def reverse_sequence(node: Node) -> list[Tensor]:
    tensor, lengths = node.tensor(0), node.tensor(1)
    kept = tensor.axis == node.get("batch_axis", 1) and lengths.axis == 0
    if (tensor.of_rows or lengths.of_rows) and not (kept and tensor.at_rows() == lengths.at_rows()):
        raise Mixed("turns around the rows, or by lengths that are not theirs")
    return [Tensor(tensor.shape, tensor.axis)]


@rule("Det")
def determinant(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    together([len(tensor.dims) - 2, len(tensor.dims) - 1], tensor, "runs over")
    return [Tensor(tensor.dims[:-2], tensor.axis)]
