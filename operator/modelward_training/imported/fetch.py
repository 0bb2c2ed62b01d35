"""An imported model: read by the same guarded code as a Dataset's source, and known by its digest."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from modelward_contracts.store import file_digest
from modelward_contracts.tasks import ImportedModel
from modelward_contracts.wire import canonical
from modelward_training.outcome import JobError, progress
from modelward_training.paths import COLUMNS_FILE, Paths
from modelward_training.publish.intake import MAX_BYTES, MODEL

from . import mlflow
from .place import Network, Place, Volume


def fetch(asked: ImportedModel, environment: Mapping[str, str], paths: Paths) -> None:
    """Leaves the model in the output folder. Raises JobError where it is not what the run names."""
    paths.output.mkdir(parents=True, exist_ok=True)
    target = paths.output / MODEL
    with tempfile.TemporaryDirectory(prefix="modelward-") as scratch:
        place = _place(asked, environment, paths, Path(scratch))
        where, columns = mlflow.model_in(place, Path(scratch)) if asked.mlflow else ("", [])
        progress(f"fetching the model from {place.told(where)}")
        place.get(where, target, MAX_BYTES[MODEL])
        _check(asked, place.told(where), target)
    if asked.mlflow:
        (paths.input / COLUMNS_FILE).write_bytes(canonical(columns))


def _place(asked: ImportedModel, environment: Mapping[str, str], paths: Paths, scratch: Path) -> Place:
    if asked.url is None:
        return Volume(paths.source, asked.path or "")
    return Network(asked, environment, scratch)


def _check(asked: ImportedModel, where: str, target: Path) -> None:
    found = file_digest(target)
    if found == asked.digest:
        return
    target.unlink()
    raise JobError(
        "ImportDigestMismatch",
        f"{where} has the digest {found}, and the run names {asked.digest}: somebody has changed the file, or the run "
        "means another one; look which is right, and name its digest in another run",
    )
