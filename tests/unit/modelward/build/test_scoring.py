"""What a scoring pod asks of its node."""

from typing import Any

import pytest

from modelward.api.model_deployment import ModelDeploymentSpec, ServingRevision
from modelward.api.pod import ScoringPod
from modelward.api.resources import Resources
from modelward.build.scoring import scoring_deployment
from modelward.names import Manifest
from modelward.settings import Settings

OWNER = {
    "apiVersion": "modelward.dev/v1alpha1",
    "kind": "ModelDeployment",
    "metadata": {"name": "flights", "namespace": "team", "uid": "1"},
}


SETTINGS = Settings(training_image="training:1", scoring_image="scoring:1")


def deployment(spec: dict[str, Any] | None = None, settings: Settings = SETTINGS, **changes: Any) -> Manifest:
    """`changes` of the revision."""
    asked = ModelDeploymentSpec.model_validate({"modelRef": {"name": "flights"}} | (spec or {}))
    revision = ServingRevision(
        revision="0123456789",
        model_version="flights-1",
        version=1,
        digest="sha256:" + "0" * 64,
        image="scoring:1",
        since="2026-01-01T00:00:00Z",
        **changes,
    )
    return scoring_deployment(OWNER, asked, revision, 1, settings)


def template(**changes: Any) -> Manifest:
    found: Manifest = deployment(**changes)["spec"]["template"]
    return found


def resources_of(container: str, **changes: Any) -> dict[str, Any]:
    pod = template(**changes)["spec"]
    by_name = {each["name"]: each["resources"] for each in [*pod["initContainers"], *pod["containers"]]}
    found: dict[str, Any] = by_name[container]
    return found


@pytest.mark.parametrize(
    ("memory_bytes", "request_", "limit"), [(0, "128Mi", "512Mi"), (300 * 2**20, "428Mi", "1112Mi")]
)
def test_server_without_resources_gets_what_its_model_needs(memory_bytes: int, request_: str, limit: str) -> None:
    wanted = {"requests": {"cpu": "100m", "memory": request_}, "limits": {"memory": limit}}
    assert resources_of("server", memory_bytes=memory_bytes) == wanted


def test_resources_of_the_spec_are_taken_as_they_are() -> None:
    resources = Resources(limits={"memory": "64Mi"})
    for container in ("server", "fetch"):
        assert resources_of(container, memory_bytes=300 * 2**20, resources=resources) == {"limits": {"memory": "64Mi"}}


def test_number_is_a_quantity_like_text() -> None:
    resources = Resources.model_validate({"requests": {"cpu": 0.5}, "limits": {"cpu": 1}})
    assert resources_of("server", resources=resources) == {"requests": {"cpu": "0.5"}, "limits": {"cpu": "1"}}


def test_pods_are_spread_softly_over_zones_and_nodes_unless_the_spec_says_otherwise() -> None:
    ours = template()["spec"]["topologySpreadConstraints"]
    assert [c["topologyKey"] for c in ours] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert {c["whenUnsatisfiable"] for c in ours} == {"ScheduleAnyway"}
    own = {"modelward.dev/deployment": "flights", "modelward.dev/revision": "0123456789"}
    assert all(c["labelSelector"] == {"matchLabels": own} for c in ours)
    assert template(spec={"pod": {"topologySpreadConstraints": []}})["spec"]["topologySpreadConstraints"] == []
    theirs = {"topologyKey": "rack", "maxSkew": 2, "whenUnsatisfiable": "DoNotSchedule"}
    (found,) = template(spec={"pod": {"topologySpreadConstraints": [theirs]}})["spec"]["topologySpreadConstraints"]
    assert theirs.items() <= found.items()


def test_pod_settings_of_the_spec_come_over_the_charts() -> None:
    chart = SETTINGS.model_copy(
        update={
            "scoring_pod": ScoringPod.model_validate(
                {"nodeSelector": {"pool": "serving"}, "priorityClassName": "low", "labels": {"team": "ml", "a": "b"}}
            )
        }
    )
    found = template(spec={"pod": {"priorityClassName": "high", "labels": {"team": "air"}}}, settings=chart)
    assert found["spec"]["nodeSelector"] == {"pool": "serving"}
    assert found["spec"]["priorityClassName"] == "high"
    assert {"team": "air", "a": "b", "app.kubernetes.io/component": "scoring"}.items() <= found["metadata"][
        "labels"
    ].items()


def test_nothing_of_ours_gives_way_to_what_a_user_writes() -> None:
    """The API server refuses such keys; should it ever let one through, it changes nothing."""
    labels = {"app.kubernetes.io/component": "mine", "modelward.dev/revision": "1"}
    found = template(spec={"pod": {"labels": labels, "annotations": {"prometheus.io/port": "1"}}})
    assert found["metadata"]["labels"] == template()["metadata"]["labels"]
    assert found["metadata"]["annotations"] == template()["metadata"]["annotations"]
    assert found["spec"]["securityContext"]["runAsNonRoot"]


def test_service_account_is_given_only_where_the_installation_allows_it_and_without_its_token() -> None:
    asks = {"pod": {"serviceAccountName": "bucket-reader"}}
    assert "serviceAccountName" not in template(spec=asks)["spec"]
    allowed = template(spec=asks, settings=SETTINGS.model_copy(update={"service_accounts": ("bucket-reader",)}))["spec"]
    assert allowed["serviceAccountName"] == "bucket-reader"
    assert allowed["automountServiceAccountToken"] is False


def test_server_has_neither_the_stores_place_nor_the_identity_of_its_pods_service_account() -> None:
    told = {"store_endpoint": "https://s3.example.com", "scoring_pod": ScoringPod(service_account_name="bucket-reader")}
    found = template(settings=SETTINGS.model_copy(update=told))
    (fetch,), (server,) = found["spec"]["initContainers"], found["spec"]["containers"]
    assert {"name": "MODELWARD_STORE_ENDPOINT", "value": "https://s3.example.com"} in fetch["env"]
    assert not [variable for variable in server["env"] if "STORE" in variable["name"]]
    assert found["metadata"]["annotations"]["eks.amazonaws.com/skip-containers"] == "server"


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({}, "0.0.0.0"),
        ({"pod_ip": "10.0.0.1"}, "0.0.0.0"),
        ({"pod_ip": "fd00::1"}, "::"),
        ({"ip_family_policy": "PreferDualStack", "pod_ip": "10.0.0.1"}, "::"),
        ({"ip_family_policy": "SingleStack", "ip_families": ("IPv6",)}, "::"),
    ],
)
def test_server_listens_in_the_families_of_the_cluster(settings: dict[str, Any], host: str) -> None:
    server = template(settings=SETTINGS.model_copy(update=settings))["spec"]["containers"][0]
    assert server["args"][server["args"].index("--host") + 1] == host
