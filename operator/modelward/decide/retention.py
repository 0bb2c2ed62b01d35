"""Which TrainingRuns and ModelVersions of a RegisteredModel go: the oldest, of those that nobody uses."""

from collections.abc import Iterable, Iterator

from modelward.api import GROUP, VERSION, ModelDeployment, ModelVersion, Resource, TrainingRun
from modelward.api.registered_model import Retention
from modelward.decide.aliases import held
from modelward.decide.plan import Ref
from modelward.decide.where_served import in_use


def superfluous(
    retention: Retention,
    runs: Iterable[TrainingRun],
    versions: Iterable[ModelVersion],
    deployments: Iterable[ModelDeployment],
) -> tuple[Ref, ...]:
    over = [run for run in runs if run.status.is_over]
    newest = sorted(versions, key=lambda version: version.spec.version, reverse=True)
    bad = [version for version in newest if _failed(version)]
    good = [version for version in newest if version not in bad]
    used = {what for deployment in deployments for what in _used_by(deployment)}
    beyond = [*_beyond(good, retention.versions), *_beyond(bad, retention.unverified_versions)]
    unused = [v for v in beyond if not _stays(v) and not {v.metadata.name, str(v.spec.version), v.spec.digest} & used]
    over.sort(key=lambda run: (run.metadata.creation_timestamp or "", run.metadata.name), reverse=True)
    return tuple(map(_ref, [*over[retention.runs :], *unused]))


def _beyond(versions: list[ModelVersion], limit: int | None) -> list[ModelVersion]:
    return [] if limit is None else versions[limit:]


def _stays(version: ModelVersion) -> bool:
    """It serves, is on trial, warm or rejected, or a person has said something for it."""
    status = version.status
    return any(in_use(status.deployments)) or bool(held(status.aliases)) or status.approval is not None


def _used_by(deployment: ModelDeployment) -> Iterator[str]:
    """What its spec names, and what it runs: the versions hear of that a moment later."""
    yield str(deployment.spec.model_ref.version)
    yield from (each.model_version for each in deployment.status.revisions)


def _failed(version: ModelVersion) -> bool:
    verified = version.status.condition("Verified")
    return verified is not None and verified.status == "False"


def _ref(found: Resource) -> Ref:
    return Ref(f"{GROUP}/{VERSION}", found.NAMES.kind, found.metadata.name, found.metadata.uid)
