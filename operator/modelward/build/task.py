"""What a job is told to do, and the ConfigMap that tells it; beside the task lies the text of an inline source or a
script."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import UNSET, UnsetType

from modelward.api import expectations as api
from modelward.api.dataset import Dataset, Source
from modelward.api.engine import EngineSpec
from modelward.api.evaluation import EvaluationSpec, GateSpec, PinnedServing
from modelward.api.imported import ImportSpec
from modelward.api.script import GitScript as GitSpec
from modelward.api.script import ScriptOrigin
from modelward.api.training_run import PinnedDataset, TrainingRun
from modelward.build.search import search_asked, winner_of
from modelward.names import Manifest, owned_by
from modelward.settings import Settings
from modelward_contracts.tasks import (
    TASK_FILE,
    CsvOptions,
    Engine,
    Estimator,
    Evaluation,
    Expectation,
    Gate,
    GitScript,
    ImportedModel,
    IngestTask,
    Parent,
    Reproduced,
    ServingModel,
    SliceBy,
    TrainTask,
)
from modelward_contracts.wire import Wire, canonical


def task_config_map(
    owner: Manifest, name: str, labels: dict[str, str], task: Wire, files: Mapping[str, str] | None = None
) -> Manifest:
    """`files`: texts that lie beside the task."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "labels": labels,
            "ownerReferences": [owned_by(owner)],
        },
        "immutable": True,
        "data": {TASK_FILE: canonical(task).decode(), **(files or {})},
    }


def ingest_task(
    dataset: Dataset, settings: Settings, before: tuple[str, ...] = (), parents: Sequence[Parent] = ()
) -> IngestTask:
    """`before`: digests of the versions in use, the newest first."""
    spec, name = dataset.spec, dataset.metadata.name
    return IngestTask(
        dataset=name,
        namespace=dataset.metadata.namespace,
        store=settings.store_url,
        format=spec.format,
        csv=CsvOptions(**spec.csv.model_dump()),
        types=spec.columns.types,
        missing_as_null=spec.columns.missing == "AsNull",
        pii=spec.columns.pii,
        source=_kind(spec.source),
        query=spec.source.sql.query if spec.source.sql else None,
        path=spec.source.pvc.path if spec.source.pvc else None,
        url=spec.source.url,
        parents=list(parents),
        secret=spec.secret_name,
        local_addresses=settings.local_sources,
        container=bool(spec.prepare and spec.prepare.container),
        prepare_sql=spec.prepare.sql if spec.prepare else None,
        label=spec.columns.label,
        id=spec.columns.id,
        time=spec.columns.time,
        group=spec.columns.group,
        split_by=spec.splits.by or ("group" if spec.columns.group else "id"),
        forbidden=spec.columns.forbidden,
        task=spec.task,
        expectations=[_expectation(each) for each in spec.expectations],
        before=list(before),
        validation_fraction=spec.splits.validation_percent / 100,
        test_fraction=spec.splits.test_percent / 100,
        salt=name if spec.splits.salt is None else spec.splits.salt,
    )


def _kind(source: Source) -> Literal["pvc", "inline", "url", "sql", "datasets"]:
    if source.pvc:
        return "pvc"
    if source.sql:
        return "sql"
    if source.datasets:
        return "datasets"
    return "url" if source.url else "inline"


def _expectation(stated: api.Expectation) -> Expectation:
    return Expectation(
        column=stated.column,
        type=stated.type,
        minimum=stated.minimum,
        maximum=stated.maximum,
        values=stated.in_,
        matches=stated.matches,
        unique=bool(stated.unique),
        max_missing=stated.max_missing,
        min_rows=stated.rows.minimum if stated.rows else None,
        fresh=stated.fresh.column if stated.fresh else None,
        max_age=stated.fresh.max_age if stated.fresh else None,
        max_drift=stated.drift.maximum if stated.drift else None,
    )


