"""The models and deployments of a platform: a hundred to a namespace, each deployment with a model of its own."""

from collections.abc import Iterator

from api.manifests import changed, manifest
from benchmarks.operator.client import Manifest

NAMESPACE_SIZE = 100
FEATURES = 30
ROOT = "/apis/modelward.dev/v1alpha1"


def namespace_of(number: int) -> str:
    return f"team-{number // NAMESPACE_SIZE}"


def name_of(number: int) -> str:
    return f"model-{number}"


def namespaces(size: int) -> Iterator[tuple[str, Manifest]]:
    for name in sorted({namespace_of(number) for number in range(size)}):
        yield "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def versions(size: int) -> Iterator[tuple[str, Manifest]]:
    """Verified ones, as `publish` would have them."""
    inputs = [{"name": f"feature_{n}", "datatype": "FP32", "shape": [-1, 1]} for n in range(FEATURES)]
    passed = {"status": "True", "reason": "NoGates", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    for number in range(size):
        namespace, name = namespace_of(number), name_of(number)
        changes = {
            "metadata.name": f"{name}-1",
            "metadata.labels": {"modelward.dev/model": name},
            "spec.modelName": name,
            "spec.digest": f"sha256:{number:064x}",
            "spec.signature.inputs": inputs,
            "status": {"conditions": [{"type": type_, **passed} for type_ in ("Ready", "Verified")]},
        }
        yield f"{ROOT}/namespaces/{namespace}/modelversions", manifest("ModelVersion", namespace, changes)


def deployments(size: int) -> Iterator[tuple[str, Manifest]]:
    for number in range(size):
        namespace, name = namespace_of(number), name_of(number)
        found = manifest("ModelDeployment", namespace, {"metadata.name": name, "spec.modelRef.name": name})
        yield f"{ROOT}/namespaces/{namespace}/modeldeployments", changed(found, {"spec.replicas": 2})


def path_of(number: int) -> str:
    return f"{ROOT}/namespaces/{namespace_of(number)}/modeldeployments/{name_of(number)}"
