"""Which TrainingRuns and ModelVersions of a RegisteredModel go: the oldest, of those that nobody uses."""

from collections.abc import Iterable

from modelward.api import GROUP, VERSION, ModelDeployment, ModelVersion, Resource, TrainingRun
from modelward.api.registered_model import Retention
from modelward.decide.plan import Ref


def superfluous(
    retention: Retention,
    runs: Iterable[TrainingRun],
    versions: Iterable[ModelVersion],
    deployments: Iterable[ModelDeployment],
) -> tuple[Ref, ...]:
    over = [run for run in runs if run.status.is_true("Complete") or run.status.is_true("Failed")]
    newest = sorted(versions, key=lambda version: version.spec.version, reverse=True)
    bad = [version for version in newest if _failed(version)]
    good = [version for version in newest if version not in bad]
    named = {str(deployment.spec.model_ref.version) for deployment in deployments}
    beyond = [*_beyond(good, retention.versions), *_beyond(bad, retention.unverified_versions)]
    unused = [v for v in beyond if not v.status.deployments and not {str(v.spec.version), v.spec.digest} & named]
    over.sort(key=lambda run: (run.metadata.creation_timestamp or "", run.metadata.name), reverse=True)
    return tuple(map(_ref, [*over[retention.runs :], *unused]))


def _beyond(versions: list[ModelVersion], limit: int | None) -> list[ModelVersion]:
    return [] if limit is None else versions[limit:]


def _failed(version: ModelVersion) -> bool:
    verified = version.status.condition("Verified")
    return verified is not None and verified.status == "False"


def _ref(found: Resource) -> Ref:
    return Ref(f"{GROUP}/{VERSION}", found.NAMES.kind, found.metadata.name, found.metadata.uid)
