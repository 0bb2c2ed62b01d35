"""`python -m benchmarks.first_answer`: from `kubectl apply` of examples/breast-cancer to the first right answer.

On a node of its own, with the images loaded and the chart installed. Moments are those that Kubernetes recorded, in
whole seconds, so that each part is known to a second; apply and answer are taken by this process's clock.
"""

import argparse
import csv
import json
import os
import statistics
import time
from datetime import UTC, datetime

import httpx
import yaml

from benchmarks.moments import Moments, at, spans, statuses
from benchmarks.node import new_namespace, node
from benchmarks.serving.report import machine
from cluster.world import World
from localcluster import paths

EXAMPLE = paths.REPOSITORY / "examples/breast-cancer"
RESULT = paths.REPOSITORY / "benchmarks/results/first-answer.json"
NAME = "breast-cancer"
LIMIT_SECONDS = 180.0

WHOLE = "apply → first right answer"


def main() -> None:
    """Play it, show where the time went, write the result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_answer", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with node("bench") as world:
        parts_of_rounds = [spans(life(new_namespace(world, f"first-answer-{n}")), WHOLE) for n in range(rounds)]
    result = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "rounds": rounds,
        "seconds": {name: statistics.median(one[name] for one in parts_of_rounds) for name in parts_of_rounds[0]},
        "range": [pick(one[WHOLE] for one in parts_of_rounds) for pick in (min, max)],
    }
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(result, indent=1, ensure_ascii=False))


def life(world: World) -> Moments:
    """One, in a namespace of its own."""
    row, label = known_row()
    began = time.time()
    world.kubectl("apply", *(f"--filename={EXAMPLE / file}" for file in ("dataset.yaml", "model.yaml")))
    answered = world.wait("the first right answer", lambda: answer(world, row, label), LIMIT_SECONDS)
    moments = {"apply": began, **recorded(world), "answer": answered}
    world.kubectl("delete", "namespace", world.namespace)
    return moments


def known_row() -> tuple[dict[str, float], str]:
    """The first row of the example's data and its label."""
    dataset = yaml.safe_load((EXAMPLE / "dataset.yaml").read_text())
    row = next(csv.DictReader(dataset["spec"]["source"]["inline"]["data"].splitlines()))
    label = row.pop("diagnosis")
    return {column: float(value) for column, value in row.items()}, label


def answer(world: World, row: dict[str, float], label: str) -> float | None:
    """When a client of the Service got the right one, if it did."""
    service = world.get("service", NAME)
    right = service and says(f"http://{service['spec']['clusterIP']}/predict", row) == label
    return time.time() if right else None


def says(url: str, row: dict[str, float]) -> str | None:
    """The label, if anybody answers."""
    try:
        answer = httpx.post(url, json={"rows": [row]}, timeout=2, trust_env=False)
        return str(answer.json()["predictions"][0]["label"]) if answer.is_success else None
    except httpx.TransportError:
        return None


def recorded(world: World) -> Moments:
    """What Kubernetes wrote down."""
    pods = {pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod for pod in reversed(world.find("pods"))}
    ingest, training, scoring = pods["ingest"], pods["training"], pods["scoring"]
    steps = {step["name"]: step["state"]["terminated"] for step in statuses(training)}
    return {
        "ingest Job": at(ingest["metadata"]["creationTimestamp"]),
        "ingest done": at(statuses(ingest)[-1]["state"]["terminated"]["finishedAt"]),
        "training Job": at(training["metadata"]["creationTimestamp"]),
        **{f"{name} done": at(step["finishedAt"]) for name, step in steps.items()},
        "scoring pod": at(scoring["metadata"]["creationTimestamp"]),
        "scoring started": at(scoring["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]),
    }


if __name__ == "__main__":
    main()
