"""What is known of a model beyond its metrics: slices, baselines, importance, and what its gates say of all that.

The test rows are measured once, for this model; simpler models and what serves are run on the same rows to compare.
"""

from dataclasses import dataclass
from pathlib import Path

from msgspec import UNSET

from modelward_contracts.manifests import DatasetManifest, ModelManifest
from modelward_contracts.reports import BaselineResult, CalibrationBin, EvaluationRecord
from modelward_contracts.store import Store
from modelward_contracts.tasks import Evaluation, TrainTask
from modelward_training.outcome import progress

from . import baselines, importance, metrics, slices
from .gates import Evidence, judge
from .metrics import Answers, told
from .serving import Opponent, in_service


@dataclass(frozen=True)
class Evaluated:
    record: EvaluationRecord
    notes: list[str]


def asked(task: TrainTask) -> Evaluation:
    return Evaluation() if task.evaluation is UNSET else task.evaluation


def evaluate(
    task: TrainTask,
    store: Store,
    dataset: DatasetManifest,
    folder: Path,
    manifest: ModelManifest,
    answers: Answers,
    costs: dict[str, float],
) -> Evaluated:
    """`folder`: train.parquet, test.parquet, dataset.json, and what the examining process left. `answers`: of the test
    rows."""
    wanted = asked(task)
    simpler = _baselines(wanted, dataset, folder, manifest, answers, task.seed)
    serving = _serving(task, store, dataset, folder, answers)
    found = slices.measured(wanted.slices, dataset, folder, answers)
    columns = importance.measured(folder, manifest.signature, answers)
    evidence = Evidence(answers, metrics.measure(answers), costs, found, simpler[-1], serving)
    record = EvaluationRecord(
        metrics=told(evidence.measured),
        slices=found,
        baselines=[
            BaselineResult(name=one.name, metrics=told(one.measured))  # type: ignore[arg-type]  # of two
            for one in simpler
            if one.answers
        ],
        importance=columns,
        calibration=_calibration(answers),
        gates=judge(task.gates, evidence),
    )
    notes = [one.note for one in serving] + [f"no linear baseline: {one.why}" for one in simpler if one.why]
    if wanted.importance_rows and len(columns) < len(manifest.signature.inputs):
        notes.append(
            f"importance of {len(columns)} columns of {len(manifest.signature.inputs)}: time was up, or the model gave "
            "no number where the others were shuffled"
        )
    return Evaluated(record, [note for note in notes if note])


def _baselines(
    wanted: Evaluation,
    dataset: DatasetManifest,
    folder: Path,
    manifest: ModelManifest,
    answers: Answers,
    seed: int,
) -> list[Opponent]:
    """The last one is what gates mean by Baseline."""
    found = [Opponent("Trivial", baselines.trivial(dataset, folder / "train.parquet", answers.truth))]
    if wanted.baseline == "Linear":
        progress("fitting a linear baseline", 0.85)
        try:
            line = baselines.linear(dataset, manifest.signature, folder, answers.truth, seed)
            found.append(Opponent("Linear", line))
        except ValueError as error:  # scikit-learn's, of values that it does not take
            found.append(Opponent("Linear", why=(str(error).splitlines() or [""])[0][:200]))
    return found


def _serving(task: TrainTask, store: Store, dataset: DatasetManifest, folder: Path, answers: Answers) -> list[Opponent]:
    named = [] if task.serving is UNSET else task.serving
    found = []
    for one in named:
        progress(f"running {one.version}, which is in service, on the same test rows", 0.9)
        found.append(in_service(store, one, dataset, folder, answers.truth))
    return found


def _calibration(answers: Answers) -> list[CalibrationBin]:
    if answers.probabilities is None:
        return []
    return [CalibrationBin(rows=rows, said=said, found=share) for rows, said, share in metrics.calibration(answers)]
