"""The operator beside hundreds and thousands of deployments: `python -m benchmarks.operator` (`--quick`).

For each size: all applied at once; edits; rest; and a new operator's start beside what is there. Needs root, or user
namespaces. The API server, etcd, the controllers and the pods' stub share the machine with the operator, so wall times
are an upper bound; CPU is the operator's alone.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from api.client import establish, our_crds
from api.engine_operator import Operator
from benchmarks.operator import measures, objects
from benchmarks.operator.client import Client
from benchmarks.operator.kubernetes import Kubernetes, enter_a_network_of_our_own, node
from benchmarks.operator.process import Writes, memory_mib
from benchmarks.serving.report import machine
from localcluster import paths

RESULT = paths.REPOSITORY / "benchmarks/results/operator.json"
SETTINGS = {"MODELWARD_STORE_URL": "s3://models", "MODELWARD_STORE_COLLECTION": '{"schedule": ""}'}
"""Stores are looked through once a day, with a Job in each namespace: not what is measured here."""


def main() -> None:
    arguments = _arguments()
    enter_a_network_of_our_own()
    sizes = arguments.sizes or ([100] if arguments.quick else [100, 1000, 5000])
    seconds = arguments.seconds or (60 if arguments.quick else 300)
    for size in sizes:
        found = asyncio.run(measured(size, seconds, arguments.edits))
        print(json.dumps({size: found}, indent=1), flush=True)
        if not arguments.quick:
            keep(size, found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operator", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 deployments, a minute of rest, no result file")
    parser.add_argument("--sizes", type=int, nargs="*", help="numbers of deployments")
    parser.add_argument("--seconds", type=int, help="of rest")
    parser.add_argument("--edits", type=int, default=200)
    return parser.parse_args()


async def measured(size: int, seconds: int, edits: int) -> measures.Result:
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="modelward-scale-") as name:
        folder = Path(name)
        with Kubernetes(folder / "control-plane") as kubernetes, _scoring_pods(kubernetes):
            establish(kubernetes, our_crds())
            async with Client(kubernetes) as client:
                await _prepared(client, size)
                found = await _life(client, kubernetes, folder, size, seconds, edits)
    return found | {"load_average": {"before": [round(each, 2) for each in load], "after": os.getloadavg()}}


async def _prepared(client: Client, size: int) -> None:
    """A node, namespaces and models."""
    await client.send("POST", "/api/v1/nodes", node())  # its status goes in with it, and kwok adds to it at once
    await client.patch("/api/v1/nodes/everywhere", {"spec": {"taints": None}})
    await client.create_all(objects.namespaces(size))
    await client.create_all(objects.versions(size))


async def _life(
    client: Client, kubernetes: Kubernetes, folder: Path, size: int, seconds: int, edits: int
) -> measures.Result:
    writes = Writes(kubernetes.audit_log)
    with Operator(kubernetes.kubeconfig, folder, real=True, **SETTINGS) as operator:
        operator.wait_until_watching()
        await measures.at_rest(writes)  # with the versions
        said = {"apply": await measures.applied(client, operator, writes, size)}
        say(size, said)
    measures.forget()
    began = time.monotonic()
    with Operator(kubernetes.kubeconfig, folder, real=True, **SETTINGS) as operator:
        operator.wait_until_watching()
        said["start"] = await measures.started(operator, writes, size, began)
        say(size, said)
        said["rest"] = await measures.rested(operator, writes, seconds)
        say(size, said)
        said["edit"] = await measures.edited(client, size, edits)
        await measures.at_rest(writes)
        said["end"] = {"memory_mib": memory_mib(operator.process.pid)}
        if errors := operator.log.count('"level": "error"'):
            said["end"]["errors_logged"] = errors
    return said


def say(size: int, said: measures.Result) -> None:
    name = list(said)[-1]
    print(f"{size} {name}: {json.dumps(said[name])}", file=sys.stderr, flush=True)


@contextmanager
def _scoring_pods(kubernetes: Kubernetes) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.operator.scoring_pods", str(kubernetes.folder), kubernetes.url]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def keep(size: int, found: measures.Result) -> None:
    """Beside the other sizes' results."""
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {"sizes": {}}
    kept |= {"date": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
    kept["sizes"] = dict(sorted((kept["sizes"] | {str(size): found}).items(), key=lambda item: int(item[0])))
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
