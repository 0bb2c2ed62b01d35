"""The steps as processes: exit codes, the termination message, and SIGTERM in the middle of native code."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from modelward_contracts.reports import Termination
from modelward_contracts.tasks import TASK_DIR, TASK_FILE
from modelward_contracts.wire import canonical, decode

from .harness import Pod, ingest_task
from .sets import things

OPERATOR = Path(__file__).parents[3] / "operator"


def started(pod: Pod, *arguments: str) -> subprocess.Popen[bytes]:
    env = {
        **os.environ,
        "PYTHONPATH": str(OPERATOR),
        "MODELWARD_ROOT": str(pod.root),
        "MODELWARD_TERMINATION_LOG": str(pod.root / "termination-log"),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "modelward_training", *arguments],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(pod: Pod) -> Termination:
    return decode((pod.root / "termination-log").read_bytes(), Termination)


def test_step_without_a_task_ends_with_one_and_says_so(pod: Pod) -> None:
    process = started(pod, "fetch")
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert ended(pod).reason == "InvalidTask"


def test_unknown_step_prints_the_steps(pod: Pod) -> None:
    process = started(pod, "bake")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"ingest" in errors


def test_sigterm_in_the_middle_of_a_query_ends_at_once_and_is_retried(pod: Pod) -> None:
    pod.csv(things())
    task = ingest_task(
        pod.url, prepare_sql="SELECT s.*, (SELECT count(*) FROM range(3000000000000)) AS n FROM source s"
    )
    (pod.paths.at(TASK_DIR) / TASK_FILE).write_bytes(canonical(task))
    with started(pod, "ingest") as process:
        assert process.stdout is not None
        while b"reading" not in process.stdout.readline():
            assert process.poll() is None
        time.sleep(0.5)  # any moment is right; the query would take minutes
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 75
    assert (ended(pod).reason, ended(pod).retryable) == ("Terminated", True)
    assert not [path for path in (pod.root / "store").rglob("*") if path.is_file()]
