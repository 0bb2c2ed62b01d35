"""Start the examining process and read what it leaves. Nothing it says is unpickled."""

import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelward_contracts.manifests import Signature
from modelward_contracts.wire import decode
from modelward_training.outcome import JobError

from .examined import EXAMINED, FAILURE, SCORED, Examined, Failure
from .predict import Predictions

Array = np.ndarray[Any, Any]
TIMEOUT = 3600
EXAMINE, SCORE = "modelward_training.publish.examine", "modelward_training.publish.score"
_KEPT = ("PATH", "PYTHONPATH", "TMPDIR", "LANG", "LC_ALL")
"""Store credentials are in the environment too, and stay out."""
_FILE_BYTES = 8 << 30


@dataclass(frozen=True)
class HeldOut:
    """One split's raw outputs by name, and the model's and the native predictions."""

    outputs: dict[str, Array]
    predicted: Array
    probabilities: Array | None
    native_predicted: Array | None
    """None: there are none, as of an imported model."""
    native_probabilities: Array | None
    moved: Array | None = None
    """How far each prediction, or the farthest probability of the row, went when inputs were nudged."""


def examine(folder: Path) -> Examined:
    _process(EXAMINE, folder)
    return decode((folder / EXAMINED).read_bytes(), Examined)


def score(folder: Path) -> Predictions:
    """What a stored model says of the test rows; its folder is as `score` wants it."""
    _process(SCORE, folder)
    with np.load(folder / SCORED, allow_pickle=False) as arrays:
        return Predictions(arrays["predicted"], arrays.get("probabilities"))


def _process(module: str, folder: Path) -> None:
    with (folder / "examine.log").open("wb") as log:
        try:
            code = subprocess.run(
                [sys.executable, "-m", module, str(folder)],
                env={name: os.environ[name] for name in _KEPT if name in os.environ} | {"HOME": str(folder)},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=TIMEOUT,
                preexec_fn=_limit,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            raise JobError(
                "InvalidModel", f"model.onnx was not through after {TIMEOUT:.0f} s on held-out rows"
            ) from None
    if code != 0:
        raise _failure(folder, code)


def held_out(folder: Path, split: str, signature: Signature) -> HeldOut:
    with np.load(folder / f"{split}.npz", allow_pickle=False) as arrays:
        return HeldOut(
            outputs={tensor.name: arrays[f"output_{number}"] for number, tensor in enumerate(signature.outputs)},
            predicted=arrays["model_predicted"],
            probabilities=arrays.get("model_probabilities"),
            native_predicted=arrays.get("native_predicted"),
            native_probabilities=arrays.get("native_probabilities"),
            moved=arrays.get("moved"),
        )


def _limit() -> None:
    """No address-space limit: libraries that cannot allocate hang as often as they fail. The kernel ends the greedy."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    Path("/proc/self/oom_score_adj").write_text("1000")


def _failure(folder: Path, code: int) -> JobError:
    try:
        said = decode((folder / FAILURE).read_bytes(), Failure)
    except FileNotFoundError:
        if code == -signal.SIGKILL:
            return JobError("OutOfMemory", "running model.onnx took more memory than there is: give the run more")
        cause = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        log = (folder / "examine.log").read_bytes()[-2000:].decode(errors="replace").strip().splitlines()
        return JobError("InvalidModel", f"running model.onnx ended with {cause}: {log[-1] if log else 'no message'}")
    return JobError(said.reason, said.message)
