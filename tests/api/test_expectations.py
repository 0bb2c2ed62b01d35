"""Whether a version is what its Dataset expects: marked on it by the operator, and again when that changes."""

import json
from pathlib import Path

from api.client import Api, Manifest, wait_until
from api.conftest import Kubectl
from api.engine_operator import Operator
from api.manifests import manifest
from localcluster.api import ApiServer

FAILURE = {"expectation": "{column: late, maximum: 0}", "message": "1 of 2 values above 0: 1"}


def test_version_is_marked_with_its_dataset_s_check_and_marked_again(
    api: Api, server: ApiServer, namespace: str, kubectl: Kubectl, tmp_path: Path
) -> None:
    def check(failures: list[Manifest]) -> None:
        status = {"checked": {"version": "flights", "expectations": 1, "failed": len(failures), "failures": failures}}
        kubectl(
            "patch",
            "dataset",
            "flights",
            "--subresource=status",
            "--type=merge",
            f"--patch={json.dumps({'status': status})}",
        )

    def shown() -> list[str]:
        return kubectl("get", "dsver", "flights", "--no-headers").split()

    expected = {"spec.expectations": [{"column": "late", "maximum": 0}]}
    api.create(manifest("Dataset", namespace, expected))
    api.create(manifest("DatasetVersion", namespace))
    with Operator(server.kubeconfig, tmp_path, real=True, MODELWARD_WATCH_NAMESPACES=namespace) as operator:
        operator.wait_until_watching()
        check([FAILURE])
        wait_until(lambda: shown()[:3] == ["flights", "True", "False"], "the version is not Valid")
        live = api.read(manifest("DatasetVersion", namespace))
        (valid,) = [c for c in live["status"]["conditions"] if c["type"] == "Valid"]
        assert (valid["reason"], valid["message"]) == (
            "ExpectationsFailed",
            f"1 of 1 expectations are not met: {FAILURE['expectation']}: {FAILURE['message']}",
        )
        assert live["status"]["check"]["failures"] == [FAILURE]
        check([])
        wait_until(lambda: shown()[:3] == ["flights", "True", "True"], "the version is Valid")
