"""A version that is trained again: the run that it takes, from the version's own lineage, and what came out otherwise.

Identical means the bytes of model.onnx. Where they differ, what else does is told: it may be the reason, or what one
would notice. Reasons (API): ModelVersionNotFound, NotReproducible, OtherModel, OtherData; Identical, Differs.
"""

from collections.abc import Iterator, Mapping

from modelward.api import ModelVersion, TrainingRun
from modelward.api.model_version import Lineage
from modelward.api.script import ScriptSpec
from modelward.api.training_run import DIFFERENCES, PinnedDataset, Reproduction
from modelward.errors import Refused, Wait
from modelward_contracts.metrics import MAIN
from modelward_contracts.reports import PublishReport

SHOWN = 6
"""Metrics."""
AGAIN = 10.0


def as_trained(run: TrainingRun, version: ModelVersion | None) -> TrainingRun:
    """`run` with all that decided what came of the version. Raises Wait where that may still be there one day, Refused
    where it never can."""
    assert run.spec.reproduce
    name = run.spec.reproduce.name
    if version is None:
        raise Wait("ModelVersionNotFound", f"ModelVersion {name} does not exist in this namespace", AGAIN)
    lineage = version.spec.lineage
    if version.spec.model_name != run.spec.model_name:
        what = f"{name} is a version of {version.spec.model_name}"
        raise Refused("OtherModel", f"{what}: write `modelName: {version.spec.model_name}` in another run")
    if lineage.trained_as is None:
        why = f"{name} was registered by an earlier release, which did not keep how it was trained"
        raise Refused("NotReproducible", f"{why}: reproduce a newer version")
    trained = {each: getattr(lineage.trained_as, each) for each in type(lineage.trained_as).model_fields}
    found = {"script": _at_its_commit(lineage), **_sought(lineage)}
    return run.model_copy(update={"spec": run.spec.model_copy(update=trained | found)})


def _sought(lineage: Lineage) -> dict[str, object]:
    """What the trial that won had tried: an estimator's own parameters, or those of params.json."""
    trained, search = lineage.trained_as, lineage.search
    if trained is None or search is None:
        return {}
    if estimator := trained.estimator:
        parameters = {**estimator.parameters, **search.parameters}
        return {"estimator": estimator.model_copy(update={"parameters": parameters})}
    return {"parameters": {**trained.parameters, **search.parameters}}


def _at_its_commit(lineage: Lineage) -> ScriptSpec | None:
    script = lineage.trained_as.script if lineage.trained_as else None
    if script is None or script.git is None or lineage.script is None or lineage.script.commit is None:
        return script
    git = script.git.model_copy(update={"revision": lineage.script.commit})
    return script.model_copy(update={"git": git})


def on_its_data(pinned: PinnedDataset, version: ModelVersion) -> PinnedDataset:
    """Raises Refused."""
    lineage = version.spec.lineage
    if pinned.digest != lineage.dataset_digest:
        what = f"{version.metadata.name} was trained on {lineage.dataset_version}, and this run is on {pinned.name}"
        raise Refused("OtherData", f"{what}: write `datasetRef.version: {lineage.dataset_version}` in another run")
    return pinned


def reproduction(version: ModelVersion, report: PublishReport, image: str) -> Reproduction:
    """`image`: of the platform's steps now."""
    identical = report.model == version.spec.model.digest
    differences = [] if identical else list(_differences(version, report, image))
    if len(differences) > DIFFERENCES:
        rest = len(differences) - DIFFERENCES + 1
        differences = [*differences[: DIFFERENCES - 1], f"{rest} differences more"]
    return Reproduction(
        model_version=version.metadata.name, identical=identical, model=report.model, differences=differences
    )


def in_words(found: Reproduction) -> str:
    if found.identical:
        return f"{found.model_version} was trained again and is identical: model.onnx has the digest {found.model}"
    return f"{found.model_version} was trained again and differs: {'; '.join(found.differences)}"


def _differences(version: ModelVersion, report: PublishReport, image: str) -> Iterator[str]:
    before, lineage = version.spec.model, version.spec.lineage
    yield f"model.onnx is {report.model} of {report.model_bytes} bytes instead of {before.digest} of {before.bytes}"
    yield from _metrics(version.spec.metrics, report.metrics)
    if lineage.platform_image and lineage.platform_image != image:
        yield f"Modelward's image is {image} instead of {lineage.platform_image}"
    for name in sorted(lineage.packages.keys() | report.packages.keys()):
        then, now = lineage.packages.get(name, "none"), report.packages.get(name, "none")
        if then != now and lineage.packages:
            yield f"{name} is {now} instead of {then}"
    theirs = lineage.trained_as.container if lineage.trained_as else None
    if theirs and "@" not in theirs.image:
        yield f"the image {theirs.image} has no digest, and may be another one by now"


def _metrics(then: Mapping[str, float], now: Mapping[str, float]) -> Iterator[str]:
    names = [*MAIN, *sorted(now.keys() - set(MAIN))]
    moved = [name for name in names if name in then and name in now and then[name] != now[name]]
    for name in moved[:SHOWN]:
        yield f"{name} is {now[name]:.6g} instead of {then[name]:.6g} on the test rows"
    if not moved:
        yield "all metrics are the same"
    if len(moved) > SHOWN:
        yield f"{len(moved) - SHOWN} metrics more differ"
