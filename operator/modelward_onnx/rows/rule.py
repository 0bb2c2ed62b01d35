"""The list of operators that have a rule, and which of their inputs may be other than plain."""

from collections.abc import Callable
from dataclasses import dataclass

from .tensor import Mixed, Node, Tensor

Yield = Callable[[Node], list[Tensor]]
"""What a node yields. Raises `Mixed` where nothing can be said of it."""
Inputs = tuple[int, ...] | None
"""Their positions; None: all."""
ONNX, LEARNERS, CONTRIB = "", "ai.onnx.ml", "com.microsoft"
FIRST, ANY, NONE = (0,), None, ()


@dataclass(frozen=True)
class Rule:
    function: Yield
    rows: Inputs
    """Inputs that the rule understands where they have rows; elsewhere they are refused before it is asked."""
    sizes: Inputs
    """Likewise where they hold the number of rows."""
    padded: bool
    """Whether it understands texts that are filled up."""

    def apply(self, node: Node) -> list[Tensor]:
        for at, tensor in enumerate(node.inputs):
            if tensor is None:
                continue
            if tensor.of_rows and self.rows is not None and at not in self.rows:
                raise Mixed(f"takes its input {at + 1} from requests")
            if tensor.padding is not None and not self.padded:
                raise Mixed("takes texts that were filled up to the longest of all rows")
            if tensor.counts_rows and self.sizes is not None and at not in self.sizes:
                raise Mixed("computes with the number of rows")
        return self.function(node)


RULES: dict[tuple[str, str], Rule] = {}


def rule(
    *operators: str, domain: str = ONNX, rows: Inputs = FIRST, sizes: Inputs = NONE, padded: bool = False
) -> Callable[[Yield], Yield]:
    def register(function: Yield) -> Yield:
        for operator in operators:
            RULES[domain, operator] = Rule(function, rows, sizes, padded)
        return function

    return register
