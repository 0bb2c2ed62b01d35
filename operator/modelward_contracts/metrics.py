"""The names of all that `publish` measures of a model, and of what is better where it is less."""

from .manifests import Task

METRICS: dict[Task, tuple[str, ...]] = {
    "classification": (
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "auc",
        "log_loss",
        "brier",
        "calibration_error",
    ),
    "regression": ("rmse", "mae", "r2"),
}
"""Of rows, labels and predictions."""
COSTS = ("model_bytes", "memory_bytes", "latency_p50_seconds", "latency_p99_seconds")
"""Of the model alone."""
LOSSES = ("log_loss", "brier", "rmse", "mae")
"""Less is better, and how much is much depends on the data: a margin is a share of what it is compared with."""
ERRORS = (*LOSSES, "calibration_error")
"""Less is better."""
MAIN = ("auc", "accuracy", "rmse")
"""What a model is told by: the first of these that is measured."""
