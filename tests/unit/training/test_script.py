"""Scripts as a run's pod runs them, through the real publish: the helper's exports, failures, and hostile ones."""

import os
import runpy
import subprocess
import sys
import warnings
from pathlib import Path
from textwrap import dedent

import msgspec
import pytest
import yaml

from modelward_contracts.reports import PREFIX, Progress
from modelward_contracts.wire import decode, sha256
from modelward_training.publish.job import inputs_hash

from .harness import Ended, Pod, ingest_report, publish_report, train_task
from .recipes import CLASSES
from .sets import labelled, things

REPOSITORY = Path(__file__).parents[3]
TYPED = """
import modelward_script
from {module} import {model}
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

run = modelward_script.read()
encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
model = make_pipeline(
    make_column_transformer((encode, run.texts), remainder="passthrough"),
    {model}(n_estimators=run.parameters["trees"], random_state=run.seed, n_jobs=1),
)
model.fit(run.x, run.{y})
run.write(model)
"""
PLAIN = """
import modelward_script
from {module} import {model}

run = modelward_script.read()
run.write({model}(n_estimators=20, random_state=run.seed, n_jobs=1).fit(run.x, run.{y}))
"""


class Script:
    """Runs scripts as the container `train` does, on a set of `labelled`, or on columns of every type."""

    def __init__(self, pod: Pod) -> None:
        self.pod = pod

    def data(self, kind: str | None = None) -> None:
        self.pod.csv(labelled(kind) if kind else things())
        task = None if kind is None or kind in CLASSES else "regression"
        found = {"label": "y", "id": None, "task": task} if kind else {}
        self.digest = ingest_report(self.pod.ingest(**found)).manifest
        assert self.pod.step("fetch", train_task(self.pod.url, self.digest, parameters={"trees": 25})).code == 0

    def run(self, text: str, **files: str) -> "subprocess.CompletedProcess[str]":
        """In a process of its own, as the container does."""
        file = self._file(text, **files)
        return subprocess.run(
            [sys.executable, "-m", "modelward_script", str(file)],
            cwd=file.parent,
            env=os.environ | self._environment | {"PYTHONPATH": str(REPOSITORY / "operator")},
            capture_output=True,
            text=True,
            check=False,
        )

    def published(self, text: str) -> Ended:
        """In this process, which has imported all by now."""
        file = self._file(text)
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn their users, not us
            for name, value in self._environment.items():
                patch.setenv(name, value)
            runpy.run_path(str(file), run_name="__main__")
        return self.publish()

    @property
    def _environment(self) -> dict[str, str]:
        folders = {"MODELWARD_INPUT": str(self.pod.paths.input), "MODELWARD_OUTPUT": str(self.pod.paths.output)}
        return folders | {"MODELWARD_SEED": "7", "PYTHONDONTWRITEBYTECODE": "1"}

    def _file(self, text: str, **files: str) -> Path:
        folder = self.pod.paths.script
        folder.mkdir(exist_ok=True)
        for name, content in {"train": text, **files}.items():
            (folder / f"{name}.py").write_text(dedent(content).lstrip("\n"))
        return folder / "train.py"

    def publish(self) -> Ended:
        return self.pod.step("publish", train_task(self.pod.url, self.digest, estimator=None))


@pytest.fixture
def script(pod: Pod) -> Script:
    return Script(pod)


@pytest.mark.parametrize(
    ("module", "model"),
    [("sklearn.ensemble", "RandomForest"), ("lightgbm", "LGBM"), ("xgboost", "XGB")],
)
@pytest.mark.parametrize("kind", ["text, three", "integer from 1", "boolean", "number"])
def test_estimator_fitted_to_the_frame_is_published(script: Script, module: str, model: str, kind: str) -> None:
    script.data(kind)
    model += "Classifier" if kind in CLASSES else "Regressor"
    y = "numbered" if model == "XGBClassifier" else "y"
    report = publish_report(script.published(PLAIN.format(module=module, model=model, y=y)))
    assert [(tensor.name, tensor.datatype) for tensor in report.signature.inputs] == [(c, "FP32") for c in "abc"]
    assert report.parity["p99_difference"] < 1e-4
    assert (report.metrics["auc"] if kind in CLASSES else report.metrics["r2"] + 0.3) > 0.8


@pytest.mark.parametrize(
    ("module", "model", "y"),
    [
        ("lightgbm", "LGBMClassifier", "y"),
        ("xgboost", "XGBClassifier", "numbered"),
    ],
)
def test_pipeline_of_text_and_names_that_are_no_identifiers_is_published(
    script: Script, module: str, model: str, y: str
) -> None:
    script.data()
    report = publish_report(script.published(TYPED.format(module=module, model=model, y=y)))
    inputs = {tensor.name: tensor.datatype for tensor in report.signature.inputs}
    numbers = dict.fromkeys(["speed (km/h)", "gusts", "seats", "full"], "FP32")
    assert inputs == numbers | {"carrier": "BYTES", "to": "BYTES"}
    assert report.parity["label_mismatch"] == 0
    assert report.metrics["auc"] > 0.8


def test_missing_values_that_an_export_would_lose_are_told(script: Script) -> None:
    script.data()
    with pytest.raises(ValueError, match="put a SimpleImputer before it"):
        script.published(TYPED.format(module="sklearn.ensemble", model="ExtraTreesClassifier", y="y"))


