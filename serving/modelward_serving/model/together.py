"""Whether rows of several requests run together: only where it is proven that a row's answer is its own.

The manifest tells what was proven when the model was published. For a model without, or with an older one, it is
proven here, in a process of its own: only that needs the onnx package and the whole graph as objects.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import msgspec

from modelward_contracts.manifests import Batching, ModelManifest
from modelward_contracts.wire import Wire, decode

Wanted = Literal["auto", "off"]
OFF = Batching(rows_independent=False, reason="it is switched off")
SECONDS = 120.0


class Proven(Wire, frozen=True, kw_only=True):
    model: str
    """Digest of the model.onnx that was looked at."""
    batching: Batching


def proven(folder: Path, wanted: Wanted) -> Proven | None:
    """The proof, where it is asked for and no manifest tells. To be called before there are threads or an event loop:
    it takes as long as reading the graph does."""
    model, manifest = folder / "model.onnx", folder / "manifest.json"
    if wanted == "off" or not model.is_file() or _told(manifest):
        return None
    command = [sys.executable, "-m", "modelward_onnx.rows", str(model)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=SECONDS, check=True)
        return decode(done.stdout, Proven)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError):
        return None


def batching(wanted: Wanted, manifest: ModelManifest | None, proof: Proven | None, model_digest: str) -> Batching:
    if wanted == "off":
        return OFF
    if manifest is not None and manifest.batching is not None:
        return manifest.batching
    if proof is None or proof.model != model_digest:
        return Batching(rows_independent=False, reason="the graph could not be looked at")
    return proof.batching


def _told(manifest: Path) -> bool:
    """What it says is read, and its digest checked, when the model is loaded."""
    try:
        return decode(manifest.read_bytes(), ModelManifest).batching is not None
    except (OSError, msgspec.DecodeError):
        return False
