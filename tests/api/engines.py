"""Trainings that are handed to an engine, as users write them, and what they are told where that cannot be."""

from typing import Any

from api.manifests import ABSENT, DIGEST

ENGINE: dict[str, Any] = {"trainJob": {"runtimeRef": {"name": "torch-distributed"}, "nodes": 4}}
CONTAINER = {"spec.estimator": ABSENT, "spec.container": {"image": "mine:1", "command": ["torchrun", "train.py"]}}
WHOLE = {
    "trainJob": {"runtimeRef": {"name": "jax", "kind": "TrainingRuntime", "apiGroup": "trainer.kubeflow.org"}},
    "volume": {"size": "100Gi", "storageClassName": "nfs", "accessMode": "ReadWriteOnce"},
}
SEARCH = {
    "objective": {"type": "maximize", "metric": "auc"},
    "algorithm": {"name": "random"},
    "parameters": [{"name": "depth", "parameterType": "int", "feasibleSpace": {"min": 1, "max": 9}}],
    "maxTrialCount": 3,
}
ENGINES = {"spec.engine": ENGINE}
ACCEPTED: list[dict[str, Any]] = [
    CONTAINER | ENGINES,
    CONTAINER | {"spec.engine": WHOLE, "spec.tests": {"command": ["pytest"]}, "spec.sample": 100},
    {"spec.estimator": ABSENT, "spec.script": {"configMap": {"name": "train"}}} | ENGINES,
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    (ENGINES, "an engine trains code of your own"),
    ({"spec.estimator": ABSENT, "spec.import": {"url": "s3://a/m.onnx", "digest": DIGEST}} | ENGINES, "trains code of"),
    ({"spec.estimator": ABSENT, "spec.reproduce": {"name": "flights-3"}} | ENGINES, "in place of estimator, import or"),
    (CONTAINER | ENGINES | {"spec.search": SEARCH}, "leave search and checkpoint out beside it"),
    (CONTAINER | ENGINES | {"spec.checkpoint": {"size": "1Gi"}}, "its volume holds $MODELWARD_CHECKPOINT"),
    (CONTAINER | ENGINES | {"spec.pod": {"priorityClassName": "batch"}}, "the engine's runtime says priorityClassName"),
    (CONTAINER | ENGINES | {"spec.pod": {"runtimeClassName": "gvisor"}}, "leave them out of pod beside engine"),
    (CONTAINER | {"spec.engine": {}}, "spec.engine.trainJob"),
    (CONTAINER | {"spec.engine": {"trainJob": {"nodes": 2}}}, "spec.engine.trainJob.runtimeRef"),
    (CONTAINER | {"spec.engine": {"trainJob": ENGINE["trainJob"] | {"nodes": 0}}}, "spec.engine.trainJob.nodes"),
    (CONTAINER | {"spec.engine": ENGINE | {"volume": {"size": "1 GB"}}}, "spec.engine.volume.size"),
    (
        CONTAINER | {"spec.engine": {"trainJob": {"runtimeRef": {"name": "a", "kind": "Runtime"}}}},
        'supported values: "ClusterTrainingRuntime", "TrainingRuntime"',
    ),
]
