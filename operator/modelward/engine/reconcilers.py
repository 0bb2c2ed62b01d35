"""Which code answers for which kind."""

from modelward.decide import collection as decide_collection
from modelward.decide import dataset as decide_dataset
from modelward.decide import dataset_version as decide_dataset_version
from modelward.decide import model_deployment as decide_deployment
from modelward.decide import model_version as decide_model_version
from modelward.decide import registered_model as decide_registered_model
from modelward.decide import training_run as decide_run
from modelward.engine.loop import Reconciler
from modelward.observe import collection as observe_collection
from modelward.observe import dataset as observe_dataset
from modelward.observe import dataset_version as observe_dataset_version
from modelward.observe import model_deployment as observe_deployment
from modelward.observe import model_version as observe_model_version
from modelward.observe import registered_model as observe_registered_model
from modelward.observe import training_run as observe_run
from modelward.observe.at_rest import rest_of

RECONCILERS = {
    "Dataset": Reconciler(observe_dataset.observe, decide_dataset.decide),
    "DatasetVersion": Reconciler(observe_dataset_version.observe, decide_dataset_version.decide),
    "TrainingRun": Reconciler(observe_run.observe, decide_run.decide),
    "ModelVersion": Reconciler(observe_model_version.observe, decide_model_version.decide),
    "RegisteredModel": Reconciler(observe_registered_model.observe, decide_registered_model.decide),
    "ModelDeployment": Reconciler(observe_deployment.observe, decide_deployment.decide, without_api=True, rest=rest_of),
    "ConfigMap": Reconciler(observe_collection.observe, decide_collection.decide, api_version="v1"),
}
