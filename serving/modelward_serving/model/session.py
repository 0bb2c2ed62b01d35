"""onnxruntime, held to what a server in a container needs: its own bytes, its own threads, no telemetry."""

import os
import re
from pathlib import Path
from typing import Any

# Read when the library is loaded: without it, it writes a device id under $HOME and may call its maker.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

from modelward_serving.refusal import ModelError

from .plan import Plan

onnxruntime.disable_telemetry_events()
onnxruntime.set_default_logger_severity(4)  # what it calls errors is raised as well, and is often a request's doing
_NO_LOCALE = re.compile(r"Failed to construct locale with name:([\w.@-]+)")
RUN_OPTIONS = onnxruntime.RunOptions()
"""For every run: without any, the library raises and catches an exception each time."""


def open_session(model: bytes, plan: Plan, beside: Path | None = None) -> Any:
    """A session over bytes that were already proven. No custom operators are registered, so none can run. `beside`:
    the folder of files that the model keeps weights in."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = plan.intra_op_threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    if beside is not None:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(beside.resolve()))
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen types without a common base
        said = " ".join(str(error).split())
        if (locale := _NO_LOCALE.search(said)) is not None:
            raise ModelError("LocaleMissing", _locale_advice(locale[1])) from error
        if "INVALID_PROTOBUF" in said:
            said = "it is no ONNX file, or was cut off: copy or download it again"
        raise ModelError("InvalidModel", f"model.onnx cannot be loaded: {said}") from error


def _locale_advice(name: str) -> str:
    return (
        f"model.onnx has a step that changes the case of text, for which onnxruntime needs the system's locale {name}:"
        f" `apt-get install locales && localedef -i {name.partition('.')[0]} -f UTF-8 {name}` (Debian, Ubuntu),"
        f" or `dnf install glibc-langpack-{name[:2]}` (Fedora, RHEL), as root"
    )


def interrupt() -> None:
    """Runs under way end at their next operator, with an error; there are no more."""
    RUN_OPTIONS.terminate = True


def version() -> str:
    return str(onnxruntime.__version__)
