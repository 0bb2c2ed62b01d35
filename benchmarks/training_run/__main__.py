"""`python -m benchmarks.training_run`: what a TrainingRun takes beyond a bare `python train.py`, and where it goes.

The same small model of the same data (examples/breast-cancer): a script of a TrainingRun, from `kubectl apply` until it
is registered, on a node of its own whose images are there; and train.py beside this file, by itself on this machine,
with its packages in the page cache. Moments are those that Kubernetes recorded, in whole seconds; apply and complete
are taken by this process's clock.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from benchmarks.moments import Moments, at, spans, statuses
from benchmarks.node import new_namespace, node
from benchmarks.serving.report import machine
from cluster.world import World
from localcluster import paths

EXAMPLE = paths.REPOSITORY / "examples/breast-cancer"
RESULT = paths.REPOSITORY / "benchmarks/results/training-run.json"
WHOLE = "apply → complete"
SCRIPT = """
import modelward_script
from lightgbm import LGBMClassifier

run = modelward_script.read()
run.write(LGBMClassifier(n_estimators=100, random_state=run.seed, verbose=-1).fit(run.x, run.y))
"""


def main() -> None:
    """Play it, show where the time went, write the result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    dataset = yaml.safe_load((EXAMPLE / "dataset.yaml").read_text())
    alone = [bare(dataset) for _ in range(rounds + 1)][1:]  # the first one fills the page cache
    with node("bench-run") as world:
        here = new_namespace(world, "runs")
        here.apply(dataset, script())
        here.wait_condition("dataset", "breast-cancer", "Ready", "True")
        moments = [trained(here, f"run-{n}", seed=n) for n in range(rounds + 1)]
    runs = [spans(each, WHOLE) for each in moments[1:]]  # the first one's pod is cold
    parts = {name: statistics.median(one[name] for one in runs) for name in runs[0]}
    whole = [one[WHOLE] for one in runs]
    result = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "rounds": rounds,
        "bare_seconds": spread(alone),
        "run_seconds": spread(whole),
        "overhead_seconds": round(statistics.median(whole) - statistics.median(alone), 1),
        "where": parts,
    }
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(result, indent=1, ensure_ascii=False))


def bare(dataset: dict[str, Any]) -> float:
    """Seconds of `python train.py`."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data.csv")
        data.write_text(dataset["spec"]["source"]["inline"]["data"])
        began = time.monotonic()
        train = Path(__file__).with_name("train.py")
        subprocess.run([sys.executable, train, data, Path(folder, "model.onnx")], check=True)
        return time.monotonic() - began


def script() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "training"}, "data": {"train.py": SCRIPT}}


def trained(world: World, name: str, seed: int) -> Moments:
    """One run. The seed makes it another than those before, whose results would be taken."""
    spec = {
        "modelName": "small",
        "datasetRef": {"name": "breast-cancer"},
        "script": {"configMap": {"name": "training"}},
    }
    kind = {"apiVersion": "modelward.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": name}}
    began = time.time()
    world.apply(kind | {"spec": spec | {"seed": seed}})
    world.kubectl("wait", "--for=condition=Complete", f"trainingrun/{name}", "--timeout=120s")
    complete = time.time()
    (pod,) = world.find("pods", f"modelward.dev/training-run={name},app.kubernetes.io/component=training")
    steps = {step["name"]: step["state"]["terminated"] for step in statuses(pod)}
    created = at(pod["metadata"]["creationTimestamp"])
    ended = {f"{step} done": at(state["finishedAt"]) for step, state in steps.items()}
    return {"apply": began, "pod": created, **ended, "complete": complete}


def spread(seconds: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(seconds), 1),
        "least": round(min(seconds), 1),
        "most": round(max(seconds), 1),
    }


if __name__ == "__main__":
    main()
