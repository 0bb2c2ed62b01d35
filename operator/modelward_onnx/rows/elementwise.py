"""Operators that compute each value from the values at its place, with numpy's broadcasting."""

from typing import Any

import numpy as np

from .rule import ANY, CONTRIB, FIRST, rule
from .size import Size, fresh, size
from .tensor import Drawn, Mixed, Node, Tensor, axis_of, plain, single, sizes, with_rows, without_elements

UNARY = (
    *("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot"),
    *("Ceil", "Celu", "Cos", "Cosh", "Elu", "Erf", "Exp", "Floor"),
    *("Gelu", "HardSigmoid", "HardSwish", "IsInf", "IsNaN", "LeakyRelu", "Log", "Mish"),
    *("Neg", "Not", "Reciprocal", "Relu", "Round", "Selu", "Shrink", "Sigmoid"),
    *("Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Swish", "Tan"),
    *("Tanh", "ThresholdedRelu", "RegexFullMatch"),
)
JOINING = (
    *("Add", "And", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal"),
    *("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean", "Min", "Mod"),
    *("Mul", "Or", "PRelu", "Pow", "StringConcat", "Sub", "Sum", "Where"),
    "Xor",
)


def joined(*tensors: Tensor) -> Tensor:
    """The shape of what is broadcast together. The rows of all lie on each other; what has none is 1 there."""
    if any(tensor.shape is None for tensor in tensors):
        if any(tensor.of_rows for tensor in tensors):
            raise Mixed("has an input of unknown rank")
        return plain(None)
    rank = max(len(tensor.dims) for tensor in tensors)
    places = {tensor.axis - len(tensor.dims) for tensor in tensors if tensor.axis is not None}
    shape = tuple(_broadcast([t.dims[at] for t in tensors if -at <= len(t.dims)]) for at in range(-rank, 0))
    if not places:
        return plain(shape)
    if len(places) > 1:
        raise Mixed("brings each row together with others: its inputs have their rows along different axes")
    (place,) = places
    along = {tensor.at_rows() for tensor in tensors if tensor.of_rows}
    if len(along) > 1:
        raise Mixed("brings parts of rows together with those of others")
    for tensor in tensors:
        if not tensor.of_rows and -place <= len(tensor.dims) and tensor.dims[place].number != 1:
            raise Mixed("has a constant of its own for each place among the rows")
    shape = (*shape[: rank + place], along.pop(), *shape[rank + place + 1 :])
    return with_rows(shape, rank + place)


def _broadcast(dims: list[Size]) -> Size:
    others = {one for one in dims if one.number != 1}
    if not others:
        return size(1)
    numbers = [one for one in others if one.number is not None]
    if numbers:  # whatever another is, it is 1 or the same
        return numbers[0]
    return others.pop() if len(others) == 1 else fresh()


@rule(*UNARY)
def unary(node: Node) -> list[Tensor]:
    return [without_elements(node.tensor(0))]


@rule("Identity", sizes=FIRST, padded=True)
def identity(node: Node) -> list[Tensor]:
    return [node.tensor(0)]


@rule("Cast", sizes=FIRST)
def cast(node: Node) -> list[Tensor]:
    """To whole numbers, sizes stay what they are; others are computed anew."""
    tensor = node.tensor(0)
    to = node.get("to")
    if tensor.elements is None or (to not in (6, 7) and not tensor.counts_rows):
        return [without_elements(tensor)]
    if to not in (6, 7):
        raise Mixed("computes with the number of rows")
    return [tensor if tensor.elements.dtype == object else _same(tensor, tensor.elements.astype(np.int64))]


@rule("CastLike", rows=ANY)
def cast_like(node: Node) -> list[Tensor]:
    return [without_elements(node.tensor(0))]


@rule("Clip")
def clip(node: Node) -> list[Tensor]:
    return [joined(*(without_elements(tensor) for tensor in node.inputs if tensor is not None))]


@rule("Dropout")
def dropout(node: Node) -> list[Tensor]:
    if node.optional(2) is not None and [bool(value) for value in node.known(2, "training mode")] != [False]:
        raise Drawn
    return [without_elements(node.tensor(0))] * 2


@rule(*JOINING, rows=ANY, sizes=ANY)
def joining(node: Node) -> list[Tensor]:
    tensors = [tensor for tensor in node.inputs if tensor is not None]
    computed = _arithmetic(node, tensors)
    if computed is not None:
        return [computed]
    if any(tensor.counts_rows for tensor in tensors):
        raise Mixed("computes with the number of rows")
    return [joined(*map(without_elements, tensors))]


def _arithmetic(node: Node, tensors: list[Tensor]) -> Tensor | None:
    """Of sizes, as shapes are computed from shapes."""
    elements = [tensor.elements for tensor in tensors]
    if (
        node.op not in _ARITHMETIC
        or (node.op == "Max" and len(tensors) != 2)
        or any(one is None or one.dtype.kind not in "iuOb" for one in elements)
    ):
        return None
    compute = np.frompyfunc(_ARITHMETIC[node.op], len(elements), 1)
    try:
        return sizes(compute(*elements))
    except Mixed:
        if any(tensor.counts_rows for tensor in tensors):
            raise
        return None


def _times(a: Any, b: Any) -> Any:
    return a * b if isinstance(a, Size) or isinstance(b, Size) else int(a) * int(b)


def _divided(a: Any, b: Any) -> Any:
    if not isinstance(a, Size) and not isinstance(b, Size):
        if int(a) < 0 or int(b) <= 0:
            raise Mixed("divides by what is no size")
        return int(a) // int(b)
    over = size(a).over(size(b)) if isinstance(a, Size) or isinstance(b, Size) else None
    if over is None:
        raise Mixed("computes with the number of rows")
    return over


def _number(value: Any) -> int:
    number = value.number if isinstance(value, Size) else int(value)
    if number is None:
        raise Mixed("computes with the number of rows")
    return int(number)


def _equal(a: Any, b: Any) -> bool:
    """A size is never negative; whether it is some other number is not known."""
    a, b = (one.number if isinstance(one, Size) and one.number is not None else one for one in (a, b))
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Size):
            if not isinstance(other, Size) and int(other) < 0 and one.factor >= 0:
                return False
            raise Mixed("asks whether the number of rows is another")
    return int(a) == int(b)


