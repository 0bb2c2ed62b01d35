"""The examining process: parses and runs what `train` wrote, and leaves plain arrays and JSON.

`python -m modelward_training.publish.examine FOLDER`, started by `isolated` with limits and an empty environment. The
folder holds model.onnx, predictions.parquet where there is one, dataset.json and the held-out splits without labels.
"""

import resource
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq

from modelward_contracts.manifests import DatasetManifest, Signature, Tensor
from modelward_contracts.wire import canonical, decode
from modelward_onnx.zipmap import unzip
from modelward_training import limits
from modelward_training.outcome import JobError

from . import predict, rounding, session, shapes, signature, traps
from .batching import batching
from .check_model import checked
from .classes import name_labels
from .columns import per_column
from .examined import ASKED, EXAMINED, FAILURE, HELD_OUT, Asked, Examined, Failure, Tolerance
from .feeds import columns, feed, rounded
from .golden import golden
from .importance import shuffled
from .intake import PREDICTIONS
from .outputs import meaning

LATENCY_RUNS, LATENCY_SECONDS = 200, 2.0
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Ran:
    """A model and what it gave for each held-out split."""

    session: Any
    batch: int
    """Rows that are run together."""
    memory: int
    inputs: list[Tensor]
    tables: dict[str, pa.Table]
    feeds: dict[str, dict[str, Array]]
    outputs: dict[str, dict[str, Array]]

    def all(self) -> dict[str, Array]:
        """The outputs of all splits, one after another."""
        names = self.outputs[HELD_OUT[0]]
        return {name: np.concatenate([self.outputs[split][name] for split in HELD_OUT]) for name in names}


def main(folder: Path) -> int:
    try:
        examined = _examine(folder)
    except JobError as error:
        (folder / FAILURE).write_bytes(canonical(Failure(reason=error.reason, message=error.message)))
        return 1
    (folder / EXAMINED).write_bytes(canonical(examined))
    return 0


def _examine(folder: Path) -> Examined:
    """Usual exports are brought into the form that is served; model.onnx in `folder` is then what was measured."""
    dataset = decode((folder / "dataset.json").read_bytes(), DatasetManifest)
    asked = decode((folder / ASKED).read_bytes(), Asked)
    data = (folder / "model.onnx").read_bytes()
    model = checked(data)
    zipped = unzip(model)
    edits = [*map(_unzipped, zipped), *per_column(model, dataset, asked.columns)]
    ran = _ran(folder, _bytes(model) if edits else data, dataset)
    meant = meaning(ran.all(), model, dataset, zipped)
    shaped = shapes.declare(model, ran.all())
    if meant.by_number:
        name_labels(model, str(meant.label), dataset)
    if shaped or meant.by_number:
        ran = _ran(folder, _bytes(model), dataset)
    edits += shaped
    if edits or meant.by_number:
        data = _bytes(model)
        (folder / "model.onnx").write_bytes(data)
    made = Signature(
        inputs=ran.inputs,
        outputs=shapes.measured(signature.outputs(ran.session), ran.all()),
        classes=meant.classes,
        label_output=meant.label,
        probability_output=meant.probability,
    )
    native = folder / PREDICTIONS if asked.native else None
    _compare(folder, ran, model, made, dataset, native)
    single = session.load(data, 1)
    unread = predict.unread(native, made, dataset) if native else None
    told = [*edits, *meant.notes, unread, traps.scaled(model)]
    _shuffle(folder, ran, made, dataset, asked)
    return Examined(
        signature=made,
        latency_seconds=_latency(single, ran.feeds["test"]),
        memory_bytes=max(ran.memory, len(data)),
        golden=golden(made, ran.feeds["test"], partial(session.run, single), partial(session.run, ran.session)),
        batching=batching(model, made, partial(session.run, single), ran.feeds["test"]),
        tolerance=Tolerance(
            trees=rounding.of_trees(model),
            exponential=rounding.ends_in_exponential(model, made.label_output or ""),
            output_epsilon=_epsilon(ran, made),
        ),
        notes=[note for note in (*told, *_lossy(ran)) if note],
    )


