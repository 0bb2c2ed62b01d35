"""A request that was checked, as the batches take it, whatever form it came in."""

from dataclasses import dataclass

import msgspec

from modelward_serving.http.messages import Request

from .interface import Interface
from .tensors import Values


@dataclass(slots=True)
class Wanted:
    """The outputs of one reply: position in the model's outputs, and whether as raw bytes."""

    outputs: tuple[tuple[int, bool], ...]
    binary: bool
    everything: bool = False


class Inference(msgspec.Struct, eq=False):
    id: str | None
    rows: int
    values: list[Values]
    """Flat, in the order of the model's inputs."""
    shapes: tuple[tuple[int, ...], ...] | None
    """Of the inputs. Of a row, and only where a dimension of it is free, for models whose rows run together: only
    requests alike do."""
    wanted: Wanted
    timeout: float | None
    """Seconds that the client is willing to wait."""
    listed: bool = False
    """Each of the values is a list, and each input's rows have a fixed length."""
    plain: bool = False
    """Came by the plain route, and is answered in its form."""
    common: bool = False
    """Asks as most do for one row, and for all outputs as JSON without an id: the answers of many are made together."""
    request: Request | None = None
    """Whom to answer, if anybody."""


def all_outputs(interface: Interface, binary: bool) -> Wanted:
    return Wanted(tuple((i, binary) for i in range(len(interface.outputs))), binary, everything=True)
