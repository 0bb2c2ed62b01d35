"""Products of matrices: rows stay apart where they are not what is summed over, and meet no other rows."""

from .elementwise import joined
from .rule import CONTRIB, rule
from .size import Size, fresh, size
from .tensor import Mixed, Node, Tensor, plain, require_axis, single, with_rows

SUMS = "sums over the rows"
PAIRS = "brings each row together with others"


def multiplied(a: Tensor, b: Tensor) -> Tensor:
    """numpy's matmul."""
    if a.shape is None or b.shape is None:
        if a.of_rows or b.of_rows:
            raise Mixed("has a factor of unknown rank")
        return plain(None)
    if not a.shape or not b.shape:
        raise Mixed("has a number for a factor")
    if a.axis == len(a.shape) - 1 or (b.axis is not None and b.axis == max(len(b.shape) - 2, 0)):
        raise Mixed(SUMS)
    left, right = _matrix(a, first=True), _matrix(b, first=False)
    # Stacks of matrices are broadcast like values: what is left of each after its matrix.
    stack = joined(_stack(left), _stack(right))
    if stack.shape is None:
        raise Mixed("has a factor of unknown rank")
    shape = (*stack.shape, left.dims[-2], right.dims[-1])
    rank = len(shape)
    axes = [stack.axis] if stack.axis is not None else []
    if left.axis == len(left.dims) - 2:
        axes.append(rank - 2)
    if right.axis == len(right.dims) - 1:
        axes.append(rank - 1)
    if len(axes) > 1:
        raise Mixed(PAIRS)
    dropped = {rank - 2} if len(a.shape) == 1 else set()
    dropped |= {rank - 1} if len(b.shape) == 1 else set()
    kept = [at for at in range(rank) if at not in dropped]
    dims = tuple(shape[at] for at in kept)
    return with_rows(dims, kept.index(axes[0])) if axes else plain(dims)


def _matrix(tensor: Tensor, first: bool) -> Tensor:
    if len(tensor.dims) > 1:
        return tensor
    return Tensor((size(1), *tensor.dims) if first else (*tensor.dims, size(1)))


def _stack(tensor: Tensor) -> Tensor:
    dims = tensor.dims[:-2]
    return Tensor(dims, tensor.axis if tensor.axis is not None and tensor.axis < len(dims) else None)


@rule("MatMul", rows=(0, 1))
def matmul(node: Node) -> list[Tensor]:
    return [multiplied(node.tensor(0), node.tensor(1))]


@rule("FusedMatMul", domain=CONTRIB, rows=(0, 1))
def fused_matmul(node: Node) -> list[Tensor]:
    if node.get("transBatchA", 0) or node.get("transBatchB", 0):
        raise Mixed("turns stacks of matrices")
    a, b = (_turned(node.tensor(at), node.get(name, 0)) for at, name in ((0, "transA"), (1, "transB")))
    return [multiplied(a, b)]


def _turned(tensor: Tensor, turned: int) -> Tensor:
    if not turned or len(tensor.dims) < 2:
        return tensor
    order = [*range(len(tensor.dims) - 2), len(tensor.dims) - 1, len(tensor.dims) - 2]
    axis = order.index(tensor.axis) if tensor.axis is not None else None
    return Tensor(tuple(tensor.dims[at] for at in order), axis)


@rule("Gemm", rows=(0, 1, 2))
def gemm(node: Node) -> list[Tensor]:
    a, b = (_turned(node.tensor(at), node.get(name, 0)) for at, name in ((0, "transA"), (1, "transB")))
    result = multiplied(a, b)
    added = node.optional(2)
    return [result if added is None else joined(result, added)]


@rule("MatMulInteger", rows=(0, 1))
def matmul_integer(node: Node) -> list[Tensor]:
    of_columns = node.tensor(1).of_rows and not single(node.optional(3))
    if of_columns or not single(node.optional(2)):
        raise Mixed("has a zero point for each place among the rows")
    return [multiplied(node.tensor(0), node.tensor(1))]


@rule("QLinearMatMul", rows=(0, 3))
def qlinear_matmul(node: Node) -> list[Tensor]:
    if not all(single(node.optional(at)) for at in (1, 2, 6, 7)) or (
        node.tensor(3).of_rows and not all(single(node.optional(at)) for at in (4, 5))
    ):
        raise Mixed("has a scale for each place among the rows")
    return [multiplied(node.tensor(0), node.tensor(3))]


@rule("MatMulNBits", domain=CONTRIB)
def matmul_n_bits(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    if tensor.shape is None:
        return [plain(None)]
    if tensor.axis == len(tensor.shape) - 1:
        raise Mixed(SUMS)
    return [Tensor((*tensor.shape[:-1], size(node.get("N", 0))), tensor.axis)]


@rule("CDist", domain=CONTRIB)
def distances(node: Node) -> list[Tensor]:
    """Of each row to each of a table's."""
    a, table = node.tensor(0), node.tensor(1)
    require_axis(a, 0)
    return [with_rows((a.dims[0], table.dims[0]), 0)]


@rule("Einsum", rows=None)
def einsum(node: Node) -> list[Tensor]:
    left, arrow, right = node.get("equation", b"").decode().replace(" ", "").partition("->")
    tensors = [tensor for tensor in node.inputs if tensor is not None]
    terms = list(zip(left.split(","), tensors, strict=True))
    if not arrow or "." in left or any(len(term) != len(tensor.dims) for term, tensor in terms):
        raise Mixed("has an equation that is not followed")
    letters: dict[str, Size] = {}
    for term, tensor in terms:
        for letter, one in zip(term, tensor.dims, strict=True):
            if letter not in letters or letters[letter].number == 1 or one.rows:
                letters[letter] = one
    along = {term[tensor.axis] for term, tensor in terms if tensor.axis is not None}
    for letter in along:
        _stays_apart(letter, terms, right, letters[letter])
    shape = tuple(letters.get(letter, fresh()) for letter in right)
    if len(along) > 1:
        raise Mixed(PAIRS)
    return [with_rows(shape, right.index(along.pop())) if along else plain(shape)]


def _stays_apart(letter: str, terms: list[tuple[str, Tensor]], right: str, rows: Size) -> None:
    if right.count(letter) != 1:
        raise Mixed(SUMS)
    for term, tensor in terms:
        if letter in term:
            if term.count(letter) > 1 or tensor.axis != term.index(letter):
                raise Mixed(PAIRS)
            if tensor.at_rows() != rows:
                raise Mixed("brings parts of rows together with those of others")
