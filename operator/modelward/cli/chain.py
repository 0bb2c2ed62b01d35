"""From the data to what serves: why a version, a run or a RegisteredModel is there, in sentences."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from modelward.api import Dataset, DatasetVersion, ModelDeployment, ModelVersion, RegisteredModel, Resource, TrainingRun
from modelward.api.model_deployment import ServingRevision
from modelward.api.model_version import Lineage, Searched, ServedBy, Word
from modelward.api.registered_model import RunRecord
from modelward.api.search import Trial
from modelward.api.training_run import Cause
from modelward.decide.aliases import held

from .cluster import Story
from .in_words import listed, when

SHOWN = 10


def in_words(cause: Cause) -> str:
    """`9214 rows more in flights-3f2a91c04d (NewData, 2026-11-29 04:00:11 UTC)`."""
    asked = f", asked for by {cause.requested_by}" if cause.requested_by else ""
    return f"{cause.message} ({cause.type}, {when(cause.time)}{asked})"


def of_version(version: ModelVersion, data: DatasetVersion | None, deployments: Sequence[ModelDeployment]) -> Story:
    name, lineage = version.metadata.name, version.spec.lineage
    served = [found for each in deployments for found in _served(each, name)]
    cause = lineage.cause
    reason = f"because: {in_words(cause)}" if cause else f"because TrainingRun {lineage.training_run} was applied"
    return _story(version) | {
        "said": [
            f"it exists {reason}",
            f"{_made(lineage)} on {_data(data, lineage.dataset_version)}",
            *([sought(lineage.search)] if lineage.search else []),
            *_ready(version),
            *(_in_service(found) for found in served),
            *(_role(each) for each in _others(version, served)),
            *_named(version),
        ],
        "cause": cause.wire() if cause else None,
        "trainingRun": lineage.training_run,
        "datasetVersion": lineage.dataset_version,
        "served": served,
    }


def _made(lineage: Lineage) -> str:
    imported = lineage.trained_as.import_ if lineage.trained_as else None
    engine = lineage.trained_as.engine if lineage.trained_as else None
    if imported is None:
        return f"trained by {lineage.training_run}" + (f", with {engine.in_words}," if engine else "")
    told = f"imported by {lineage.training_run} from {imported.place} ({imported.digest})"
    if origin := imported.exported_from:
        said = ", ".join(f"{name} {value}" for name, value in origin.items())
        told += f", exported, as who did it says, from {said}"
    return f"{told}, and measured"


def _served(deployment: ModelDeployment, name: str) -> Iterator[Story]:
    """When it was in service, what it replaced and what replaced it, as far as the deployment remembers."""
    stable, revisions = deployment.status.stable, {each.revision: each for each in deployment.status.served}
    if stable:
        revisions[stable.revision] = stable
    order = sorted(revisions.values(), key=lambda each: each.since)
    for number, each in enumerate(order):
        if each.model_version != name:
            continue
        after = order[number + 1] if number + 1 < len(order) else None
        yield {
            "deployment": deployment.metadata.name,
            "since": each.since,
            "replaced": order[number - 1].model_version if number else None,
            "until": None if _serves(stable, each) else after.since if after else None,
            "replacedBy": None if _serves(stable, each) or after is None else after.model_version,
            "serves": _serves(stable, each),
        }


def _serves(stable: ServingRevision | None, revision: ServingRevision) -> bool:
    return stable is not None and stable.revision == revision.revision


def _in_service(served: Story) -> str:
    where, since, before, after = served["deployment"], when(served["since"]), served["replaced"], served["replacedBy"]
    if served["serves"]:
        return (
            f"it replaced {before} in {where} at {since}, and serves"
            if before
            else f"it serves in {where} since {since}"
        )
    began = f"it replaced {before} in {where} at {since}" if before else f"it served in {where} from {since} on"
    return f"{began}; {after} replaced it at {when(served['until'])}" if after else began


def _others(version: ModelVersion, served: Sequence[Story]) -> list[ServedBy]:
    """What the deployments themselves do not tell, or no longer."""
    told = {each["deployment"] for each in served}
    return [each for each in version.status.deployments if each.role != "Stable" or each.deployment not in told]


def _role(each: ServedBy) -> str:
    until = f" until {when(each.until)}" if each.until else ""
    return f"{each.deployment}: {each.role.lower()} since {when(each.since)}{until}" + (
        f": {each.why}" if each.why else ""
    )


def _named(version: ModelVersion) -> Iterator[str]:
    """Which aliases it holds, and who approved it."""
    people: list[tuple[str, Word]] = [(f"is {word.name}", word) for word in held(version.status.aliases)]
    if approval := version.status.approval:
        people.append(("is approved", approval))
    for what, word in people:
        yield f"it {what} since {when(word.time)}{word.signed}"


def of_run(run: TrainingRun, made: Story | None) -> Story:
    cause, pinned = run.spec.cause, run.status.dataset_version
    said = [f"it exists because: {in_words(cause)}" if cause else "it exists because somebody applied it"]
    if pinned:
        said.append(f"it trains on {pinned.name}" if not run.status.completion_time else f"trained on {pinned.name}")
    said += [*_searched(run), *_by_engine(run), *_ready(run)]
    if made:
        said.append(f"it registered {made['name']}")
        said += [_in_service(each) for each in made["served"]]
    search = run.status.search.wire() if run.status.search else None
    return _story(run) | {
        "said": said,
        "cause": cause.wire() if cause else None,
        "modelVersion": made,
        **({"search": search} if search else {}),
        **({"engine": run.status.engine.wire()} if run.status.engine else {}),
    }


def _by_engine(run: TrainingRun) -> Iterator[str]:
    """Who trains, and how many of its pods are where."""
    spec, status = run.spec.engine, run.status.engine
    if spec is None:
        return
    if status is None:
        yield f"it is handed to Kubeflow Trainer, with {spec.in_words}"
        return
    told = f" ({status.message})" if status.message else ""
    yield f"TrainJob {status.train_job} trains it, with {spec.in_words}: {status.summary or 'no pods yet'}{told}"


def _searched(run: TrainingRun) -> Iterator[str]:
    """What was sought, how far it is, and the best trials so far."""
    spec, status = run.spec.search, run.status.search
    if spec is None:
        return
    sought = ", ".join(parameter.name for parameter in spec.parameters)
    metric = f"{spec.objective.type} {spec.objective.metric}"
    yield f"it searches for {sought} by {spec.algorithm.name}, to {metric} on the validation rows"
    if status is None:
        return
    yield f"trials: {status.summary} are over, {len(status.failed)} failed, {status.infeasible} break a constraint"
    if status.best:
        yield f"best: {_trial(status.best, spec.objective.metric)}"


def _trial(trial: Trial, metric: str) -> str:
    return f"trial {trial.number}, {metric} {trial.value:.4g} with {_values(trial.parameters)}"


def sought(found: Searched, quoted: Callable[[str], str] = str) -> str:
    """Of a version's parameters."""
    of = f"trial {found.trial} of {found.trials}, by {found.algorithm}"
    value = f"{found.metric} {found.value:.4g} on the validation rows"
    return f"its parameters were sought: {of}, {value} with {quoted(_values(found.parameters))}"


