"""The examining process: parses and runs what `train` wrote, and leaves plain arrays and JSON.

`python -m modelward_training.publish.examine FOLDER`, started by `evaluate` with limits and an empty environment. The
folder holds model.onnx, predictions.parquet, dataset.json and the held-out splits without labels.
"""

import resource
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pyarrow.parquet as pq

from modelward_contracts.manifests import DatasetManifest, Signature
from modelward_contracts.wire import canonical, decode
from modelward_training import limits
from modelward_training.outcome import JobError

from . import predict
from .batching import batching, mixes
from .check_model import checked, class_labels
from .examined import EXAMINED, FAILURE, HELD_OUT, Examined, Failure
from .feeds import columns, feed
from .golden import golden
from .signature import signature

BATCH = 4096
LATENCY_RUNS, LATENCY_SECONDS = 200, 2.0
Array = np.ndarray[Any, Any]


def main(folder: Path) -> int:
    try:
        examined = _examine(folder)
    except JobError as error:
        (folder / FAILURE).write_bytes(canonical(Failure(reason=error.reason, message=error.message)))
        return 1
    (folder / EXAMINED).write_bytes(canonical(examined))
    return 0


def _examine(folder: Path) -> Examined:
    data = (folder / "model.onnx").read_bytes()
    dataset = decode((folder / "dataset.json").read_bytes(), DatasetManifest)
    model = checked(data)
    labels = class_labels(model)
    before = _resident()
    session = _session(data, max(2, limits.cpus()))
    memory = _resident() - before
    made = signature(session, dataset, labels)
    single = _session(data, 1)
    run = partial(_run, single, made)
    first = feed(made, pq.read_table(folder / "test.parquet", columns=columns(made)))
    together = batching(model, made, run, first)
    # Rows are measured as they will be answered: alone, where what a row is told depends on its neighbours.
    batch = BATCH if together.rows_independent or mixes(run, first) is None else 1
    feeds = {split: _held_out(folder, split, session, made, dataset, batch) for split in HELD_OUT}
    return Examined(
        signature=made,
        latency_seconds=_latency(single, feeds["test"]),
        memory_bytes=max(memory, len(data)),
        golden=golden(made, feeds["test"], run, partial(_run, session, made)),
        batching=together,
    )


def _session(data: bytes, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise JobError("InvalidModel", f"onnxruntime cannot load model.onnx: {_first_line(error)}") from error


def _held_out(
    folder: Path, split: str, session: Any, made: Signature, dataset: DatasetManifest, batch: int
) -> dict[str, Array]:
    """Run the model on a split and write its raw outputs and both predictions beside it; returns the inputs."""
    table = pq.read_table(folder / f"{split}.parquet", columns=[dataset.id, *columns(made)])
    inputs = feed(made, table)
    outputs = _batches(session, made, inputs, split, batch)
    predicted = predict.of_model(outputs, made, dataset)
    _no_nan(predicted, table[dataset.id], split)
    native = predict.native(folder / "predictions.parquet", table[dataset.id], made, dataset)
    arrays = {f"output_{number}": _storable(outputs[tensor.name]) for number, tensor in enumerate(made.outputs)}
    for name, one in (("model", predicted), ("native", native)):
        arrays[f"{name}_predicted"] = one.predicted
        if one.probabilities is not None:
            arrays[f"{name}_probabilities"] = one.probabilities
    np.savez(folder / f"{split}.npz", **arrays)  # type: ignore[arg-type]  # numpy's stub mistakes them for a flag
    return inputs


def _batches(session: Any, made: Signature, inputs: dict[str, Array], split: str, size: int) -> dict[str, Array]:
    rows = len(next(iter(inputs.values())))
    parts = []
    for start in range(0, rows, size):
        batch = {name: values[start : start + size] for name, values in inputs.items()}
        try:
            parts.append(_run(session, made, batch))
        except Exception as error:
            raise JobError("InvalidModel", f"model.onnx fails on rows of {split}: {_first_line(error)}") from error
    return {tensor.name: np.concatenate([part[tensor.name] for part in parts]) for tensor in made.outputs}


def _run(session: Any, made: Signature, inputs: dict[str, Array]) -> dict[str, Array]:
    names = [tensor.name for tensor in made.outputs]
    outputs = dict(zip(names, session.run(names, inputs), strict=True))
    rows = len(next(iter(inputs.values())))
    for name, values in outputs.items():
        if values.ndim not in (1, 2) or len(values) != rows:
            raise ValueError(f"the output {name!r} has the shape {list(values.shape)} for {rows} rows")
    return outputs


def _latency(session: Any, inputs: dict[str, Array]) -> dict[str, float]:
    """Of one row, one thread, warm."""
    one = {name: values[:1] for name, values in inputs.items()}
    taken: list[float] = []
    end = time.perf_counter() + LATENCY_SECONDS
    while len(taken) < LATENCY_RUNS and (len(taken) < 20 or time.perf_counter() < end):
        started = time.perf_counter()
        session.run(None, one)
        taken.append(time.perf_counter() - started)
    p50, p99 = np.quantile(taken[len(taken) // 10 :], [0.5, 0.99])
    return {"p50": float(p50), "p99": float(p99)}


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _no_nan(predicted: predict.Predictions, ids: Any, split: str) -> None:
    values = predicted.predicted if predicted.probabilities is None else predicted.probabilities
    bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if bad.any():
        first = ids[int(bad.argmax())]
        raise JobError(
            "InvalidModel", f"model.onnx gives no number for {bad.sum()} rows of {split}, {first} among them"
        )


def _storable(values: Array) -> Array:
    """Text of fixed width: arrays of objects would need pickle to be read."""
    return values.astype(str) if values.dtype == object else values


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
