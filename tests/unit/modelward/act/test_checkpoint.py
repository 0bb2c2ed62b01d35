"""The fault that tests inject is out of reach in production, and hits where it is told to."""

import subprocess
import sys

import pytest

from modelward.checkpoint import from_environment, no_checkpoint

SCRIPT = """
import os
from modelward.checkpoint import from_environment
reach = from_environment(os.environ)
for verb, kind in [("create", "Job"), ("status", "Dataset"), ("create", "Job"), ("create", "Pod")]:
    reach(verb, kind)
    print(verb, kind, flush=True)
"""


def test_environment_without_fault_has_no_checkpoint() -> None:
    assert from_environment({}) is no_checkpoint


def test_fault_that_was_not_enabled_is_refused() -> None:
    with pytest.raises(ValueError, match="for tests"):
        from_environment({"MODELWARD_FAULT_CRASH_BEFORE": "create Job 1"})


def test_process_dies_just_before_the_named_write() -> None:
    environment = {
        "MODELWARD_FAULT_CRASH_BEFORE": "create Job 2",
        "MODELWARD_FAULTS": "enabled",
        "PYTHONPATH": "operator",
    }

    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.splitlines()) == (137, ["create Job", "status Dataset"])
