"""Lengths that the graph says are one: dimensions of its inputs with the same symbol.

onnxruntime does not hold requests against that: it may answer by spreading the shorter one, or fail inside the graph.
"""

from typing import Any, NamedTuple

from modelward_serving.protocol.interface import Interface
from modelward_serving.refusal import Refused

_UNKNOWN = frozenset({"", "?", "None", "-1", "unk"})
"""What exporters wrote for dimensions that they knew nothing of."""


class Tie(NamedTuple):
    symbol: str
    places: tuple[tuple[str, str, int], ...]
    """Input, what people call it, and dimension."""

    @property
    def of_rows(self) -> bool:
        """All are first dimensions."""
        return not any(axis for _, _, axis in self.places)

    def check(self, feeds: dict[str, Any]) -> None:
        """Raises `Refused`."""
        first, title, axis = self.places[0]
        length = feeds[first].shape[axis]
        for name, other_title, other_axis in self.places[1:]:
            other = feeds[name].shape[other_axis]
            if other != length:
                raise Refused(
                    f"dimension {axis} of input '{title}' is {length} and dimension {other_axis} of input"
                    f" '{other_title}' is {other}, but both are '{self.symbol}' in this model: make them equal"
                )


def ties_of(session: Any, interface: Interface) -> tuple[Tie, ...]:
    titles = {spec.name: spec.title for spec in interface.inputs}
    places: dict[str, list[tuple[str, str, int]]] = {}
    for argument in session.get_inputs():
        for axis, size in enumerate(argument.shape):
            if isinstance(size, str) and size not in _UNKNOWN and argument.name in titles:
                places.setdefault(size, []).append((argument.name, titles[argument.name], axis))
    return tuple(Tie(symbol, tuple(found)) for symbol, found in places.items() if len(found) > 1)