def _ran(folder: Path, data: bytes, dataset: DatasetManifest) -> Ran:
    before = _resident()
    loaded = session.load(data, max(2, limits.cpus()))
    memory = _resident() - before
    inputs = signature.inputs(loaded, dataset)
    signature.outputs(loaded)
    wanted = [dataset.id, *columns(inputs)]
    tables = {split: pq.read_table(folder / f"{split}.parquet", columns=wanted) for split in HELD_OUT}
    feeds = {split: feed(inputs, table) for split, table in tables.items()}
    batch = session.rows_at_a_time(loaded, feeds["test"])
    outputs = {split: session.run_all(loaded, given, split, batch) for split, given in feeds.items()}
    return Ran(loaded, batch, memory, inputs, tables, feeds, outputs)


def _compare(
    folder: Path, ran: Ran, model: onnx.ModelProto, made: Signature, dataset: DatasetManifest, native: Path | None
) -> None:
    """Write each split's raw outputs and both predictions as arrays."""
    for split in HELD_OUT:
        ids = ran.tables[split][dataset.id]
        predicted = predict.of_model(ran.outputs[split], made, dataset)
        predict.check_finite(predicted, ids, split)
        both = {"model": predicted} | ({"native": predict.native(native, ids, made, dataset)} if native else {})
        arrays = {f"output_{number}": _storable(ran.outputs[split][t.name]) for number, t in enumerate(made.outputs)}
        for name, one in both.items():
            arrays[f"{name}_predicted"] = one.predicted
            if one.probabilities is not None:
                arrays[f"{name}_probabilities"] = one.probabilities
        if not rounding.has_trees(model):
            nudged = session.run_all(ran.session, rounding.nudged(ran.feeds[split]), split)
            arrays["moved"] = _moved(predicted, predict.of_model(nudged, made, dataset))
        np.savez(folder / f"{split}.npz", **arrays)  # type: ignore[arg-type]  # numpy's stub mistakes them for a flag


def _shuffle(folder: Path, ran: Ran, made: Signature, dataset: DatasetManifest, asked: Asked) -> None:
    if asked.importance_rows is None:
        return

    def answers(inputs: dict[str, Array]) -> predict.Predictions:
        return predict.of_model(session.run_all(ran.session, inputs, "test", ran.batch), made, dataset)

    shuffled(folder, ran.feeds["test"], answers, asked.importance_rows, asked.seed)


def _moved(predicted: predict.Predictions, nudged: predict.Predictions) -> Array:
    if predicted.probabilities is None or nudged.probabilities is None:
        gaps: Array = np.abs(nudged.predicted - predicted.predicted).astype(float)
    else:
        gaps = np.abs(nudged.probabilities - predicted.probabilities).max(axis=1)
    return np.nan_to_num(gaps)


def _lossy(ran: Ran) -> list[str]:
    tables = pa.concat_tables([ran.tables[split] for split in HELD_OUT])
    return [note for tensor in ran.inputs if (note := rounded(tables, tensor)) is not None]


def _epsilon(ran: Ran, made: Signature) -> float:
    name = made.probability_output or made.label_output or ""
    dtype = ran.outputs["test"][name].dtype
    return float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0


def _unzipped(name: str) -> str:
    return f"the output {name!r} was a ZipMap: the stored model gives the tensor before it, a column for each class"


def _bytes(model: onnx.ModelProto) -> bytes:
    return bytes(model.SerializeToString(deterministic=True))


def _latency(loaded: Any, inputs: dict[str, Array]) -> dict[str, float]:
    """Of one row, one thread, warm."""
    one = {name: values[:1] for name, values in inputs.items()}
    taken: list[float] = []
    end = time.perf_counter() + LATENCY_SECONDS
    while len(taken) < LATENCY_RUNS and (len(taken) < 20 or time.perf_counter() < end):
        started = time.perf_counter()
        loaded.run(None, one)
        taken.append(time.perf_counter() - started)
    p50, p99 = np.quantile(taken[len(taken) // 10 :], [0.5, 0.99])
    return {"p50": float(p50), "p99": float(p99)}


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _storable(values: Array) -> Array:
    """Text of fixed width: arrays of objects would need pickle to be read."""
    return values.astype(str) if values.dtype == object else values


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
