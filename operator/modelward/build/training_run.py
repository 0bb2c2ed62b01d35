"""A TrainingRun that a RegisteredModel makes. Owned by nothing, so that a model applied anew knows its past."""

from modelward.api import GROUP, VERSION, RegisteredModel
from modelward.api.registered_model import RunRecord
from modelward.names import KUEUE, Manifest, labels


def training_run(model: RegisteredModel, raw: Manifest, record: RunRecord) -> Manifest:
    """`raw`: the live RegisteredModel; what its spec leaves out stays left out. Who asks for a run wants it trained."""
    metadata, run = model.metadata, raw["spec"]["run"]
    own = labels("training-run", registered_model=metadata.name, definition=record.definition)
    asked = {"retrain": True} if record.cause.type == "Request" else {}
    queue = {key: value for key, value in metadata.labels.items() if key.startswith(KUEUE)}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TrainingRun",
        "metadata": {"name": record.run, "namespace": metadata.namespace, "labels": queue | own},
        "spec": {
            **run,
            **asked,
            "modelName": metadata.name,
            "datasetRef": {**run["datasetRef"], "version": record.dataset_version},
            "cause": record.cause.wire(),
        },
    }
