"""A run's own volume, which outlives its pods. It goes with the run, and before that once the run is complete."""

from modelward.api import TrainingRun
from modelward.build.volume_claim import volume_claim
from modelward.names import Manifest, child_name, owned_by, short_hash


def checkpoint_name(run: TrainingRun) -> str:
    """Of the claim. With the uid: a run that is made again under its old name begins anew."""
    return child_name(run.metadata.name, f"checkpoint-{short_hash(run.metadata.uid, length=6)}")


def checkpoint_claim(owner: Manifest, run: TrainingRun, labels: dict[str, str]) -> tuple[Manifest, ...]:
    """Nothing where the run asks for none."""
    asked = run.spec.checkpoint
    if asked is None:
        return ()
    metadata = {
        "name": checkpoint_name(run),
        "namespace": run.metadata.namespace,
        "labels": labels,
        "ownerReferences": [owned_by(owner)],
    }
    return (volume_claim(metadata, "ReadWriteOnce", str(asked.size), asked.storage_class_name),)
