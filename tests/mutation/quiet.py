"""Fields that may change without anything to be seen at once, and why that is right."""

from typing import Any

from modelward.api import KINDS

_BY_PREFIX: dict[str, dict[str, str]] = {
    "ModelDeployment": {
        "spec.rollout": "policy of the next rollout",
        "spec.analysis": "policy of the next rollout",
        "spec.paused": "policy of the next rollout",
    },
    "Dataset": {
        "spec.historyLimit": "of versions that are too many; here is one",
        "spec.interval": "of the next look",
        "spec.schedule": "of the next look",
        "spec.timeZone": "of the next look",
        "spec.resources": "of the next ingest: what was read stays right",
        "spec.pod": "of the next ingest: what was read stays right",
        "spec.suspend": "of the next look",
    },
    "RegisteredModel": {
        "spec.triggers": "of what has not happened yet",
        "spec.coolDown": "of the next run",
        "spec.budget": "of the next run",
        "spec.retention": "of versions that are too many",
        "spec.suspend": "of the next run",
        "spec.run.pod": "of the next run: the model does not depend on it",
        "spec.run.resources": "of the next run: the model does not depend on it",
        "spec.run.ttlSecondsAfterFinished": "of the next run: the model does not depend on it",
        "spec.run.stepResources": "of the next run: the model does not depend on it",
    },
}


_MODELS = {model.NAMES.kind: model for model in KINDS}


def same_in_other_words(kind: str, spec: Any, original: Any) -> bool:
    """A default that is written out, a number in quotes."""
    one, other = (_MODELS[kind].model_fields["spec"].annotation.model_validate(each) for each in (spec, original))
    return bool(_as_text(one.wire()) == _as_text(other.wire()))


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_text(below) for key, below in value.items()}
    return [_as_text(below) for below in value] if isinstance(value, list) else str(value)


def why_quiet(kind: str, name: str) -> str | None:
    found = [why for prefix, why in _BY_PREFIX.get(kind, {}).items() if name.startswith(prefix)]
    return found[-1] if found else None
