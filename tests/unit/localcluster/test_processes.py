"""A node's processes are found by what they were started with, and only those."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localcluster import processes

_SLEEP = "import time; time.sleep(60)"
Process = subprocess.Popen[bytes]
Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Process] = []

    def run(*words: str) -> Process:
        started.append(process := subprocess.Popen([sys.executable, "-c", _SLEEP, *words]))
        # It is started a moment before the kernel shows what with.
        deadline = time.monotonic() + 10
        while words and words[-1].encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes():
            assert time.monotonic() < deadline
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


def test_node_is_found_by_its_folder_and_killed(start: Start, tmp_path: Path) -> None:
    process = start(processes.INIT, str(tmp_path))
    assert processes.node(tmp_path) == [process.pid]
    processes.kill_node(tmp_path)
    assert process.wait(10) == -signal.SIGKILL


def test_node_whose_folder_only_begins_alike_is_another(start: Start, tmp_path: Path) -> None:
    start(processes.INIT, f"{tmp_path}2")
    assert processes.node(tmp_path) == []
    assert processes.below(tmp_path) == []


def test_component_is_below_its_cluster_and_a_user_of_the_kubeconfig_is_not(start: Start, tmp_path: Path) -> None:
    component = start(f"--config={tmp_path}/etc/kubelet.json")
    start(f"--kubeconfig={tmp_path}/admin.kubeconfig")
    assert processes.below(tmp_path) == [component.pid]
