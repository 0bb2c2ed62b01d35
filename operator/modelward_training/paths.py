"""Where a step finds what: the contract's paths, below `$MODELWARD_ROOT` for tests and trials outside a pod."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from modelward_contracts import tasks
from modelward_contracts.wire import decode

from .outcome import JobError

T = TypeVar("T")

DATASET_FILE = "dataset.json"
"""Beside the splits: the dataset's manifest."""
COLUMNS_FILE = "columns.json"
"""Beside them, of an imported model: its columns in the order that MLflow's signature names."""
PARAMETERS_FILE = "params.json"


@dataclass(frozen=True)
class Paths:
    root: Path = Path("/")

    @classmethod
    def from_env(cls) -> "Paths":
        return cls(Path(os.environ.get("MODELWARD_ROOT", "/")))

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    @property
    def inline(self) -> Path:
        return self.at(tasks.TASK_DIR) / tasks.INLINE_FILE

    @property
    def script_text(self) -> Path:
        """Of a ConfigMap."""
        return self.at(tasks.TASK_DIR) / tasks.SCRIPT_FILE

    @property
    def source(self) -> Path:
        return self.at(tasks.SOURCE_DIR)

    @property
    def input(self) -> Path:
        return self.at(tasks.INPUT_DIR)

    @property
    def script(self) -> Path:
        return self.at(tasks.SCRIPT_DIR)

    @property
    def handoff(self) -> Path:
        return self.at(tasks.HANDOFF_DIR)

    @property
    def shared_checkpoint(self) -> Path:
        return self.at(tasks.SHARED_CHECKPOINT_DIR)

    @property
    def output(self) -> Path:
        return self.at(tasks.OUTPUT_DIR)

    def task(self, shape: type[T]) -> T:
        path = self.at(tasks.TASK_DIR) / tasks.TASK_FILE
        try:
            return decode(path.read_bytes(), shape)
        except FileNotFoundError:
            raise JobError("InvalidTask", f"there is no task at {path}: mount the Job's ConfigMap there") from None
        except msgspec.DecodeError as error:
            raise JobError("InvalidTask", f"{path} cannot be read: {error}") from error
