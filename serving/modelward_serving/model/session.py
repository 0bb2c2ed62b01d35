"""onnxruntime, held to what a server in a container needs: its own bytes, its own threads, no telemetry."""

import os
from typing import Any

# Read when the library is loaded: without it, it writes a device id under $HOME and may call its maker.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

from modelward_serving.refusal import ModelError

from .plan import Plan

onnxruntime.disable_telemetry_events()
onnxruntime.set_default_logger_severity(3)
RUN_OPTIONS = onnxruntime.RunOptions()
"""For every run: without any, the library raises and catches an exception each time."""


def open_session(model: bytes, plan: Plan) -> Any:
    """A session over bytes that were already proven. No custom operators are registered, so none can run."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = plan.intra_op_threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen types without a common base
        raise ModelError("InvalidModel", f"model.onnx cannot be loaded: {' '.join(str(error).split())}") from error


def version() -> str:
    return str(onnxruntime.__version__)
