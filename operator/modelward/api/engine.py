"""Training on more than one machine, by an engine that the cluster has: Kubeflow Trainer's TrainJob."""

from typing import Annotated, Literal

from pydantic import Field

from .common import ApiModel, Name
from .resources import Size


class RuntimeRef(ApiModel):
    """As in a TrainJob: what the platform team has installed. Its job `node` has the container `node`, which trains."""

    name: Name
    """Of the runtime."""
    kind: Literal["ClusterTrainingRuntime", "TrainingRuntime"] = "ClusterTrainingRuntime"
    """TrainingRuntime: one of the same namespace."""
    api_group: Literal["trainer.kubeflow.org"] = "trainer.kubeflow.org"
    """Of the runtime's kind."""


class TrainJobSpec(ApiModel):
    """A TrainJob of Kubeflow Trainer 2.2 or later, made of the run's container or script."""

    runtime_ref: RuntimeRef
    nodes: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Pods that train together. None: as the runtime says."""


class EngineVolume(ApiModel):
    """What all of them see: inputs to read, $MODELWARD_OUTPUT and $MODELWARD_CHECKPOINT to write to."""

    size: Size | None = None
    """10Gi. None: as the chart's values say, as of all of these."""
    storage_class_name: Name | None = None
    """Of the claim."""
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] | None = None
    """ReadWriteOnce is enough where one node runs all."""


class EngineSpec(ApiModel):
    """What trains in place of a pod of ours. `resources` are then each node's; data and result go over a volume."""

    train_job: TrainJobSpec
    volume: EngineVolume = EngineVolume()

    @property
    def in_words(self) -> str:
        """`ClusterTrainingRuntime torch-plain on 4 nodes`."""
        runtime, nodes = self.train_job.runtime_ref, self.train_job.nodes
        return f"{runtime.kind} {runtime.name}" + (f" on {nodes} node{'s' if nodes > 1 else ''}" if nodes else "")


class EngineStatus(ApiModel):
    """What is seen of the TrainJob."""

    train_job: Name
    """Its name."""
    nodes: int | None = None
    """Once its pods are made."""
    active: int = 0
    """Of its pods."""
    succeeded: int = 0
    """Of them."""
    failed: int = 0
    """Of them, those that were tried again included."""
    summary: Annotated[str, Field(max_length=64)] = ""
    """`1/2 running`."""
    message: Annotated[str, Field(max_length=1024)] = ""
    """How it ended, in its own words."""
