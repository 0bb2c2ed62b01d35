"""What the API server says of imports and of versions to reproduce."""

from typing import Any

import pytest

from api.client import Api, RefusedByServer
from api.manifests import ABSENT, DIGEST, changed, manifest

URL = {"url": "https://models.example.com/model.onnx?sig=a%2Fb", "digest": DIGEST}
PVC = {"pvc": {"claimName": "handed-over", "path": "model.onnx"}, "digest": DIGEST}
IMPORT = {"spec.estimator": ABSENT, "spec.import": URL}
REPRODUCE = {"spec.estimator": ABSENT, "spec.reproduce": {"name": "flights-3"}}
SEARCH = {
    "objective": {"type": "maximize", "metric": "auc"},
    "algorithm": {"name": "random"},
    "parameters": [{"name": "depth", "parameterType": "int", "feasibleSpace": {"min": 1, "max": 9}}],
    "maxTrialCount": 3,
}
ORIGIN = {"namespace": "2-shop", "modelVersion": "flights-3", "digest": DIGEST, "store": "file:///store"}


@pytest.mark.parametrize(
    "changes",
    [
        IMPORT,
        IMPORT | {"spec.import": PVC},
        IMPORT | {"spec.import": URL | {"format": "mlflow", "secretName": "reader", "exportedFrom": ORIGIN}},
        IMPORT | {"spec.gates": [{"metric": "auc", "minimum": 0.7}], "spec.sample": 100, "spec.seed": 1},
        REPRODUCE,
        REPRODUCE | {"spec.resources": {"limits": {"memory": "1Gi"}}},
    ],
)
def test_what_can_be_is_accepted(api: Api, namespace: str, changes: dict[str, Any]) -> None:
    api.create(manifest("TrainingRun", namespace, changes), dry_run=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"spec.import": URL}, "exactly one of estimator, script, container, import or reproduce"),
        ({"spec.reproduce": {"name": "flights-3"}}, "or `reproduce: {name: …}`"),
        (IMPORT | {"spec.import": {"digest": DIGEST}}, "an import needs exactly one of url or pvc"),
        (IMPORT | {"spec.import": URL | PVC}, "an import needs exactly one of url or pvc"),
        (IMPORT | {"spec.import": {"url": URL["url"]}}, "spec.import.digest"),
        (IMPORT | {"spec.import": URL | {"digest": "sha256:1"}}, "spec.import.digest"),
        (IMPORT | {"spec.import": URL | {"url": "file:///etc/passwd"}}, "import.url names one file or folder"),
        (IMPORT | {"spec.import": URL | {"url": "s3://models/*.onnx"}}, "import.url names one file or folder"),
        (IMPORT | {"spec.import": URL | {"url": "https://a:b@host/m.onnx"}}, "import.url must hold no user"),
        (IMPORT | {"spec.import": PVC | {"secretName": "reader"}}, "import.secretName is for a url"),
        (IMPORT | {"spec.import": URL | {"format": "pickle"}}, 'supported values: "onnx", "mlflow"'),
        (IMPORT | {"spec.parameters": {"depth": 1}}, "an imported model is not trained"),
        (IMPORT | {"spec.tests": {"command": ["pytest"]}}, "an imported model is not trained"),
        (REPRODUCE | {"spec.parameters": {"depth": 1}}, "a version is reproduced as it was trained"),
        (REPRODUCE | {"spec.gates": [{"metric": "auc", "minimum": 0.7}]}, "a version is reproduced as it was trained"),
        (IMPORT | {"spec.search": SEARCH}, "an imported model is not trained"),
        (REPRODUCE | {"spec.search": SEARCH}, "a version is reproduced as it was trained"),
        (REPRODUCE | {"spec.sample": 100}, "a version is reproduced as it was trained"),
    ],
)
def test_what_cannot_be_is_refused_in_words(api: Api, namespace: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedByServer) as refused:
        api.create(manifest("TrainingRun", namespace, changes), dry_run=True)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "path", "value"),
    [
        (IMPORT, "spec.import", PVC),
        (IMPORT, "spec.import", URL | {"digest": "sha256:" + "1" * 64}),
        (REPRODUCE, "spec.reproduce", {"name": "flights-4"}),
    ],
)
def test_they_are_immutable(api: Api, namespace: str, changes: dict[str, Any], path: str, value: Any) -> None:
    live = api.create(manifest("TrainingRun", namespace, changes))
    with pytest.raises(RefusedByServer, match="a TrainingRun is immutable"):
        api.replace(changed(live, {path: value}))
    api.replace(changed(live, {"spec.suspend": True}))
