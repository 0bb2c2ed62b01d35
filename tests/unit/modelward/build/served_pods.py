"""Prints the Deployments of some revisions as JSON; run with an operator's code of whatever age on its path."""

import json
from typing import Any

from modelward.api.model_deployment import ModelDeploymentSpec, ServingRevision
from modelward.build.scoring import scoring_deployment
from modelward.settings import Settings

OWNER = {
    "apiVersion": "modelward.dev/v1alpha1",
    "kind": "ModelDeployment",
    "metadata": {"name": "flights", "namespace": "team", "uid": "1"},
}
IMAGES = {"training_image": "training:2", "scoring_image": "scoring:2"}
SETTINGS: list[dict[str, Any]] = [
    {},
    {"store_url": "s3://models/prod", "store_endpoint": "https://s3.example.com", "store_secret": "store"},
]
SPECS: list[dict[str, Any]] = [
    {},
    {"pod": {"nodeSelector": {"disk": "ssd"}, "labels": {"team": "a"}, "tolerations": [{"operator": "Exists"}]}},
]
REVISIONS: list[dict[str, Any]] = [
    {"memoryBytes": 2**30},
    {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}},
    {"batching": "Off", "limits": {"jsonSize": "1Mi", "rows": 100}, "retry": 2},
]


def revision(changes: dict[str, Any]) -> ServingRevision:
    """With the image that it was pinned to."""
    known = {"revision": "0123456789", "modelVersion": "flights-1", "version": 1, "digest": f"sha256:{0:064}"}
    return ServingRevision.model_validate(
        known | {"image": "scoring:1", "since": "2026-01-01T00:00:00Z"} | changes,
    )


def deployments() -> list[dict[str, Any]]:
    return [
        scoring_deployment(
            OWNER,
            ModelDeploymentSpec.model_validate({"modelRef": {"name": "flights"}} | spec),
            revision(changes),
            2,
            Settings(**IMAGES, **settings),
        )
        for settings in SETTINGS
        for spec in SPECS
        for changes in REVISIONS
    ]


if __name__ == "__main__":
    print(json.dumps(deployments()))
