"""Imports and reproductions as users write them, and what they are told where that cannot be."""

from typing import Any

from api.manifests import ABSENT, DIGEST

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
REFUSED: list[tuple[dict[str, Any], str]] = [
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
]
