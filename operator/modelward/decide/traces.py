"""The trace of a trial goes into the store when that is over. Nothing waits for it: what cannot be kept is lost."""

from collections.abc import Iterator

from modelward.api.model_deployment import ModelDeploymentStatus
from modelward.build.trace import trace_job, trace_name
from modelward.decide.judge.recording import Recording
from modelward.decide.observed import DeploymentObserved
from modelward.decide.plan import Event, Ref
from modelward.decide.rollout.on_trial import TRIAL, start_of
from modelward.names import Manifest
from modelward.settings import Settings


def is_over(status: ModelDeploymentStatus, recording: Recording) -> bool:
    return status.phase not in TRIAL or status.rollout_started != recording.began


def name_of(o: DeploymentObserved, recording: Recording) -> str:
    return trace_name(o.deployment.metadata.name, recording.revision, recording.part)


def untold_trace(o: DeploymentObserved, settings: Settings) -> tuple[Manifest, ...]:
    """The Job that is still to be made, or has no task yet."""
    recording = o.recording
    if recording is None or not is_over(o.status, recording):
        return ()
    if name_of(o, recording) in {job.name for job in o.trace_jobs if job.has_task}:
        return ()
    trace = recording.compressed(start_of(o.deployment.spec.rollout))
    return trace_job(o.raw, recording.revision, recording.part, trace, settings)


def finished_jobs(o: DeploymentObserved) -> Iterator[Ref]:
    for job in o.trace_jobs:
        if job.finished:
            yield Ref("v1", "ConfigMap", job.name)
            yield Ref("batch/v1", "Job", job.name)


def lost_traces(o: DeploymentObserved) -> Iterator[Event]:
    for job in o.trace_jobs:
        if job.failed:
            yield Event(
                "Warning", "TraceNotStored", f"Job {job.name} could not write the trace of a trial to the store"
            )
