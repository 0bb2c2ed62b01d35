"""Runs a recipe of examples/recipes as a training container would, and publishes what it leaves."""

import os
import subprocess
from pathlib import Path

from .harness import Ended, Pod, ingest_report, train_task
from .sets import labelled

RECIPES = Path(__file__).parents[3] / "examples" / "recipes"
CLASSES = ("text, two", "text, three", "integer, two", "integer, three", "integer from 1", "yes and no", "boolean")


def prepare(pod: Pod, kind: str) -> str:
    """Ingest and fetch a set of `labelled`; returns the dataset's digest."""
    pod.csv(labelled(kind))
    task = None if kind in CLASSES else "regression"
    digest = ingest_report(pod.ingest(label="y", id=None, task=task)).manifest
    assert pod.step("fetch", train_task(pod.url, digest)).code == 0
    return digest


def publish(pod: Pod, digest: str, python: str, recipe: str, *arguments: str) -> Ended:
    folders = {"MODELWARD_INPUT": str(pod.paths.input), "MODELWARD_OUTPUT": str(pod.paths.output)}
    quiet = {"PYTHONWARNINGS": "ignore", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    for left in pod.paths.output.iterdir():
        left.unlink()
    trained = subprocess.run(
        [python, str(RECIPES / f"{recipe}.py"), *arguments],
        env=os.environ | folders | quiet,
        capture_output=True,
        text=True,
        check=False,
    )
    if trained.returncode:
        raise RuntimeError(f"{recipe}: {trained.stderr[-2000:]}")
    return pod.step("publish", train_task(pod.url, digest, estimator=None))
