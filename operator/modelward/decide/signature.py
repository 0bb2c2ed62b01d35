"""Whether clients of the version in service could go on as they do with another one."""

from modelward.api import ModelVersion
from modelward.api.model_deployment import ServingRevision
from modelward.api.model_version import Signature, Tensor
from modelward.decide.observed import DeploymentObserved
from modelward.decide.revision import known_to
from modelward.errors import Refused


def require_same_signature(o: DeploymentObserved, target: ServingRevision, version: ModelVersion) -> None:
    """Raises Refused where requests that the version in service takes, or answers that its clients read, change.

    A revision that is on trial already, or that served well before, was accepted then."""
    status = o.status
    if o.deployment.spec.rollout.accept_signature or target.revision in known_to(status):
        return
    stable = next((v for v in o.versions if status.stable and v.spec.digest == status.stable.digest), None)
    if stable is None or not (changes := signature_changes(stable.spec.signature, version.spec.signature)):
        return
    raise Refused(
        "SignatureChanged",
        f"{version.metadata.name} does not fit the clients of {stable.metadata.name}: {'; '.join(changes[:5])}"
        f"{f' and {len(changes) - 5} more' if len(changes) > 5 else ''}. Set rollout.acceptSignature: true once they"
        " are ready for it",
    )


def signature_changes(old: Signature, new: Signature) -> list[str]:
    """In words, inputs first. None where every request and every reader of the old one fits the new one."""
    changes = []
    before, after = _by_name(old.inputs), _by_name(new.inputs)
    for name, tensor in before.items():
        if name not in after:
            changes.append(f"input {name} is gone")
        elif not _takes(after[name], tensor):
            changes.append(f"input {name} takes {_form(after[name])} instead of {_form(tensor)}")
    changes += [f"input {name} is new" for name in after if name not in before]
    said, says = _by_name(old.outputs), _by_name(new.outputs)
    for name, tensor in said.items():
        if name not in says:
            changes.append(f"output {name} is gone")
        elif says[name].datatype != tensor.datatype or len(says[name].shape) != len(tensor.shape):
            changes.append(f"output {name} is {_form(says[name])} instead of {_form(tensor)}")
    return changes


def _takes(new: Tensor, old: Tensor) -> bool:
    """Each size that the old one takes is one that the new one takes."""
    if new.datatype != old.datatype or len(new.shape) != len(old.shape):
        return False
    return all(now in (-1, before) for now, before in zip(new.shape, old.shape, strict=True))


def _form(tensor: Tensor) -> str:
    return f"{tensor.datatype} {list(tensor.shape)}"


def _by_name(tensors: list[Tensor]) -> dict[str, Tensor]:
    return {tensor.name: tensor for tensor in tensors}
