"""What is known of a tensor, and how rules ask for it."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .size import Size, product, size

Elements = np.ndarray[Any, Any]
MAX_ELEMENTS = 4096
"""Of larger tensors the values are not kept: shapes, axes and scales are small."""


class Mixed(Exception):
    """Nothing is known of what a node yields; the reason ends a sentence that begins with the node's name."""


class Drawn(Mixed):
    """A node that yields something else each time, even from constants."""

    def __init__(self) -> None:
        super().__init__("draws at random")


@dataclass(frozen=True)
class Tensor:
    """Without `axis` it is the same for all requests that run together, or holds sizes. With it, its part i along
    that axis depends on row i of the inputs alone; the size there is the number of rows times how many entries, one
    after the other, belong to a row."""

    shape: tuple[Size, ...] | None
    """None: not even the rank is known. Never of one with rows."""
    axis: int | None = None
    elements: Elements | None = None
    """What is known of the values: numbers, or objects of `Size`, of the tensor's shape."""
    padding: str | None = None
    """Rows of texts, each filled up with this text to the length of the longest: the last size depends on all rows."""
    unknown: str | None = None
    """Why nothing is known."""

    @property
    def rank(self) -> int | None:
        return None if self.shape is None else len(self.shape)

    @property
    def of_rows(self) -> bool:
        return self.axis is not None

    @property
    def counts_rows(self) -> bool:
        """Its values depend on how many rows there are."""
        return self.elements is not None and any(isinstance(e, Size) and e.rows for e in self.elements.flat)

    @property
    def plain(self) -> bool:
        """The same for all requests that run together, however many."""
        return self.unknown is None and not self.of_rows and not self.counts_rows

    @property
    def dims(self) -> tuple[Size, ...]:
        if self.shape is None:
            raise Mixed("has an input of unknown rank")
        return self.shape

    def at_rows(self) -> Size:
        assert self.axis is not None
        return self.dims[self.axis]


def constant(values: Elements) -> Tensor:
    shape = tuple(map(size, values.shape))
    return Tensor(shape, elements=values if values.size <= MAX_ELEMENTS and values.dtype != object else None)


def sizes(elements: Any) -> Tensor:
    """Of whole numbers and `Size`s."""
    array = np.array(elements, dtype=object)
    return Tensor(tuple(map(size, array.shape)), elements=array)


def plain(shape: tuple[Size, ...] | None) -> Tensor:
    return Tensor(shape)


def with_rows(shape: tuple[Size, ...], axis: int) -> Tensor:
    """Checks what must hold of every tensor with rows: they are a factor of that size, once, and of no other."""
    if any(one.rows != (at == axis) for at, one in enumerate(shape)):
        raise Mixed("makes a shape in which the number of rows stands elsewhere than along the rows")
    return Tensor(shape, axis)


def made(shape: tuple[Size, ...]) -> Tensor:
    """Of values that do not depend on requests, with sizes that may."""
    axes = [at for at, one in enumerate(shape) if one.rows]
    if not axes:
        return plain(shape)
    return with_rows(shape, axes[0])


@dataclass
class Node:
    """An operator with its inputs, as rules see them."""

    op: str
    domain: str
    version: int
    name: str
    attributes: dict[str, Any]
    inputs: list[Tensor | None]
    outputs: int = 1
    wanted: list[bool] = field(default_factory=list)
    """Which outputs anybody reads."""

    def get(self, name: str, default: Any = None) -> Any:
        return self.attributes.get(name, default)

    def tensor(self, at: int) -> Tensor:
        found = self.optional(at)
        if found is None:
            raise Mixed("lacks an input")
        return found

    def optional(self, at: int) -> Tensor | None:
        return self.inputs[at] if at < len(self.inputs) else None

    def known(self, at: int, what: str) -> list[Any]:
        """The values of input `at`, a small tensor, as a flat list of numbers and `Size`s."""
        tensor = self.tensor(at)
        if tensor.elements is None or tensor.of_rows:
            raise Mixed(f"takes its {what} from what is computed")
        return [_plainest(one) for one in tensor.elements.flat]

    def integers(self, at: int, attribute: str, what: str) -> list[int] | None:
        """From an attribute, or from an input; None where neither is given."""
        if attribute in self.attributes:
            given: list[int] = list(self.attributes[attribute])
            return given
        if self.optional(at) is None:
            return None
        numbers = [one.number if isinstance(one, Size) else one for one in self.known(at, what)]
        if any(one is None for one in numbers):
            raise Mixed(f"takes its {what} from the sizes of its inputs")
        return [int(one) for one in numbers if one is not None]

    def rest_plain(self, first: int, what: str = "its parameters") -> None:
        """The inputs from `first` on must be the same for all requests."""
        for tensor in self.inputs[first:]:
            if tensor is not None and not tensor.plain:
                raise Mixed(
                    f"computes {what} from requests" if tensor.of_rows else f"takes the number of rows for {what}"
                )


def _plainest(value: Any) -> Any:
    if isinstance(value, Size):
        return value if value.symbols else value.factor
    return value.item() if isinstance(value, np.generic) else value


def axis_of(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise Mixed(f"has the axis {axis} for a tensor of {rank} dimensions")
    return axis % rank


def require_axis(tensor: Tensor, axis: int, what: str = "has its rows elsewhere than along axis") -> None:
    if tensor.axis != axis:
        raise Mixed(f"{what} {axis}")


def together(axes: list[int], tensor: Tensor, verb: str) -> None:
    if tensor.axis in axes:
        raise Mixed(f"{verb} the rows (axis {tensor.axis})")


def numel(tensor: Tensor) -> int | None:
    return None if tensor.shape is None else product(tensor.shape).number


def single(tensor: Tensor | None) -> bool:
    """Absent, or one value for all."""
    return tensor is None or (tensor.plain and numel(tensor) == 1)


def without_elements(tensor: Tensor) -> Tensor:
    return replace(tensor, elements=None)
