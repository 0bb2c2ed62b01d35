"""`helm test`: applies a real Dataset, waits until the operator has made a version of it, and takes both away again."""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ROOT = "https://kubernetes.default.svc/apis/modelward.dev/v1alpha1/namespaces/" + os.environ["TARGET_NAMESPACE"]
SECONDS = 240


def call(method: str, path: str, body: Any = None) -> Any:
    """The answer of the API server; None where the object is not there."""
    token = (ACCOUNT / "token").read_text()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{ROOT}/{path}", data, headers, method=method)  # noqa: S310 — the scheme is in ROOT
    context = ssl.create_default_context(cafile=ACCOUNT / "ca.crt")
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise SystemExit(f"{method} {path}: {error.read().decode()}") from None


def wait_until_ready(path: str) -> Any:
    """The status, once Ready; what is said on the way is printed."""
    said, deadline = "", time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        status = call("GET", path)["status"]
        ready = next(c for c in status["conditions"] if c["type"] == "Ready")
        if said != (said := f"Ready={ready['status']} {ready['reason']}: {ready['message']}"):
            print(said, flush=True)
        if ready["status"] == "True":
            return status
        time.sleep(1)
    raise SystemExit(f"not ready within {SECONDS} s: {said}")


def main() -> None:
    dataset = json.loads(sys.argv[1])
    path = f"datasets/{dataset['metadata']['name']}"
    call("POST", "datasets", dataset)
    try:
        status = wait_until_ready(path)
        call("DELETE", f"datasetversions/{status['latestVersion']['name']}")
    finally:
        call("DELETE", path)


main()
