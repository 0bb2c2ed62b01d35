"""May a server run rows of several requests together? Proven from the graph, and tried on held-out rows. Runs in the
examining process.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from modelward_contracts.manifests import Batching, Signature
from modelward_onnx.rows import prove
from modelward_onnx.trial import try_rows

ROWS = 32
Array = np.ndarray[Any, Any]


def batching(
    model: onnx.ModelProto,
    signature: Signature,
    run: Callable[[dict[str, Array]], dict[str, Array]],
    inputs: dict[str, Array],
) -> Batching:
    proof = prove(model, [tensor.name for tensor in signature.outputs])
    if not proof.independent:
        return Batching(rows_independent=False, reason=proof.reason)
    differs = mixes(run, inputs)
    return Batching(rows_independent=differs is None, reason=f"on held-out rows, {differs}" if differs else "")


def mixes(run: Callable[[dict[str, Array]], dict[str, Array]], inputs: dict[str, Array]) -> str | None:
    """What differs where some of these rows run together and where each runs alone; None too where they cannot run."""
    rows = len(next(iter(inputs.values())))
    some = np.unique(np.linspace(0, rows - 1, min(rows, ROWS)).astype(int))
    try:
        return try_rows(
            lambda feeds: list(run(feeds).values()), {name: values[some] for name, values in inputs.items()}
        )
    except Exception:  # any of onnxruntime's errors; who runs all rows will tell
        return None
