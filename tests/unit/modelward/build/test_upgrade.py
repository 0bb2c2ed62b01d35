"""An upgrade of the operator replaces no pod that serves."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import landed
from modelward.compare import same

from . import served_pods


def deployments_of(repository: Path) -> list[dict[str, Any]]:
    """As the operator in that folder builds them."""
    command = [sys.executable, served_pods.__file__]
    environment = {**os.environ, "PYTHONPATH": str(repository / "operator")}
    return list(json.loads(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout))


def test_pods_are_described_as_the_last_landed_operator_did() -> None:
    """Else all would be replaced, and their servers, of the image of then, be given options that they do not know.

    What a pod is to have from now on belongs to what a revision remembers, as `batching` and `limits` do.
    """
    before, now = deployments_of(landed.repository()), json.loads(json.dumps(served_pods.deployments()))
    differing = [(old, new) for old, new in zip(before, now, strict=True) if not same(old, new)]
    assert not differing, differing[0]
