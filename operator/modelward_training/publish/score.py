"""What a stored model says of the test rows, in a process of its own: it was a user's once.

`python -m modelward_training.publish.score FOLDER`, started by `isolated` with limits and an empty environment. The
folder holds model.onnx, its signature.json, dataset.json and test.parquet without labels.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from modelward_contracts.manifests import DatasetManifest, Signature
from modelward_contracts.wire import canonical, decode
from modelward_training import limits
from modelward_training.outcome import JobError

from . import predict, session
from .examined import FAILURE, SCORED, SIGNATURE, Failure
from .feeds import columns, feed


def main(folder: Path) -> int:
    try:
        said = _score(folder)
    except JobError as error:
        (folder / FAILURE).write_bytes(canonical(Failure(reason=error.reason, message=error.message)))
        return 1
    arrays = {"predicted": said.predicted}
    if said.probabilities is not None:
        arrays["probabilities"] = said.probabilities
    np.savez(folder / SCORED, **arrays)  # type: ignore[arg-type]  # numpy's stub mistakes them for a flag
    return 0


def _score(folder: Path) -> predict.Predictions:
    dataset = decode((folder / "dataset.json").read_bytes(), DatasetManifest)
    signature = decode((folder / SIGNATURE).read_bytes(), Signature)
    loaded = session.load((folder / "model.onnx").read_bytes(), max(2, limits.cpus()))
    table = pq.read_table(folder / "test.parquet", columns=[dataset.id, *columns(signature.inputs)])
    inputs = feed(signature.inputs, table)
    outputs = session.run_all(loaded, inputs, "test", session.rows_at_a_time(loaded, inputs))
    said = predict.of_model(outputs, signature, dataset)
    predict.check_finite(said, table[dataset.id], "test")
    return said


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
