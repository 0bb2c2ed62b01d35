"""What the API server says of imports and of versions to reproduce."""

from typing import Any

import pytest

from api.client import Api, RefusedByServer
from api.imports import IMPORT, ORIGIN, PVC, REFUSED, REPRODUCE, URL
from api.manifests import changed, manifest


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


@pytest.mark.parametrize(("changes", "words"), REFUSED)
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
