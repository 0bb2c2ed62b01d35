"""Sizes of dimensions, as far as they are known: a number times symbols, one of which is the number of rows."""

from dataclasses import dataclass
from itertools import count
from typing import Union

ROWS = "rows"
_numbers = count()


@dataclass(frozen=True, slots=True)
class Size:
    """`factor` times each of `symbols` (sorted; one may stand there several times).

    Symbols other than `ROWS` stand for sizes that requests which run together have in common.
    """

    factor: int
    symbols: tuple[str, ...] = ()

    def __mul__(self, other: Union["Size", int]) -> "Size":
        other = size(other)
        return Size(self.factor * other.factor, tuple(sorted(self.symbols + other.symbols)))

    __rmul__ = __mul__

    @property
    def rows(self) -> int:
        """How many times the number of rows is a factor."""
        return self.symbols.count(ROWS)

    @property
    def number(self) -> int | None:
        return self.factor if not self.symbols else None

    def over(self, divisor: "Size") -> "Size | None":
        """The quotient where it is whole whatever the symbols are, else None."""
        left = list(self.symbols)
        for symbol in divisor.symbols:
            if symbol not in left:
                return None
            left.remove(symbol)
        if divisor.factor == 0 or self.factor % divisor.factor:
            return None
        return Size(self.factor // divisor.factor, tuple(left))


def size(value: Size | int) -> Size:
    return value if isinstance(value, Size) else Size(value)


def fresh() -> Size:
    """One that is not known, but does not depend on the number of rows."""
    return Size(1, (f"s{next(_numbers)}",))


def product(sizes: tuple[Size, ...]) -> Size:
    total = Size(1)
    for one in sizes:
        total = total * one
    return total