def train_task(
    run: TrainingRun,
    pinned: PinnedDataset,
    settings: Settings,
    serving: Sequence[PinnedServing] = (),
    script: ScriptOrigin | None = None,
    trial: int | None = None,
    failed: Sequence[int] = (),
    reproduces: str | None = None,
) -> TrainTask:
    """`serving`: what gates compare with. `trial`: of a search; `failed`: those before it that did. `reproduces`: a
    version's name, with `run` as that was trained."""
    spec = run.spec
    estimator, container = spec.estimator, spec.container
    return TrainTask(
        run=run.metadata.name,
        run_uid=run.metadata.uid,
        namespace=run.metadata.namespace,
        model_name=spec.model_name,
        store=settings.store_url,
        dataset=pinned.digest,
        estimator=Estimator(name=estimator.name, parameters=dict(estimator.parameters)) if estimator else None,
        parameters=dict(spec.parameters),
        image=container.image if container else script.image if script else None,
        command=[*container.command, *container.args] if container else [],
        environment={variable.name: variable.value for variable in container.env} if container else {},
        script=(script and script.digest) or UNSET,
        git=_git(spec.script.git, settings) if spec.script and spec.script.git else UNSET,
        imported=_imported(spec.import_, settings) if spec.import_ else UNSET,
        gates=[_gate(gate) for gate in spec.gates],
        seed=spec.seed,
        evaluation=_evaluation(spec.evaluation),
        serving=[ServingModel(version=each.version, digest=each.digest) for each in serving] or UNSET,
        tests=spec.tests.command if spec.tests else UNSET,
        sample=spec.sample or UNSET,
        retrain=True if spec.retrain or reproduces or (container and not is_pinned(container.image)) else UNSET,
        reproduces=Reproduced(version=reproduces, file=script.key if script else None) if reproduces else UNSET,
        search=search_asked(spec.search) if spec.search else UNSET,
        trial=trial or UNSET,
        failed=list(failed) or UNSET,
        winner=winner_of(run) or UNSET,
        engine=_engine(spec.engine) if spec.engine else UNSET,
    )


def _engine(stated: EngineSpec) -> Engine:
    asked = stated.train_job
    return Engine(runtime=f"{asked.runtime_ref.kind}/{asked.runtime_ref.name}", nodes=asked.nodes)


def _gate(stated: GateSpec) -> Gate:
    return Gate(
        metric=stated.metric,
        minimum=stated.minimum,
        maximum=stated.maximum,
        slice=stated.slice or UNSET,
        not_worse_than=stated.not_worse_than or UNSET,
        margin=UNSET if stated.margin is None else stated.margin,
        on_unclear=stated.on_unclear or UNSET,
    )


def _evaluation(stated: EvaluationSpec) -> Evaluation | UnsetType:
    if stated == EvaluationSpec():
        return UNSET
    return Evaluation(
        slices=[SliceBy(column=each.column, minimum_rows=each.minimum_rows) for each in stated.slices],
        baseline=stated.baseline,
        importance_rows=stated.importance.rows if stated.importance else None,
    )


def is_pinned(image: str) -> bool:
    """By a digest, or by a tag as Kubernetes takes one for pinned: any but `latest`, which the next pull may change."""
    _, _, tag = image.rpartition("/")[2].partition(":")
    return "@" in image or tag not in ("", "latest")


def _imported(stated: ImportSpec, settings: Settings) -> ImportedModel:
    return ImportedModel(
        digest=stated.digest,
        mlflow=stated.format == "mlflow",
        url=stated.url,
        path=stated.pvc.path if stated.pvc else None,
        secret=stated.secret_name,
        local_addresses=settings.local_sources,
    )


def _git(git: GitSpec, settings: Settings) -> GitScript:
    return GitScript(
        url=git.url,
        revision=git.revision,
        path=git.path,
        secret=git.secret_name,
        local_addresses=settings.local_sources,
    )
