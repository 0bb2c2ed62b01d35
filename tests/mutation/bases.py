"""What is mutated: resources of each kind that together say as much as their rules allow."""

from typing import Any

Spec = dict[str, Any]

_INLINE = {"source": {"inline": {"data": "id,late\n1,0\n2,1\n"}}, "columns": {"label": "late", "id": "id"}}
_ESTIMATOR = {"name": "LogisticRegression"}
_SEARCH = {
    "objective": {"type": "maximize", "metric": "auc"},
    "algorithm": {"name": "random"},
    "parameters": [{"name": "C", "parameterType": "double", "feasibleSpace": {"min": 0.1, "max": 10}}],
    "maxTrialCount": 2,
}
_RUN = {"datasetRef": {"name": "flights"}, "estimator": _ESTIMATOR}

PLURALS = {
    "Dataset": "datasets",
    "TrainingRun": "trainingruns",
    "RegisteredModel": "registeredmodels",
    "ModelDeployment": "modeldeployments",
    "ModelVersion": "modelversions",
}
DATASET: Spec = _INLINE
RUN: Spec = {"modelName": "flights", **_RUN}
SERVED: Spec = {
    "modelRef": {"name": "flights", "version": 1},
    "replicas": 2,
    "rollout": {"steps": [{"weight": 50, "duration": "2s"}], "bakeTime": "5s"},
    "analysis": {"minRequests": 100},
}
BASES: dict[str, list[Spec]] = {
    "Dataset": [
        _INLINE | {"interval": "1h", "splits": {"by": "id"}, "csv": {"header": True}, "pod": {"labels": {"team": "a"}}},
        _INLINE | {"source": {"url": "https://example.com/*.csv"}, "schedule": "@daily", "timeZone": "Europe/Berlin"},
        _INLINE | {"source": {"pvc": {"claimName": "raw", "path": "*.csv"}}},
        _INLINE | {"source": {"sql": {"query": "SELECT 1"}}, "secretName": "reader"},
        _INLINE | {"source": {"datasets": [{"name": "parent"}]}, "prepare": {"sql": "SELECT * FROM parent"}},
        _INLINE | {"prepare": {"container": {"image": "mine:1"}}},
    ],
    "TrainingRun": [
        RUN | {"gates": [{"metric": "auc", "minimum": 0.5}]},
        {k: v for k, v in RUN.items() if k != "estimator"} | {"container": {"image": "mine:1", "command": ["train"]}},
        {k: v for k, v in RUN.items() if k != "estimator"} | {"script": {"configMap": {"name": "script"}}},
        {k: v for k, v in RUN.items() if k != "estimator"}
        | {"script": {"git": {"url": "https://example.com/a.git", "revision": "0" * 40, "path": "train.py"}}},
        RUN | {"search": _SEARCH},
    ],
    "RegisteredModel": [
        {"run": _RUN, "triggers": {"newData": {}}, "coolDown": "1s"},
        {"run": _RUN | {"search": _SEARCH}, "triggers": {"schedule": "@daily", "timeZone": "Europe/Berlin"}},
    ],
    "ModelDeployment": [
        SERVED | {"resources": {"requests": {"cpu": "100m"}}, "pod": {"labels": {"team": "a"}}},
    ],
    "ModelVersion": [],
}
