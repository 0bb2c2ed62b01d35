"""Which revision the spec asks for.

A revision is what serves: model manifest, resources, pinned scoring image. Its identity is a versioned hash of just
these, so that policy (steps, analysis, replicas) starts no rollout. The scoring image is pinned when a revision is
first asked for and found again in the status afterwards, so that an operator upgrade starts none either; only
spec.runtime.image asks for another.
"""

import re
from collections.abc import Iterable, Sequence

from modelward.api import ModelDeployment, ModelVersion
from modelward.api.common import ALIAS
from modelward.api.model_deployment import Batching, Limits, ModelDeploymentStatus, ServingRevision, Verdict
from modelward.api.resources import Resources
from modelward.decide.aliases import holder
from modelward.errors import Refused, Wait
from modelward.names import ACTION, short_hash
from modelward_contracts.wire import canonical

IDENTITY = "1"
"""Raise it only with a migration: every deployment would roll out again."""
_NO_LIMITS = Limits()


def revision_of(
    digest: str, resources: Resources, image: str, batching: Batching = "Auto", limits: Limits = _NO_LIMITS
) -> str:
    """What a spec does not say is no part of the hash: settings that come later start no rollout."""
    said = [] if batching == "Auto" else [f"batching={batching}"]
    said += [f"limits={canonical(limits.wire()).decode()}"] if limits != _NO_LIMITS else []
    return short_hash(IDENTITY, digest, canonical(resources.wire()).decode(), image, *said)


def resolve(deployment: ModelDeployment, versions: Sequence[ModelVersion]) -> ModelVersion:
    """The version that modelRef names. Raises Wait where it may still come, Refused where it must not serve."""
    ref = deployment.spec.model_ref
    of_model = [v for v in versions if v.spec.model_name == ref.name and not v.metadata.deletion_timestamp]
    gone = _deleted(deployment, of_model)
    if ref.version == "Latest":
        verified = newest_first(deployment, versions)
        if gone and (not verified or verified[0].spec.version < gone.version):
            raise Wait("VersionDeleted", f"{_serves_on(gone)} until there is a newer version")
        if verified:
            return verified[0]
        raise Wait("VersionNotFound", f"no verified version of model {ref.name} yet: waiting for a TrainingRun")
    wanted = str(ref.version)
    version = _named(wanted, of_model)
    if version is None and gone:
        raise Wait("VersionDeleted", f"{_serves_on(gone)} until spec.modelRef.version names another" + _known(of_model))
    if version is None:
        raise _missing(ref.name, wanted, of_model)
    verified_condition = version.status.condition("Verified")
    if verified_condition is None or verified_condition.status == "Unknown":
        raise Wait("VersionNotVerified", f"ModelVersion {version.metadata.name} is not verified yet", 5.0)
    if verified_condition.status == "False":
        raise Refused(verified_condition.reason, f"{version.metadata.name} is not served: {verified_condition.message}")
    return version


def _named(wanted: str, of_model: Sequence[ModelVersion]) -> ModelVersion | None:
    """By its number, its digest, or an alias."""
    if is_alias(wanted):
        holds = holder(wanted, of_model)
        return holds[0] if holds else None
    return next((v for v in of_model if wanted in (str(v.spec.version), v.spec.digest)), None)


def is_alias(version: int | str) -> bool:
    return re.fullmatch(ALIAS, str(version)) is not None


def _missing(model: str, wanted: str, of_model: Sequence[ModelVersion]) -> Wait:
    if is_alias(wanted):
        ask = f'annotate it: {ACTION}: "alias {wanted}"'
        return Wait("AliasNotHeld", f"no version of model {model} is called {wanted}; {ask}" + _known(of_model))
    return Wait("VersionNotFound", f"ModelVersion {model}-{wanted} does not exist" + _known(of_model))


def _deleted(deployment: ModelDeployment, of_model: Sequence[ModelVersion]) -> ServingRevision | None:
    """What serves, where its ModelVersion is gone: nothing that it needs went with it."""
    stable, model = deployment.status.stable, deployment.spec.model_ref.name
    if stable is None or stable.model_version != f"{model}-{stable.version}":
        return None
    return None if any(v.metadata.name == stable.model_version for v in of_model) else stable


def _serves_on(gone: ServingRevision) -> str:
    return f"ModelVersion {gone.model_version} was deleted; it serves on, out of the store,"


def newest_first(deployment: ModelDeployment, versions: Iterable[ModelVersion]) -> list[ModelVersion]:
    """The verified versions of the deployment's model."""
    of_model = [v for v in versions if v.spec.model_name == deployment.spec.model_ref.name]
    verified = [v for v in of_model if v.status.is_true("Verified") and not v.metadata.deletion_timestamp]
    return sorted(verified, key=lambda v: v.spec.version, reverse=True)


def _known(versions: Iterable[ModelVersion]) -> str:
    names = sorted(v.metadata.name for v in versions)
    return f"; there are {', '.join(names[-5:])}" if names else ""


def target_of(deployment: ModelDeployment, version: ModelVersion, scoring_image: str, now: str) -> ServingRevision:
    """The revision to serve for this version, with the image that the spec asks for or else that it was first asked for
    with, and the amounts of its resources as they were written then."""
    digest, resources, batching = version.spec.digest, deployment.spec.resources, deployment.spec.batching
    limits, asked = deployment.spec.limits, deployment.spec.runtime.image
    wanted = (digest, batching, limits)
    alike = (r for r in _remembered(deployment) if (r.digest, r.batching, r.limits) == wanted)
    known = next((r for r in alike if r.resources.equals(resources) and asked in (None, r.image)), None)
    image, resources = (known.image, known.resources) if known else (asked or scoring_image, resources)
    revision = revision_of(digest, resources, image, batching, limits)
    return ServingRevision(
        revision=revision,
        model_version=version.metadata.name,
        version=version.spec.version,
        digest=digest,
        image=image,
        resources=resources,
        batching=batching,
        limits=limits,
        memory_bytes=version.spec.memory_bytes,
        retry=_try(deployment, revision),
        since=now,
    )


def known_to(status: ModelDeploymentStatus) -> set[str]:
    """Revisions that are on trial already, or served well before: what is asked of a new one was accepted then."""
    serving = status.revisions
    return {r.revision for r in (*status.served, *serving)}


def _try(deployment: ModelDeployment, revision: str) -> int:
    """Above every verdict on it that a person has lifted: its pods hold this against the one in the store."""
    lifted = (v.retry + 1 for v in deployment.status.verdicts if v.lifted and v.revision == revision)
    return max([deployment.spec.rollout.retry, *lifted])


def _remembered(deployment: ModelDeployment) -> list[ServingRevision | Verdict]:
    status = deployment.status
    serving = [r for r in (status.stable, status.candidate, status.previous, status.set_aside) if r]
    return [*serving, *reversed(status.served), *reversed(status.verdicts)]


def rejection(deployment: ModelDeployment, revision: str) -> Verdict | None:
    """What keeps this revision from being rolled out: a verdict, or that it came to no conclusion. A larger
    spec.rollout.retry lifts it, and so does the action `retry`."""
    known = [*deployment.status.verdicts, *([deployment.status.set_aside] if deployment.status.set_aside else [])]
    binding = [v for v in known if v.revision == revision and v.binds(deployment.spec.rollout.retry)]
    return binding[-1] if binding else None
