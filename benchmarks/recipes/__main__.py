"""Every recipe on every kind of label: is it published, and if not, does the refusal say what to do?

`python -m benchmarks.recipes PYTHON [RECIPE …]`: PYTHON is the interpreter of an environment with the libraries.
"""

import json
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.capture import Capture
from unit.training.harness import Pod
from unit.training.recipes import CLASSES, prepare, publish

RESULTS = Path(__file__).parents[1] / "results" / "recipes.json"
BOOSTERS = ("xgboost_model", "lightgbm_model", "catboost_model", "keras_model")
COUNTS = {
    "xgboost_model": "count:poisson",
    "lightgbm_model": "poisson",
    "catboost_model": "Poisson",
    "keras_model": "poisson",
}


@dataclass(frozen=True)
class Result:
    recipe: str
    label: str
    reason: str
    message: str


def run(python: str, recipe: str, kind: str, root: Path) -> Result:
    capture = Capture()
    arguments = [COUNTS[recipe]] if kind == "count" and recipe in COUNTS else []
    with redirect_stdout(capture.stream):
        pod = Pod(root / "pod", capture)
        try:
            ended = publish(pod, prepare(pod, kind), python, recipe, *arguments)
        except RuntimeError as error:
            return Result(recipe, kind, "TrainingFailed", str(error)[-300:])
    return Result(recipe, kind, ended.reason, ended.message)


def cases(only: list[str]) -> list[tuple[str, str]]:
    everything = [(recipe, kind) for recipe in (*BOOSTERS, "sklearn_defaults") for kind in (*CLASSES, "number")]
    everything += [("sklearn_columns", kind) for kind in (*CLASSES, "number")]
    everything += [(recipe, "count") for recipe in (*BOOSTERS, "sklearn_poisson")]
    return [case for case in everything if not only or case[0] in only]


def main() -> None:
    python, *only = sys.argv[1:]
    results = []
    for recipe, kind in cases(only):
        with tempfile.TemporaryDirectory() as folder:
            results.append(run(python, recipe, kind, Path(folder)))
        print(f"| {recipe} | {kind} | {results[-1].reason} | {results[-1].message} |", flush=True)
    if not only:
        RESULTS.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")


if __name__ == "__main__":
    main()
