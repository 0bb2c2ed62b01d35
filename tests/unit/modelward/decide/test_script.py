"""The script of a run: waited for, taken once, and told for good in the run and in its version."""

from typing import Any

import pytest

from modelward.clients.fake import Crash
from modelward.decide.source_secret import USE
from modelward_contracts.reports import PublishReport, Termination
from modelward_contracts.tasks import SCRIPT_FILE, Commit, TrainTask
from modelward_contracts.wire import canonical, decode, sha256

from .test_training_run import prepare, ready
from .workshop import API, NAMESPACE, RUNNING, Workshop, ended, publish_report

OF_MAP = {"configMap": {"name": "fit"}}
GIT = {"url": "https://git.example.com/a.git", "revision": "main", "path": "fit/train.py"}
COMMIT = Commit(commit="3f2a" * 10, branch=True)


@pytest.fixture
async def workshop() -> Workshop:
    """With a dataset that is Ready."""
    workshop = Workshop()
    await prepare(workshop)
    return workshop


def put(workshop: Workshop, name: str = "fit", **data: str) -> None:
    files = {f"{key}.py": text for key, text in data.items()}
    metadata = {"name": name, "namespace": NAMESPACE}
    workshop.kube.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": files})


def task(workshop: Workshop) -> tuple[TrainTask, str | None]:
    data = workshop.get("ConfigMap", workshop.job())["data"]
    return decode(data["task.json"], TrainTask), data.get(SCRIPT_FILE)


def pinned(workshop: Workshop) -> dict[str, Any]:
    found: dict[str, Any] = workshop.status("TrainingRun", "flights-a")["script"]
    return found


async def test_script_is_copied_when_the_run_starts_and_an_edit_changes_nothing(workshop: Workshop) -> None:
    put(workshop, train="one")
    workshop.run(script=OF_MAP)
    await workshop.settle()
    for _ in range(2):
        found, text = task(workshop)
        assert (found.script, found.image, text) == (sha256(b"one"), "training:1", "one")
        expected = {"image": "training:1", "configMap": "fit", "key": "train.py", "digest": sha256(b"one")}
        assert pinned(workshop) == expected
        put(workshop, train="two")
        await workshop.settle()
    workshop.succeed(publish_report())
    await workshop.settle()
    assert workshop.get("ModelVersion", "flights-1")["spec"]["lineage"]["script"] == expected


async def test_job_that_was_taken_away_runs_the_script_that_it_ran(workshop: Workshop) -> None:
    put(workshop, train="one")
    workshop.run(script=OF_MAP)
    await workshop.settle()
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, workshop.job())
    put(workshop, train="two")
    await workshop.settle()
    assert (task(workshop)[1], pinned(workshop)["digest"]) == ("one", sha256(b"one"))


@pytest.mark.parametrize("nth", range(1, 7))
async def test_edit_while_the_operator_is_away_never_mixes(workshop: Workshop, nth: int) -> None:
    """Killed at each write of the start: what runs, what the run says and what its task says stay one text."""
    put(workshop, train="one")
    workshop.run(script=OF_MAP)
    workshop.kube.crash_before(nth)
    try:
        await workshop.settle()
    except Crash:
        put(workshop, train="two")
    workshop.kube.recover()
    await workshop.settle()
    found, text = task(workshop)
    assert text
    assert found.script == pinned(workshop)["digest"] == sha256(text.encode())


@pytest.mark.parametrize(
    ("script", "data", "said"),
    [
        (OF_MAP, None, "the ConfigMap fit does not exist in this namespace: create it"),
        (OF_MAP, {}, "the ConfigMap fit should have one key that ends with .py, and has none"),
        (OF_MAP, {"a": "", "b": ""}, "one key that ends with .py, and has several: a.py, b.py"),
        (
            {"configMap": {"name": "fit", "key": "train.py"}},
            {"fit": ""},
            "the ConfigMap fit has no key train.py; Python files there: fit.py",
        ),
    ],
)
async def test_script_that_is_missing_is_told_and_looked_for_again(
    workshop: Workshop, script: dict[str, Any], data: dict[str, str] | None, said: str
) -> None:
    if data is not None:
        put(workshop, **data)
    workshop.run(script=script)
    await workshop.settle()
    status, reason, message = ready(workshop)
    assert (status, reason, workshop.names("Job")) == ("False", "ScriptNotFound", [])
    assert said in message
    assert workshop.events()[-1] == "Warning ScriptNotFound"
    assert await workshop.look_at("TrainingRun", "flights-a") == 5
    put(workshop, train="one")
    await workshop.settle()
    assert task(workshop)[1] == "one"