def _values(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def of_model(model: RegisteredModel) -> Story:
    status = model.status
    said = _ready(model)
    if status.latest_version:
        serving = ", ".join(f"{each.version} in {each.deployment}" for each in status.serving)
        said.append(f"newest version: {status.latest_version}; in service: {serving or 'none'}")
    if status.waiting:
        until = f" until {when(status.waiting.until)}" if status.waiting.until else ""
        said.append(f"next: {in_words(status.waiting.cause)}; it waits ({status.waiting.reason}){until}")
    elif status.ticks and status.ticks.next:
        said.append(f"next tick: {when(status.ticks.next)}")
    return _story(model) | {
        "said": [*said, *(_recorded(record) for record in status.history[-SHOWN:])],
        "waiting": status.waiting.wire() if status.waiting else None,
        "history": [record.wire() for record in status.history],
    }


def _recorded(record: RunRecord) -> str:
    came = f"{record.result or 'ended'}{f', {record.model_version}' if record.model_version else ''}"
    return f"{when(record.started)}: {record.run}: {in_words(record.cause)}: {came if record.ended else 'under way'}"


def of_data(version: DatasetVersion, parent: DatasetVersion | None, models: Sequence[ModelVersion]) -> Story:
    spec, name = version.spec, version.metadata.name
    trained = sorted(each.metadata.name for each in models if each.spec.lineage.dataset_version == name)
    return _story(version) | {
        "said": [
            _rows(version),
            *_new_files(version, parent),
            *(f"made of {each.version} of {each.dataset}" for each in spec.parents),
            *_valid(version),
            f"models trained on it: {', '.join(trained[:SHOWN]) or 'none'}",
        ],
        "parent": spec.parent,
        "models": trained,
    }


def _new_files(version: DatasetVersion, parent: DatasetVersion | None) -> Iterator[str]:
    before = {each.digest for each in parent.spec.sources} if parent else set()
    new = [each.path for each in version.spec.sources if each.digest not in before]
    if new:
        yield f"{'new files' if parent else 'files'}: {listed(new, SHOWN)}"


def _valid(version: DatasetVersion) -> Iterator[str]:
    valid = version.status.condition("Valid")
    if valid:
        yield f"{valid.reason}: {valid.message}"


def of_dataset(dataset: Dataset) -> Story:
    status, said = dataset.status, _ready(dataset)
    if status.latest_version:
        latest = status.latest_version
        said.append(f"newest valid version: {latest.name}, {latest.rows:,} rows, since {when(latest.time)}")
    if status.ticks and status.ticks.next:
        said.append(f"next look: {when(status.ticks.next)}")
    return _story(dataset) | {"said": said}


def _data(data: DatasetVersion | None, name: str) -> str:
    return f"{name}: {_rows(data)}" if data else f"{name}, which is deleted"


def _rows(version: DatasetVersion) -> str:
    spec = version.spec
    more = f", {spec.new_rows:+,} since {spec.parent}" if spec.parent and spec.new_rows is not None else ""
    return f"{spec.rows:,} rows{more}, made {when(version.metadata.creation_timestamp)}"


def _ready(resource: Resource) -> list[str]:
    ready = resource.status.condition("Ready")  # type: ignore[attr-defined]
    return [f"{ready.reason}: {ready.message}" if ready.message else ready.reason] if ready else []


def _story(resource: Resource) -> Story:
    metadata = resource.metadata
    return {"kind": resource.NAMES.kind, "namespace": metadata.namespace, "name": metadata.name}


def text_of(told: Story) -> str:
    head = f"{told['kind']} {told['namespace']}/{told['name']}:"
    return "\n".join([head, *(f"  {line}" for line in told["said"])])