def _where(condition: Any, a: Any, b: Any) -> Any:
    if isinstance(condition, Size):
        raise Mixed("asks for the number of rows")
    return a if condition else b


def _larger(a: Any, b: Any) -> Any:
    """As shapes are broadcast: of equal ones, or of 1 and any."""
    a, b = size(a), size(b)
    if a.number is not None and b.number is not None:
        return max(a.number, b.number)
    for one, other in ((a, b), (b, a)):
        if one == other or (one.number == 1 and other.factor > 0):
            return other
    raise Mixed("computes with the number of rows")


_ARITHMETIC: dict[str, Any] = {
    "Mul": _times,
    "Div": _divided,
    "Add": lambda a, b: _number(a) + _number(b),
    "Sub": lambda a, b: _number(a) - _number(b),
    "Max": _larger,
    "Equal": _equal,
    "Where": _where,
}


@rule("QuantizeLinear", "DequantizeLinear")
@rule("QuantizeLinear", "DequantizeLinear", domain=CONTRIB)
def quantize(node: Node) -> list[Tensor]:
    """With a scale for all, or one for each place along an axis that is not the rows'."""
    tensor, scale = node.tensor(0), node.tensor(1)
    if tensor.of_rows and not single(scale):
        if node.get("block_size", 0) or scale.rank != 1:
            raise Mixed("has scales for blocks")
        if axis_of(node.get("axis", 1), len(tensor.dims)) == tensor.axis:
            raise Mixed("has a scale of its own for each place among the rows")
    return [without_elements(tensor)]


@rule("StringNormalizer")
def string_normalizer(node: Node) -> list[Tensor]:
    """Without words to leave out it only changes case."""
    tensor = node.tensor(0)
    if tensor.of_rows and (node.get("stopwords") or tensor.rank != 1):
        raise Mixed("leaves out texts, whatever row they are of" if node.get("stopwords") else "takes one row only")
    return [tensor]


@rule("Gelu", "FastGelu", "QuickGelu", "BiasGelu", domain=CONTRIB)
def gelu(node: Node) -> list[Tensor]:
    return [joined(*(without_elements(tensor) for tensor in node.inputs if tensor is not None))]


def _same(tensor: Tensor, elements: Any) -> Tensor:
    return Tensor(tensor.shape, tensor.axis, elements)
