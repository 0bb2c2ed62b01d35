"""`helm test`: applies a real Dataset, waits until the operator has made a version of it, and takes both away again, as
well as the namespace's store where there was none before."""

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
HOST, NAMESPACE = "https://kubernetes.default.svc", os.environ["TARGET_NAMESPACE"]
OURS = f"/apis/modelward.dev/v1alpha1/namespaces/{NAMESPACE}"
STORE = f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims/modelward-store"
SECONDS = 240


def call(method: str, path: str, body: Any = None) -> Any:
    """The answer of the API server; None where the object is not there."""
    token = (ACCOUNT / "token").read_text()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(HOST + path, data, headers, method=method)  # noqa: S310 — the scheme is in HOST
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
    path, had_store = f"{OURS}/datasets/{dataset['metadata']['name']}", call("GET", STORE)
    call("POST", f"{OURS}/datasets", dataset)
    try:
        status = wait_until_ready(path)
        call("DELETE", f"{OURS}/datasetversions/{status['latestVersion']['name']}")
    finally:
        call("DELETE", path)
        if not had_store:
            call("DELETE", STORE)


main()
