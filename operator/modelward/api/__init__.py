"""The resources, one file a kind. These models are the only source: crds/*.yaml are generated from them."""

from .common import GROUP, VERSION, Condition, Metadata, Resource
from .dataset import Dataset
from .dataset_version import DatasetVersion
from .model_deployment import ModelDeployment
from .model_version import ModelVersion
from .registered_model import RegisteredModel
from .training_run import TrainingRun

KINDS: tuple[type[Resource], ...] = (
    Dataset,
    DatasetVersion,
    TrainingRun,
    ModelVersion,
    RegisteredModel,
    ModelDeployment,
)

__all__ = [
    "GROUP",
    "KINDS",
    "VERSION",
    "Condition",
    "Dataset",
    "DatasetVersion",
    "Metadata",
    "ModelDeployment",
    "ModelVersion",
    "RegisteredModel",
    "Resource",
    "TrainingRun",
]
