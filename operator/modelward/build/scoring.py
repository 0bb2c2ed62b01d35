"""The Deployment of one revision: an init container fetches the model by digest, the server verifies and serves it."""

import math
from typing import Any

from modelward.api.model_deployment import ModelDeploymentSpec, ServingRevision
from modelward.api.pod import ScoringPod, TopologySpreadConstraint
from modelward.build.pod import (
    settings_of_pod,
    store_environment,
    store_mounts,
    store_variables,
    store_volumes,
    template,
    without_identity,
)
from modelward.build.traffic import traffic_name
from modelward.names import DEPLOYMENT, REVISION, Manifest, child_name, labels, owned_by
from modelward.settings import Settings

DATA, DIRECT, ADMIN = 8080, 8081, 8082
MODEL_DIR, TRAFFIC_DIR = "/model", "/etc/modelward/traffic"
SPREAD = [
    TopologySpreadConstraint(topology_key="topology.kubernetes.io/zone"),
    TopologySpreadConstraint(topology_key="kubernetes.io/hostname"),
]


def revision_name(deployment: str, revision: str) -> str:
    return child_name(deployment, revision)


def revision_selector(deployment: str, revision: ServingRevision) -> dict[str, str]:
    return {DEPLOYMENT: deployment, REVISION: revision.revision}


def revision_labels(deployment: str, revision: ServingRevision) -> dict[str, str]:
    return labels("scoring", deployment=deployment, revision=revision.revision, model_version=revision.model_version)


def scoring_deployment(
    owner: Manifest, spec: ModelDeploymentSpec, revision: ServingRevision, replicas: int, settings: Settings
) -> Manifest:
    """`spec` says where the pods run; what they run, the revision does."""
    name, namespace = owner["metadata"]["name"], owner["metadata"]["namespace"]
    own, chosen = revision_labels(name, revision), settings_of_pod(spec.pod, settings.scoring_pod, settings)
    pod = _pod(name, namespace, revision, settings) | {"topologySpreadConstraints": _spread(name, revision, chosen)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": revision_name(name, revision.revision),
            "namespace": namespace,
            "labels": own,
            "ownerReferences": [owned_by(owner)],
        },
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 0,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": revision_selector(name, revision)},
            "template": template(pod, chosen, own, _annotations(revision) | without_identity(("server",), chosen)),
        },
    }


def _annotations(revision: ServingRevision) -> dict[str, str]:
    return {
        "modelward.dev/model-digest": revision.digest,
        "kubectl.kubernetes.io/default-container": "server",
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(ADMIN),
        "prometheus.io/path": "/metrics",
    }


def _pod(name: str, namespace: str, revision: ServingRevision, settings: Settings) -> dict[str, Any]:
    return {
        "terminationGracePeriodSeconds": 30,
        "initContainers": [_fetch(name, namespace, revision, settings)],
        "containers": [_server(name, namespace, revision, settings)],
        "volumes": [
            {"name": "model", "emptyDir": {}},
            {"name": "traffic", "configMap": {"name": traffic_name(name), "optional": True}},
            *store_volumes(settings),
        ],
    }


def _spread(name: str, revision: ServingRevision, chosen: ScoringPod) -> list[dict[str, Any]]:
    """Pods of one revision and one template, so that a change of the pods' settings spreads anew."""
    asked = chosen.topology_spread_constraints
    return [
        {
            **constraint.wire(),
            "labelSelector": {"matchLabels": revision_selector(name, revision)},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for constraint in (SPREAD if asked is None else asked)
    ]


def _fetch(name: str, namespace: str, revision: ServingRevision, settings: Settings) -> dict[str, Any]:
    """Alone with the store; refuses what was rolled back before, and bytes that are not the digest's."""
    return {
        "name": "fetch",
        "image": revision.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": ["python", "-m", "modelward_serving.fetch"],
        "args": [
            *("--store", settings.store_url, "--namespace", namespace),
            *("--manifest", revision.digest, "--to", MODEL_DIR),
            *("--deployment", name, "--revision", revision.revision, "--retry", str(revision.retry)),
        ],
        # It runs before the server, so what the server is given costs nothing more and passes the same quota.
        "resources": revision.resources.container() or settings.job_resources.fetch.container(),
        "volumeMounts": [{"name": "model", "mountPath": MODEL_DIR}, *store_mounts(settings)],
        "env": store_variables(settings),
        **store_environment(settings),
    }


def _server(name: str, namespace: str, revision: ServingRevision, settings: Settings) -> dict[str, Any]:
    return {
        "name": "server",
        "image": revision.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": ["python", "-m", "modelward_serving"],
        "args": [
            MODEL_DIR,
            *("--name", name, "--version", str(revision.version), "--digest", revision.digest),
            *("--host", settings.listen),
            *("--port", str(DATA), "--direct-port", str(DIRECT), "--admin-port", str(ADMIN)),
            *("--deployment", f"{namespace}/{name}", "--revision", revision.revision),
            *("--traffic-dir", TRAFFIC_DIR),
            *(("--batching", "off") if revision.batching == "Off" else ()),
            *_limits(revision),
        ],
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [
            {"name": "data", "containerPort": DATA},
            {"name": "direct", "containerPort": DIRECT},
            {"name": "admin", "containerPort": ADMIN},
        ],
        "resources": _resources(revision),
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "admin"}, "periodSeconds": 2, "timeoutSeconds": 5},
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": "admin"},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
        "startupProbe": {
            "httpGet": {"path": "/healthz", "port": "admin"},
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": 120,
        },
        "volumeMounts": [
            {"name": "model", "mountPath": MODEL_DIR, "readOnly": True},
            {"name": "traffic", "mountPath": TRAFFIC_DIR, "readOnly": True},
        ],
    }


def _limits(revision: ServingRevision) -> list[str]:
    limits = revision.limits
    options = {
        "--max-json-bytes": limits.json_size,
        "--max-body-bytes": limits.body_size,
        "--max-receive-seconds": limits.receive_seconds,
        "--max-rows": limits.rows,
    }
    return [text for option, value in options.items() if value is not None for text in (option, str(value))]


def _resources(revision: ServingRevision) -> dict[str, Any]:
    """The spec's; else what the server and the loaded model need, and twice the model to load it."""
    if asked := revision.resources.container():
        return asked
    model = math.ceil(revision.memory_bytes / 2**20)
    return {"requests": {"cpu": "100m", "memory": f"{128 + model}Mi"}, "limits": {"memory": f"{512 + 2 * model}Mi"}}
