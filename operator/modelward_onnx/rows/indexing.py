"""Operators that pick values by index."""

import numpy as np

from .rule import FIRST, LEARNERS, rule
from .size import Size, product, size
from .tensor import Mixed, Node, Tensor, axis_of, plain, sizes, with_rows


@rule("Gather", rows=(0, 1), sizes=FIRST)
def gather(node: Node) -> list[Tensor]:
    data, indices = node.tensor(0), node.tensor(1)
    if data.counts_rows or (data.elements is not None and data.elements.dtype == object):
        return [_of_sizes(node, data)]
    if data.shape is None or indices.shape is None:
        if data.of_rows or indices.of_rows:
            raise Mixed("has an input of unknown rank")
        return [plain(None)]
    at = axis_of(node.get("axis", 0), len(data.shape))
    shape = (*data.shape[:at], *indices.shape, *data.shape[at + 1 :])
    if data.of_rows and indices.of_rows:
        raise Mixed("looks up by a request's numbers in what is of requests")
    if indices.axis is not None:
        return [with_rows(shape, at + indices.axis)]
    if data.axis is None:
        return [_of_sizes(node, data) if data.elements is not None and indices.elements is not None else plain(shape)]
    if data.axis == at:
        raise Mixed(f"picks some of the rows (axis {at})")
    return [with_rows(shape, data.axis if data.axis < at else data.axis + len(indices.shape) - 1)]


def _of_sizes(node: Node, data: Tensor) -> Tensor:
    assert data.elements is not None
    indices = node.tensor(1).elements
    if indices is None or any(isinstance(one, Size) for one in indices.flat) or node.tensor(1).of_rows:
        raise Mixed("picks among sizes by what is computed")
    taken = np.take(data.elements, indices.astype(np.int64), axis=node.get("axis", 0))
    return sizes(taken) if data.elements.dtype == object else Tensor(tuple(map(size, taken.shape)), elements=taken)


@rule("GatherElements", rows=(0, 1))
def gather_elements(node: Node) -> list[Tensor]:
    data, indices = node.tensor(0), node.tensor(1)
    if not data.of_rows and not indices.of_rows:
        return [plain(indices.shape)]
    at = axis_of(node.get("axis", 0), len(data.dims))
    if data.axis != indices.axis or data.axis == at or data.at_rows() != indices.at_rows():
        raise Mixed("picks values across rows")
    return [Tensor(indices.shape, indices.axis)]


@rule("GatherND", rows=(0, 1))
def gather_nd(node: Node) -> list[Tensor]:
    data, indices = node.tensor(0), node.tensor(1)
    shared, depth = node.get("batch_dims", 0), indices.dims[-1].number
    if depth is None:
        raise Mixed("picks by indices of unknown length")
    shape = (*indices.dims[:-1], *data.dims[shared + depth :])
    if not data.of_rows and not indices.of_rows:
        return [plain(shape)]
    if not data.of_rows and shared == 0 and indices.axis is not None and indices.axis < len(indices.dims) - 1:
        return [with_rows(shape, indices.axis)]
    if data.axis is None or data.axis != indices.axis or data.axis >= shared or data.at_rows() != indices.at_rows():
        raise Mixed("picks values across rows")
    return [with_rows(shape, data.axis)]


@rule("ScatterElements", rows=(0, 1, 2))
def scatter_elements(node: Node) -> list[Tensor]:
    data, axes = node.tensor(0), {tensor.axis for tensor in node.inputs if tensor is not None}
    along = {tensor.at_rows() for tensor in node.inputs if tensor is not None and tensor.of_rows}
    at = axis_of(node.get("axis", 0), len(data.dims))
    if len(axes) > 1 or len(along) > 1 or at in axes:
        raise Mixed("puts values across rows")
    return [Tensor(data.shape, data.axis)]


@rule("ArrayFeatureExtractor", domain=LEARNERS, rows=(0, 1))
def array_feature_extractor(node: Node) -> list[Tensor]:
    """Along the last axis. The indices are laid one after the other."""
    data, indices = node.tensor(0), node.tensor(1)
    picked = product(indices.dims)
    shape = (*(data.dims[:-1] if len(data.dims) > 1 else (size(1),)), picked)
    if data.of_rows and indices.of_rows:
        raise Mixed("looks up by a request's numbers in what is of requests")
    if data.axis is not None:
        if len(data.dims) == 1 or data.axis == len(data.dims) - 1:
            raise Mixed("picks some of the rows")
        return [with_rows(shape, data.axis)]
    if indices.axis is None:
        return [plain(shape)]
    if product(indices.dims[: indices.axis]).number != 1:
        raise Mixed("takes rows apart")
    return [with_rows(shape, len(shape) - 1)]