def test_example_is_published(script: Script) -> None:
    dataset, (config_map, run) = (
        list(yaml.safe_load_all((REPOSITORY / "examples" / "breast-cancer" / f"{name}.yaml").read_text()))
        for name in ("dataset", "script")
    )
    script.pod.csv(dataset[0]["spec"]["source"]["inline"]["data"])
    label = dataset[0]["spec"]["columns"]["label"]
    script.digest = ingest_report(script.pod.ingest(label=label, id=None)).manifest
    task = train_task(script.pod.url, script.digest, parameters=run["spec"]["parameters"])
    assert script.pod.step("fetch", task).code == 0
    report = publish_report(script.published(config_map["data"]["train.py"]))
    assert report.metrics["auc"] > run["spec"]["gates"][0]["minimum"]


def test_text_of_a_config_map_is_stored_and_checked(script: Script) -> None:
    script.data("text, two")
    assert script.published(GOOD).code == 0
    path, task = script.pod.paths.script_text, train_task(script.pod.url, script.digest, estimator=None)
    path.write_text(GOOD)
    pinned = msgspec.structs.replace(task, script=sha256(GOOD.encode()))
    model = script.pod.model(script.pod.step("publish", pinned))
    assert model.script
    assert script.pod.store.get_bytes(model.script.digest) == GOOD.encode()
    assert model.inputs_hash == inputs_hash(pinned) != inputs_hash(task)
    path.write_text("print('another')")
    refused = script.pod.step("fetch", pinned)
    assert (refused.code, refused.reason) == (1, "ScriptChanged")


def test_seed_and_parameters_are_the_runs_and_progress_is_told(script: Script) -> None:
    script.data()
    done = script.run("""
        import modelward_script
        run = modelward_script.read()
        modelward_script.progress("half", 0.5, auc=0.9, seed=run.seed, trees=run.parameters["trees"])
    """)
    line = decode(done.stdout.removeprefix(PREFIX), Progress)
    assert line == Progress(message="half", fraction=0.5, metrics={"auc": 0.9, "seed": 7, "trees": 25})


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("import helper\nhelper.fit()", "helper.py, line 2: ValueError: no such column"),
        ("x = (1,\n", "train.py, line 1: SyntaxError: '(' was never closed"),
        (
            "import nothing_of_that_name",
            "train.py, line 1: ModuleNotFoundError: No module named 'nothing_of_that_name'",
        ),
        ("import json\n\njson.loads('{')", "train.py, line 3: JSONDecodeError: Expecting property name"),
        ("raise RuntimeError", "train.py, line 1: RuntimeError"),
        ("raise RuntimeError('two\\nlines')", "train.py, line 1: RuntimeError: two lines"),
        ("import broken", "broken.py, line 1: SyntaxError: invalid syntax"),
    ],
)
def test_failure_ends_the_log_with_its_place_and_reason(script: Script, text: str, last: str) -> None:
    done = script.run(text, helper="def fit():\n    raise ValueError('no such column')", broken="a b")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[-1].startswith(last), done.stderr
    assert "modelward_script" not in done.stderr
    assert "runpy" not in done.stderr


def test_exit_code_is_the_scripts(script: Script) -> None:
    assert script.run("import sys; sys.exit(3)").returncode == 3
    assert script.run("").returncode == 0


# What a hostile script may do that is seen in what it leaves; the rest is impossible in its container: test_job.py.
GOOD = PLAIN.format(module="sklearn.ensemble", model="RandomForestClassifier", y="y")
HOSTILE = {
    "wrong predictions": ("ParityFailed", "frame['prediction'] = frame['prediction'].sample(frac=1).to_numpy()"),
    "predictions for other rows": ("InvalidPredictions", "frame[ids] += 100_000"),
    "predictions for fewer rows": ("InvalidPredictions", "frame = frame.head(10)"),
    "a broken model": ("InvalidModel", "onnx.write_bytes(onnx.read_bytes()[:1000])"),
    "a pickle in its place": ("InvalidModel", "import pickle; onnx.write_bytes(pickle.dumps(frame))"),
    "a huge model": ("InvalidOutput", "import os; os.truncate(onnx, 1 << 40)"),
    "a link in its place": ("InvalidOutput", "onnx.unlink(); onnx.symlink_to('/etc/passwd')"),
    "nothing": ("NoModel", "onnx.unlink()"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_wrong_is_not_published(script: Script, case: str) -> None:
    reason, change = HOSTILE[case]
    script.data("text, two")
    ended = script.published(f"""{GOOD}
import pandas
onnx, ids = run.target / "model.onnx", run.dataset.id
frame = pandas.read_parquet(run.target / "predictions.parquet")
{change}
frame.to_parquet(run.target / "predictions.parquet")
""")
    assert (ended.code, ended.reason) == (1, reason), ended
    assert ended.termination.report is None


def test_metrics_that_a_script_claims_are_not_the_versions(script: Script) -> None:
    script.data("text, three")
    lie = 'modelward_script.progress("done", 1, auc=1.0, accuracy=1.0)\n'
    report = publish_report(script.published(GOOD.replace("n_estimators=20", "n_estimators=1") + lie))
    assert 0.4 < report.metrics["accuracy"] < 0.99


def test_labels_of_held_out_rows_are_nowhere_to_be_read(script: Script) -> None:
    script.data()
    done = script.run("""
        import os, pathlib, modelward_script
        run = modelward_script.read()
        print(sorted(p.name for p in run.source.iterdir()), [run.dataset.label in run.raw(s) for s in
              ("train", "validation", "test")])
    """)
    files = ["dataset.json", "params.json", "test.parquet", "train.parquet", "validation.parquet"]
    assert done.stdout.strip() == f"{files} {[True, False, False]}", done.stderr