async def test_script_that_is_too_large_or_no_text_is_told(workshop: Workshop) -> None:
    put(workshop, train="#" * 600_000)
    workshop.run(script=OF_MAP)
    await workshop.settle()
    assert ready(workshop)[:2] == ("False", "ScriptTooLarge")
    metadata = {"name": "fit", "namespace": NAMESPACE}
    binary = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "binaryData": {"train.py": "/w=="}}
    workshop.kube.put(binary)
    workshop.run("flights-b", script={"configMap": {"name": "fit", "key": "train.py"}})
    await workshop.settle()
    assert "train.py of the ConfigMap fit is no text in UTF-8" in ready(workshop, "flights-b")[2]


async def test_secret_of_a_repository_is_used_if_it_is_labelled_for_that(workshop: Workshop) -> None:
    workshop.run(script={"git": GIT | {"secretName": "reader"}})
    await workshop.settle()
    assert ready(workshop)[1] == "SourceSecretNotFound"
    assert "correct spec.script.git.secretName" in ready(workshop)[2]
    for use, reason in (("store", "SourceSecretNotLabelled"), ("source", "Starting")):
        metadata = {"name": "reader", "namespace": NAMESPACE, "labels": {USE: use}}
        workshop.kube.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {}})
        await workshop.settle()
        assert ready(workshop)[1] == reason
    found, text = task(workshop)
    assert (found.git and found.git.secret, text) == ("reader", None)


async def test_commit_is_told_once_it_is_fetched_and_is_the_versions(workshop: Workshop) -> None:
    workshop.run(script={"git": GIT})
    await workshop.settle()
    assert "commit" not in pinned(workshop)
    said = Termination(result="Succeeded", reason="Fetched", message="", commit=COMMIT)
    workshop.pod(workshop.job(), {"fetch": ended(0, canonical(said).decode()), "train": RUNNING, "publish": {}})
    await workshop.settle()
    expected = {"image": "training:1", **GIT, "commit": COMMIT.commit}
    assert pinned(workshop) == expected
    report = publish_report()
    fields = {name: getattr(report, name) for name in report.__struct_fields__}
    workshop.succeed(PublishReport(**fields | {"commit": COMMIT}))
    await workshop.settle()
    assert workshop.get("ModelVersion", "flights-1")["spec"]["lineage"]["script"] == expected
    assert pinned(workshop) == expected


async def test_failed_script_is_told_by_its_last_line(workshop: Workshop) -> None:
    put(workshop, train="one")
    workshop.run(script=OF_MAP)
    await workshop.settle()
    workshop.fail("train", ended(1, "Traceback …\ntrain.py, line 3: ValueError: no such column"))
    await workshop.settle()
    status, reason, message = ready(workshop)
    assert (status, reason) == ("False", "TrainFailed")
    assert "exited with code 1: train.py, line 3: ValueError: no such column; see kubectl logs" in message


async def test_edited_script_of_a_registered_model_is_a_cause(workshop: Workshop) -> None:
    metadata = {"name": "flights", "namespace": NAMESPACE}
    run = {"datasetRef": {"name": "flights"}, "script": OF_MAP}
    workshop.kube.put({"apiVersion": API, "kind": "RegisteredModel", "metadata": metadata, "spec": {"run": run}})
    await workshop.settle()
    found = workshop.condition("RegisteredModel", "flights")
    assert found
    assert (found[:2], workshop.names("TrainingRun")) == (("Unknown", "ScriptNotFound"), [])
    put(workshop, train="one")
    await workshop.settle()
    (first,) = workshop.names("TrainingRun")
    workshop.succeed(publish_report())
    await workshop.settle()
    assert await workshop.look_at("RegisteredModel", "flights") == 60
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, workshop.job())
    put(workshop, train="two")
    await workshop.settle()
    (second,) = (name for name in workshop.names("TrainingRun") if name != first)
    cause = workshop.get("TrainingRun", second)["spec"]["cause"]
    assert (cause["type"], cause["message"]) == ("Definition", "spec.run or its script was changed")
