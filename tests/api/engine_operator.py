"""The operator as a process against a real API server, with one made-up reconciler for every kind.

Each object gets a ConfigMap of its name, then Ready=True, then an Event: one write of each sort, so that what is tested
is the engine and not what the kinds decide.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from api.client import wait_until
from modelward.api import KINDS
from modelward.decide.conditions import set_condition
from modelward.decide.plan import Event, Key, Plan
from modelward.engine.loop import API, Reconciler
from modelward.handlers.operator import Cluster, run
from modelward.names import Manifest, labels, owned_by
from modelward.observe.world import World
from modelward.settings import Settings
from modelward.telemetry import logs

_MODELS = {model.NAMES.kind: model for model in KINDS}
_REPOSITORY = Path(__file__).parents[2]


async def observe(world: World, key: Key) -> Manifest | None:
    return await world.kube.get(API, key.kind, key.namespace, key.name)


def decide(found: Manifest, _: Settings, now: datetime) -> Plan:
    status, metadata = _MODELS[found["kind"]].model_validate(found).status, found["metadata"]  # type: ignore[attr-defined]
    conditions = set_condition(status.conditions, "Ready", "True", "Done", "", metadata["generation"], now)
    return Plan(
        status=status.model_copy(update={"conditions": conditions}),
        applies=(config_map(found),),
        events=() if status.is_true("Ready") else (Event("Normal", "Done", "everything is done"),),
    )


def config_map(owner: Manifest) -> Manifest:
    metadata = {name: owner["metadata"][name] for name in ("name", "namespace")}
    more = {"labels": labels("test"), "ownerReferences": [owned_by(owner)]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata | more, "data": {"kind": owner["kind"]}}


class Operator:
    """Started with `with`; killed at its end. `real`: with the reconcilers of production."""

    def __init__(self, kubeconfig: Path, folder: Path, *, real: bool = False, **environment: str) -> None:
        self._log = folder / "operator.log"
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{_REPOSITORY}/operator:{_REPOSITORY}/tests",
            "MODELWARD_TRAINING_IMAGE": "training",
            "MODELWARD_SCORING_IMAGE": "scoring",
            "MODELWARD_SIGNING_KEY_FILE": str(_signing_key(folder)),
            "MODELWARD_METRICS_PORT": "0",
            **environment,
        }
        module = ["modelward", "run"] if real else ["api.engine_operator"]
        self._command = [sys.executable, "-m", *module, "--kubeconfig", str(kubeconfig)]

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(self._command, env=self._environment, stderr=log)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)

    def wait_until_watching(self) -> None:
        wait_until(lambda: '"message": "watching' in self.log, f"the operator watches; it said {self.log}")

    def get(self, path: str) -> str:
        port = re.findall(r"metrics and health at port (\d+)", self.log)[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    def reconciles(self, kind: str) -> int:
        """Finished so far."""
        pattern = rf'controller_runtime_reconcile_total{{controller="{kind}",result="\w+"}} (\S+)'
        return int(sum(float(number) for number in re.findall(pattern, self.get("/metrics"))))


def writes(audit_log: Path, namespace: str) -> list[str]:
    """`verb path` of the operator's writes in one namespace, in their order."""
    whole_lines = audit_log.read_text().rpartition("\n")[0].splitlines()
    events: list[dict[str, Any]] = [json.loads(line) for line in whole_lines]
    return [
        f"{event['verb']} {event['requestURI'].partition('?')[0].partition(f'/{namespace}/')[2]}"
        for event in events
        if event.get("userAgent") == "modelward"
        and event.get("objectRef", {}).get("namespace") == namespace
        and event["stage"] == "ResponseComplete"
    ]


def _signing_key(folder: Path) -> Path:
    """The installation's, kept over a restart."""
    path = folder / "key.pem"
    if path.exists():
        return path
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem)
    return path


if __name__ == "__main__":
    logs.configure()
    everything = {kind: Reconciler(observe, decide) for kind in _MODELS}
    sys.exit(asyncio.run(run(Settings.from_environment(os.environ), Cluster(sys.argv[2]), everything)))
