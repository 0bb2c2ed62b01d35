"""Which DatasetVersion a TrainingRun means, and which versions in service its gates mean, once and for all."""

from collections.abc import Iterable

from modelward.api import Dataset, DatasetVersion, ModelDeployment, TrainingRun
from modelward.api.evaluation import PinnedServing
from modelward.api.training_run import PinnedDataset
from modelward.decide.expectations import EXPECTATIONS_FAILED
from modelward.errors import Refused, Wait


def pin(run: TrainingRun, dataset: Dataset | None, version: DatasetVersion | None) -> PinnedDataset:
    """`version`: the one named in the run, else the dataset's latest. Raises Wait where it may still come, Refused
    where it never can."""
    ref = run.spec.dataset_ref
    name = ref.version or latest(ref.name, dataset)
    if version is None:
        raise Wait("VersionNotFound", f"DatasetVersion {name} does not exist in this namespace")
    if version.spec.dataset_name != ref.name:
        owner = version.spec.dataset_name
        raise Refused(
            "VersionMismatch", f"{name} is a version of {owner}: make another run with datasetRef.name {owner}"
        )
    if version.spec.label is None:
        raise Refused("NoLabel", f"{name} has no label: name a Dataset with columns.label, what is to be predicted")
    return PinnedDataset(name=version.metadata.name, digest=version.spec.digest)


MOST_SERVING = 5


def compares(run: TrainingRun) -> bool:
    """Does a gate compare with what serves?"""
    return any(gate.not_worse_than == "Serving" for gate in run.spec.gates)


def in_service(run: TrainingRun, deployments: Iterable[ModelDeployment]) -> list[PinnedServing]:
    """Each version of the run's model that a deployment serves: whichever the new one takes the place of, it must not
    be worse. The newest five, where there are more."""
    if not compares(run):
        return []
    stable = [d.status.stable for d in deployments if d.spec.model_ref.name == run.spec.model_name and d.status.stable]
    of_digest = {each.digest: each for each in stable}
    newest = sorted(of_digest.values(), key=lambda each: (-each.version, each.digest))
    return [PinnedServing(version=each.model_version, digest=each.digest) for each in newest[:MOST_SERVING]]


def latest(name: str, dataset: Dataset | None) -> str:
    """Only once the dataset's spec as it is now was looked at: what was changed together is trained on together. Where
    what was found is not what is expected, the newest valid version it is."""
    if dataset is None:
        raise Wait("DatasetNotFound", f"Dataset {name} does not exist in this namespace: create it")
    status, newest = dataset.status, dataset.status.latest_version
    seen, ready = status.observed_generation == dataset.metadata.generation, status.condition("Ready")
    looked = ready is not None and (ready.status == "True" or ready.reason == EXPECTATIONS_FAILED)
    if newest is None or not looked or not seen:
        why = f": {ready.message}" if ready and ready.message and seen else ""
        raise Wait("DatasetNotReady", f"Dataset {name} is not Ready{why}")
    return newest.name
