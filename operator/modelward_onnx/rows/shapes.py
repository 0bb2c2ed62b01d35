"""Operators that only change a tensor's form, and those that compute with sizes."""

from dataclasses import replace
from typing import Any

import numpy as np
from onnx import numpy_helper

from .rule import ANY, FIRST, rule
from .size import Size, fresh, product, size
from .tensor import Mixed, Node, Tensor, axis_of, made, plain, sizes, with_rows

ALL = 2**31 - 1
"""As an end, beyond all there is."""


@rule("Shape")
def shape(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    if tensor.shape is None:
        return [plain(None)]
    return [sizes(list(tensor.shape)[node.get("start", 0) : node.get("end")])]


@rule("Size")
def count(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    return [plain(()) if tensor.shape is None else sizes(product(tensor.shape))]


def reshaped(tensor: Tensor, wanted: list[Any], zero_copies: bool = True) -> Tensor:
    """Row-major, as onnxruntime does it. `wanted`: sizes, -1 for what is left, 0 for the input's own.

    The rows stay together where what is before them has as many places as before: then each has its part, one after
    the other, of the same length in both forms.
    """
    dims = tensor.dims
    result = _filled([_wanted(one, at, dims, zero_copies) for at, one in enumerate(wanted)], product(dims))
    axes = [at for at, one in enumerate(result) if one.rows]
    if tensor.axis is None:
        if axes:
            raise Mixed("lays out a constant by the number of rows")
        return plain(result)
    if not axes or product(result[: axes[0]]) != product(dims[: tensor.axis]):
        raise Mixed("makes rows of parts of several")
    return with_rows(result, axes[0])


def _wanted(one: Any, at: int, dims: tuple[Size, ...], zero_copies: bool) -> Size | None:
    if not isinstance(one, Size) and one == -1:
        return None
    if not isinstance(one, Size) and one == 0 and zero_copies:
        if at >= len(dims):
            raise Mixed("copies a dimension that is not there")
        return dims[at]
    return size(one)


def _filled(target: list[Size | None], total: Size) -> tuple[Size, ...]:
    """With what is left for the one that is not given."""
    given = product(tuple(one for one in target if one is not None))
    left = total.over(given)
    if left is None and None in target:
        if given.rows != total.rows:
            raise Mixed("makes rows of parts of several: their length is no multiple of what it asks for")
        left = fresh()
    return tuple(one if one is not None else left or Size(1) for one in target)


@rule("Reshape", sizes=(0, 1))
def reshape(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    wanted = node.get("shape") or node.known(1, "shape")
    result = reshaped(tensor, wanted, not node.get("allowzero", 0))
    if tensor.elements is None:
        return [result]
    if any(one.number is None for one in result.dims):
        raise Mixed("lays out sizes by sizes")
    return [replace(result, elements=tensor.elements.reshape([one.factor for one in result.dims]))]


@rule("Flatten", padded=True)
def flatten(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    rank = len(tensor.dims)
    axis = node.get("axis", 1)
    at = axis if axis == rank else axis_of(axis, rank) if rank else 0
    if tensor.padding is not None:
        if (rank, at) != (2, 1):
            raise Mixed("lays filled-up texts one after the other")
        return [tensor]
    return [reshaped(tensor, [product(tensor.dims[:at]), product(tensor.dims[at:])])]


@rule("Squeeze", sizes=FIRST)
def squeeze(node: Node) -> list[Tensor]:
    tensor, axes = node.tensor(0), node.integers(1, "axes", "axes")
    if tensor.shape is None:
        return [plain(None)]
    dims = tensor.shape
    if axes is None:
        if tensor.of_rows:
            raise Mixed("drops every dimension of 1, the rows' own where there is one: give it axes")
        if any(one.number is None for one in dims):
            return [plain(None)]
        axes = [at for at, one in enumerate(dims) if one.number == 1]
    gone = {axis_of(axis, len(dims)) for axis in axes}
    if tensor.axis in gone:
        raise Mixed(f"drops the rows' dimension (axis {tensor.axis})")
    return [_kept(tensor, [at for at in range(len(dims)) if at not in gone])]


def _kept(tensor: Tensor, axes: list[int]) -> Tensor:
    """With dimensions of 1 left out."""
    dims = tuple(tensor.dims[at] for at in axes)
    elements = tensor.elements.reshape([one.factor for one in dims]) if tensor.elements is not None else None
    return Tensor(dims, axes.index(tensor.axis) if tensor.axis is not None else None, elements)


@rule("Unsqueeze", sizes=FIRST)
def unsqueeze(node: Node) -> list[Tensor]:
    tensor, axes = node.tensor(0), node.integers(1, "axes", "axes") or []
    if tensor.shape is None:
        return [plain(None)]
    rank = len(tensor.shape) + len(axes)
    new = {axis_of(axis, rank) for axis in axes}
    old = iter(range(len(tensor.shape)))
    places = [None if at in new else next(old) for at in range(rank)]
    dims = tuple(size(1) if at is None else tensor.shape[at] for at in places)
    elements = tensor.elements.reshape([one.factor for one in dims]) if tensor.elements is not None else None
    return [Tensor(dims, places.index(tensor.axis) if tensor.axis is not None else None, elements)]


@rule("Transpose")
def transpose(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    if tensor.shape is None:
        return [plain(None)]
    order = node.get("perm") or list(reversed(range(len(tensor.shape))))
    elements = tensor.elements.transpose(order) if tensor.elements is not None else None
    axis = order.index(tensor.axis) if tensor.axis is not None else None
    return [Tensor(tuple(tensor.shape[at] for at in order), axis, elements)]


@rule("Expand", sizes=(1,))
def expand(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    wanted = [size(one) for one in node.known(1, "shape")]
    rank = max(len(tensor.dims), len(wanted))
    own = [*[size(1)] * (rank - len(tensor.dims)), *tensor.dims]
    wanted = [*[size(1)] * (rank - len(wanted)), *wanted]
    axis = tensor.axis + rank - len(tensor.dims) if tensor.axis is not None else None
    result = tuple(_expanded(a, b, at == axis) for at, (a, b) in enumerate(zip(own, wanted, strict=True)))
    return [made(result) if axis is None else with_rows(result, axis)]


def _expanded(own: Size, wanted: Size, along_rows: bool) -> Size:
    if wanted.number == 1 or own == wanted:
        return own
    if own.number == 1:
        return wanted
    if along_rows or own.rows or wanted.rows:
        raise Mixed("repeats or lays out rows")
    return own if own.number is not None else wanted if wanted.number is not None else fresh()


@rule("Tile", sizes=(1,))
def tile(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    repeats = [size(one) for one in node.known(1, "repeats")]
    if tensor.axis is not None and repeats[tensor.axis].number != 1:
        raise Mixed("repeats the rows one after the other")
    result = []
    for own, times in zip(tensor.dims, repeats, strict=True):
        if times.rows and own.number != 1:
            raise Mixed("repeats by the number of rows")
        result.append(own * times)
    return [made(tuple(result)) if tensor.axis is None else with_rows(tuple(result), tensor.axis)]


@rule("ConstantOfShape", rows=(), sizes=FIRST)
def constant_of_shape(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    if tensor.elements is None:
        return [plain(None)]
    dims = tuple(size(one) for one in node.known(0, "shape"))
    value = node.get("value")
    if all(one.number is not None for one in dims) and product(dims).factor <= 64:
        filled = np.full([one.factor for one in dims], 0 if value is None else numpy_helper.to_array(value).ravel()[0])
        return [Tensor(dims, elements=filled)]
    return [made(dims)]


@rule("Range", rows=())
def counted(node: Node) -> list[Tensor]:
    numbers = [tensor.elements for tensor in node.inputs if tensor is not None]
    if all(one is not None and one.dtype.kind in "iu" for one in numbers):
        values = np.arange(*(int(one.ravel()[0]) for one in numbers if one is not None))
        return [Tensor((size(len(values)),), elements=values if len(values) <= 64 else None)]
    return [plain((fresh(),))]


@rule("Concat", rows=ANY, sizes=ANY)
def concat(node: Node) -> list[Tensor]:
    tensors = [tensor for tensor in node.inputs if tensor is not None]
    elements = [tensor.elements for tensor in tensors if tensor.elements is not None and tensor.rank == 1]
    if len(elements) == len(tensors):
        joined = np.concatenate(elements)
        if joined.dtype != object:
            return [Tensor((size(len(joined)),), elements=joined)]
        if all(one.dtype.kind in "iuO" for one in elements):
            return [sizes(joined)]
    if any(tensor.counts_rows for tensor in tensors):
        raise Mixed("lays the number of rows beside other values")
    if any(tensor.shape is None for tensor in tensors):
        if any(tensor.of_rows for tensor in tensors):
            raise Mixed("has an input of unknown rank")
        return [plain(None)]
    axis = axis_of(node.get("axis", 1), len(tensors[0].dims))
    if any(tensor.of_rows for tensor in tensors):
        along = {(tensor.axis, tensor.at_rows() if tensor.of_rows else None) for tensor in tensors}
        if len(along) > 1:
            raise Mixed("lays rows beside what is none")
        if tensors[0].axis == axis:
            raise Mixed(f"lays rows one after the other (axis {axis})")
    return [replace(tensors[0], shape=_summed(tensors, axis), elements=None)]


def _summed(tensors: list[Tensor], axis: int) -> tuple[Size, ...]:
    numbers = [tensor.dims[axis].number for tensor in tensors]
    total = fresh() if any(one is None for one in numbers) else size(sum(one or 0 for one in numbers))
    return (*tensors[0].dims[:axis], total, *tensors[0].dims[axis + 1 :])


@rule("Split")
def split(node: Node) -> list[Tensor]:
    tensor, axis = node.tensor(0), node.get("axis", 0)
    if tensor.shape is None:
        return [plain(None)] * node.outputs
    axis = axis_of(axis, len(tensor.shape))
    if axis == tensor.axis:
        raise Mixed(f"divides the rows (axis {axis})")
    parts = node.integers(1, "split", "parts")
    whole = tensor.shape[axis].number
    if parts is None and whole is not None and whole % node.outputs == 0:
        parts = [whole // node.outputs] * node.outputs
    lengths = [size(one) for one in parts] if parts is not None else [fresh() for _ in range(node.outputs)]
    return [Tensor((*tensor.shape[:axis], length, *tensor.shape[axis + 1 :]), tensor.axis) for length in lengths]


@rule("Slice", sizes=(0, 1, 2))
def sliced(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    if tensor.shape is None:
        return [plain(None)]
    starts, ends = (
        node.get(name) or (node.known(at, name) if node.optional(at) is not None else None)
        for at, name in ((1, "starts"), (2, "ends"))
    )
    if starts is None or ends is None:
        raise Mixed("lacks starts and ends")
    axes = node.integers(3, "axes", "axes") or list(range(len(starts)))
    steps = node.integers(4, "steps", "steps") or [1] * len(starts)
    dims, elements = list(tensor.shape), tensor.elements
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at = axis_of(axis, len(dims))
        whole = dims[at]
        if start == 0 and step == 1 and (end == whole or (not isinstance(end, Size) and end >= ALL)):
            continue
        if at == tensor.axis:
            raise Mixed(f"takes some of the rows (axis {at})")
        if any(isinstance(one, Size) and one.rows for one in (start, end)):
            raise Mixed("takes as much as there are rows")
        known = [one.number if isinstance(one, Size) else one for one in (start, end, whole)]
        if any(one is None for one in known):
            if elements is not None:
                raise Mixed("takes some of the sizes by sizes")
            dims[at] = fresh()
            continue
        cut = slice(known[0], _end(known[1], step), step)
        if elements is not None:
            elements = elements[(*[slice(None)] * at, cut)]
        dims[at] = size(len(range(*cut.indices(known[2] or 0))))
    return [Tensor(tuple(dims), tensor.axis, elements)]


def _end(end: int | None, step: int) -> int | None:
    """Backwards, an end far below the first is the first."""
    return None if step < 0 and end is not None and end < -ALL else end


@rule("Pad")
def pad(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    rank = len(tensor.dims)
    pads = node.integers(1, "pads", "padding")
    axes = node.integers(3, "axes", "axes") if node.optional(3) is not None else list(range(rank))
    if pads is None or axes is None or len(pads) != 2 * len(axes):
        raise Mixed("lacks its padding")
    dims = list(tensor.dims)
    for axis, before, after in zip(axes, pads, pads[len(axes) :], strict=False):
        at = axis_of(axis, rank)
        if not before and not after:
            continue
        if at == tensor.axis:
            raise Mixed(f"adds to the rows (axis {at})")
        dims[at] = _longer(dims[at], before + after)
    return [Tensor(tuple(dims), tensor.axis)]


def _longer(dim: Size, more: int) -> Size:
    return size(dim.number + more) if dim.number is not None else fresh()


@rule("Trilu")
def trilu(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    if tensor.axis is not None and tensor.axis >= len(tensor.dims) - 2:
        raise Mixed("zeroes by the place among the rows")
    return [Tensor(tensor.shape, tensor.axis)]


@rule("OneHot")
def one_hot(node: Node) -> list[Tensor]:
    tensor, depth = node.tensor(0), node.tensor(1)
    rank = len(tensor.dims) + 1
    at = axis_of(node.get("axis", -1), rank)
    known = depth.elements.ravel()[0] if depth.elements is not None else fresh()
    new = known if isinstance(known, Size) else size(int(known))
    axis = tensor.axis + (at <= tensor.axis) if tensor.axis is not None else None
    return [Tensor((*tensor.dims[:at], new, *tensor.dims[at:]), axis)]
