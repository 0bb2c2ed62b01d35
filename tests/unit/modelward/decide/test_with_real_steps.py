"""What the operator tells its Jobs, and what they answer: the steps themselves run on the tasks in the ConfigMaps."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelward.names import Manifest
from modelward_contracts.tasks import TASK_DIR

from .workshop import NAMESPACE, SETTINGS, Workshop, ended

ROWS = "id,distance,late\n" + "".join(f"r{i},{i},{int(i > 60)}\n" for i in range(120))


class Kubelet:
    """Runs the containers of a Job's pod, one after the other, below a folder of the pod's own."""

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        self._workshop, self._folder = workshop, folder

    def run(self, name: str) -> None:
        job, states, failed = self._workshop.get("Job", name), {}, False
        root = self._prepare(name)
        pod = job["spec"]["template"]["spec"]
        for container in [*pod["initContainers"], *pod["containers"]]:
            states[container["name"]] = state = self._start(container, root, name)
            failed = state["terminated"]["exitCode"] != 0
            if failed:
                break
        self._workshop.pod(name, states, phase="Failed" if failed else "Succeeded")
        self._workshop.finish(name, "Failed" if failed else "Complete", "PodFailurePolicy" if failed else "")

    def _prepare(self, name: str) -> Path:
        root = self._folder / name
        task = root / TASK_DIR.lstrip("/")
        task.mkdir(parents=True)
        (root / "work").mkdir()
        for file, text in self._workshop.get("ConfigMap", name)["data"].items():
            (task / file).write_text(text)
        return root

    def _start(self, container: Manifest, root: Path, name: str) -> dict[str, Any]:
        message = root / "termination-log"
        message.write_bytes(b"")
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "MODELWARD_ROOT": str(root),
            "MODELWARD_TERMINATION_LOG": str(message),
        }
        command = [sys.executable, *container["command"][1:]]
        done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=False)
        self._workshop.kube.logs[NAMESPACE, f"{name}-pod1", container["name"]] = done.stdout
        return ended(done.returncode, message.read_text())


@pytest.fixture
async def workshop(tmp_path: Path) -> Workshop:
    return Workshop(settings=SETTINGS.model_copy(update={"store_url": f"file://{tmp_path}/store"}))


async def test_data_becomes_a_version_and_the_version_a_model(workshop: Workshop, tmp_path: Path) -> None:
    kubelet = Kubelet(workshop, tmp_path)
    workshop.dataset(source={"inline": {"data": ROWS}})
    workshop.run(gates=[{"metric": "auc", "minimum": 0.5}])
    await workshop.settle()

    kubelet.run(workshop.job())
    await workshop.settle()
    dataset = workshop.condition("Dataset", "flights")
    assert dataset
    assert dataset[0] == "True"
    assert ": 120 rows of 1 file; the column 'distance' only counts" in dataset[2]

    kubelet.run(workshop.status("TrainingRun", "flights-a")["job"])
    await workshop.settle()
    run = workshop.condition("TrainingRun", "flights-a")
    assert run
    assert run[:2] == ("True", "Registered"), run
    verified = workshop.condition("ModelVersion", "flights-1", "Verified")
    assert verified
    assert verified[:2] == ("True", "GatesPassed")


async def test_lost_log_is_printed_again_from_the_store(workshop: Workshop, tmp_path: Path) -> None:
    kubelet = Kubelet(workshop, tmp_path)
    workshop.dataset(source={"inline": {"data": ROWS}})
    await workshop.settle()
    job = workshop.job()
    kubelet.run(job)
    workshop.kube.logs.clear()
    await workshop.settle()

    kubelet.run(f"{job}-report")
    await workshop.settle()

    dataset = workshop.condition("Dataset", "flights")
    assert dataset
    assert dataset[:2] == ("True", "Ingested")


async def test_missing_column_is_told_with_the_steps_own_words(workshop: Workshop, tmp_path: Path) -> None:
    workshop.dataset(source={"inline": {"data": ROWS}}, columns={"label": "lat", "id": "id"})
    await workshop.settle()

    Kubelet(workshop, tmp_path).run(workshop.job())
    await workshop.settle()

    dataset = workshop.condition("Dataset", "flights")
    assert dataset
    assert dataset[:2] == ("False", "ColumnMissing")
    assert "there is no column 'lat'" in dataset[2]
