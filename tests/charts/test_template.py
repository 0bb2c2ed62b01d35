"""What the chart renders, without any cluster."""

import pytest
import yaml

from charts.conftest import CHART, Chart, Manifest
from localcluster import paths
from modelward.settings import Settings, StoreCollection

VALUES: dict[str, tuple[str, ...]] = {
    "defaults": (),
    "everything set": (
        "images.registry=registry.local:5000/team",
        "images.tag=v1",
        "images.pullSecrets={pull}",
        "watchNamespaces={team-a,team-b}",
        "store.url=s3://models/prod",
        "store.endpoint=https://s3.example.com",
        "store.region=eu-1",
        "store.class=fast",
        "store.collection.grace=48h",
        "store.collection.dryRun=true",
        "store.accessMode=ReadWriteMany",
        "store.secretName=store",
        "signing.existingSecret=own-key",
        "serviceAccount.annotations.role=ingest",
        "operator.podAnnotations.a=b",
        "operator.podLabels.team=ml",
        "operator.nodeSelector.disk=ssd",
        "operator.tolerations[0].key=dedicated",
        "operator.priorityClassName=high",
        "jobs.resources.ingest.limits.cpu=1",
        "engines.trainJob=true",
        "engines.volume.class=nfs",
        "jobs.pod.nodeSelector.pool=batch",
        "jobs.pod.tolerations[0].operator=Exists",
        "scoring.pod.priorityClassName=high",
        "scoring.pod.topologySpreadConstraints[0].topologyKey=rack",
        "allowedServiceAccounts={bucket-reader,bucket-writer}",
        "network.ipFamilyPolicy=PreferDualStack",
        "network.ipFamilies={IPv4}",
        "actions.verified=true",
        "sources.secrets=false",
        "sources.allowLocalAddresses=true",
        "scrape.rolloutSeconds=0.5",
        "prometheus.servers[0].name=cluster",
        "prometheus.servers[0].url=http://prometheus.monitoring:9090",
        "prometheus.servers[1].name=business",
        "prometheus.servers[1].url=https://thanos.example.com/query",
        "prometheus.servers[1].secretName=thanos-reader",
        "prometheus.servers[1].tenant=shop",
        "metrics.port=9100",
        "networkPolicy.restrictEgress=true",
        "networkPolicy.models=true",
        "networkPolicy.clients[0].podSelector.matchLabels.app=shop",
        "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=monitoring",
        "commonLabels.team=ml",
        "clusterDomain=example.local",
    ),
    "as little as possible": (
        "crds.enabled=false",
        "rbac.aggregate=false",
        "rbac.roles=false",
        "rbac.create=false",
        "serviceAccount.create=false",
        "serviceAccount.name=own",
        "metrics.service=false",
        "networkPolicy.enabled=false",
        "signing.existingSecret=own-key",
    ),
}

WRONG = {
    "images.pullPolicy=always": "'/images/pullPolicy': value must be one of",
    "store.acessMode=ReadWriteOnce": "additional properties 'acessMode' not allowed",
    "store.accessMode=ReadOnlyMany": "'/store/accessMode': value must be one of",
    "store.url=/data": "'/store/url'",
    "store.url=file:///data": "'/store/url'",
    "store.size=big": "'/store/size'",
    "watchNamespaces=team-a": "'/watchNamespaces': got string, want array",
    "watchNamespaces={Team}": "'/watchNamespaces/0'",
    "metrics.port=80": "'/metrics/port'",
    "jobs.resources.ingest.limit.cpu=1": "additional properties 'limit' not allowed",
    "jobs.pod.hostNetwork=true": "additional properties 'hostNetwork' not allowed",
    "network.ipFamilyPolicy=DualStack": "'/network/ipFamilyPolicy'",
    "prometheus.servers[0].name=cluster": "'/prometheus/servers/0': missing property 'url'",
    "prometheus.servers[0].name=a,prometheus.servers[0].url=http://me:secret@host": "'/prometheus/servers/0/url'",
    "prometheus.servers[0].name=a,prometheus.servers[0].token=t": "additional properties 'token' not allowed",
    "prometheus.servers[0].name=a,prometheus.servers[0].url=http://h,"
    "prometheus.servers[1].name=a,prometheus.servers[1].url=http://i": "prometheus.servers: two are named a",
    "replicas=2": "additional properties 'replicas' not allowed",
    "operator.resources.limit.cpu=1": "additional properties 'limit' not allowed",
    "serviceAccount.create=false": "serviceAccount.name: name the service account to use",
}


@pytest.fixture(params=list(VALUES.values()), ids=list(VALUES))
def values(request: pytest.FixtureRequest) -> tuple[str, ...]:
    found: tuple[str, ...] = request.param
    return found


def test_lint_finds_nothing(chart: Chart, values: tuple[str, ...]) -> None:
    switches = [word for value in values for word in ("--set", value)]
    done = chart.helm("lint", str(CHART), "--strict", "--kube-version", "1.35", *switches)
    assert done.ok, done.out


@pytest.mark.parametrize(("value", "message"), WRONG.items(), ids=WRONG.keys())
def test_wrong_value_is_refused_by_its_name(chart: Chart, value: str, message: str) -> None:
    done = chart.template(value)
    assert not done.ok
    assert message in done.out


def test_environment_is_what_the_operator_reads(chart: Chart, values: tuple[str, ...]) -> None:
    environment = _environment(chart.one("Deployment", *values))
    assert {f"MODELWARD_{name.upper()}" for name in Settings.model_fields} >= set(environment)
    Settings.from_environment(environment)


def test_settings_follow_the_values(chart: Chart) -> None:
    settings = Settings.from_environment(_environment(chart.one("Deployment", *VALUES["everything set"])))
    assert settings.watch_namespaces == ("team-a", "team-b")
    assert (settings.store_url, settings.store_secret) == ("s3://models/prod", "store")
    assert (settings.store_endpoint, settings.store_region) == ("https://s3.example.com", "eu-1")
    assert settings.store_collection == StoreCollection(grace="48h", dry_run=True)
    assert (settings.store_class, settings.store_access_mode) == ("fast", "ReadWriteMany")
    assert settings.training_image == "registry.local:5000/team/modelward-training:v1"
    assert settings.scoring_image == "registry.local:5000/team/modelward-scoring:v1"
    assert (settings.rollout_scrape_seconds, settings.metrics_port) == (0.5, 9100)
    assert settings.job_resources.ingest.limits == {"cpu": 1, "memory": "2Gi"}
    assert settings.job_pod.pod_fields() == {"nodeSelector": {"pool": "batch"}, "tolerations": [{"operator": "Exists"}]}
    assert settings.scoring_pod.priority_class_name == "high"
    assert settings.service_accounts == ("bucket-reader", "bucket-writer")
    assert settings.actions_verified
    assert (settings.source_secrets, settings.local_sources) == (False, True)
    assert [server.model_dump() for server in settings.prometheus] == [
        {"name": "cluster", "url": "http://prometheus.monitoring:9090", "folder": "", "tenant": ""},
        {
            "name": "business",
            "url": "https://thanos.example.com/query",
            "folder": "/etc/modelward/prometheus/business",
            "tenant": "shop",
        },
    ]
    assert (settings.ip_family_policy, settings.ip_families) == ("PreferDualStack", ("IPv4",))


def test_service_for_metrics_is_of_the_families_that_are_asked_for(chart: Chart) -> None:
    values = ("network.ipFamilyPolicy=RequireDualStack", "network.ipFamilies={IPv6,IPv4}")
    service = chart.one("Service", *values)["spec"]
    assert (service["ipFamilyPolicy"], service["ipFamilies"]) == ("RequireDualStack", ["IPv6", "IPv4"])
    assert not {"ipFamilyPolicy", "ipFamilies"} & chart.one("Service")["spec"].keys()


def test_defaults_of_the_chart_are_the_operators(chart: Chart) -> None:
    environment = _environment(chart.one("Deployment"))
    own = ("TRAINING_IMAGE", "SCORING_IMAGE", "SIGNING_SECRET")
    named = {key: environment[key] for key in map("MODELWARD_{}".format, own)}
    assert Settings.from_environment(environment) == Settings.from_environment(named)


def test_whole_image_reference_wins(chart: Chart) -> None:
    digest = "registry.local/operator@sha256:00"
    container = _pod(chart.one("Deployment", f"images.operator={digest}", "images.registry=other"))["containers"][0]
    assert container["image"] == digest


def test_scripts_run_in_the_training_image_unless_another_is_named(chart: Chart) -> None:
    def run_in(*values: str) -> str:
        return Settings.from_environment(_environment(chart.one("Deployment", *values))).scripts_run_in

    assert run_in("images.registry=r.example.com", "images.tag=v2") == "r.example.com/modelward-training:v2"
    assert run_in("images.registry=r.example.com", "images.script=team/scripts:7") == "team/scripts:7"


def test_one_operator_that_is_gone_before_the_next_starts(chart: Chart) -> None:
    spec = chart.one("Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_liveness_probe_is_patient(chart: Chart) -> None:
    probe = _pod(chart.one("Deployment"))["containers"][0]["livenessProbe"]
    assert probe["httpGet"]["path"] == "/healthz"
    assert probe["timeoutSeconds"] >= 5


def test_crds_are_those_of_the_repository_and_stay_behind(chart: Chart) -> None:
    rendered = {crd["metadata"]["name"]: crd for crd in chart.render() if crd["kind"] == "CustomResourceDefinition"}
    for path in (paths.REPOSITORY / "crds").glob("*.yaml"):
        plain = yaml.safe_load(path.read_text())
        crd = rendered.pop(plain["metadata"]["name"])
        assert crd["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        assert crd == plain
    assert rendered == {}


def test_crds_go_where_asked(chart: Chart) -> None:
    crds = [crd for crd in chart.render("crds.keep=false") if crd["kind"] == "CustomResourceDefinition"]
    assert len(crds) == len(list((paths.REPOSITORY / "crds").glob("*.yaml")))
    assert all("annotations" not in crd["metadata"] for crd in crds)


def test_operator_gets_no_wildcard_no_secret_but_by_name_and_no_way_up(chart: Chart, values: tuple[str, ...]) -> None:
    granted = _granted(chart, *values)
    assert not {resource for resource, _ in granted} & {"*", "pods/exec", "serviceaccounts", "roles"}
    assert {verb for resource, verb in granted if resource == "secrets"} <= {"get"}
    assert ("secrets", "get") in _granted(chart)
    assert "secrets" not in {resource for resource, _ in _granted(chart, "sources.secrets=false", *values)}
    assert not {verb for _, verb in granted} & {"*", "deletecollection", "escalate", "bind", "impersonate"}


def test_train_jobs_may_be_made_only_where_the_installation_says_so(chart: Chart) -> None:
    assert "trainjobs" not in {resource for resource, _ in _granted(chart)}
    granted = {verb for resource, verb in _granted(chart, "engines.trainJob=true") if resource == "trainjobs"}
    assert granted == {"list", "get", "create", "delete"}
    settings = Settings.from_environment(_environment(chart.one("Deployment", *VALUES["everything set"])))
    assert (settings.engine_train_job, settings.engine_volume_class) == (True, "nfs")


def _granted(chart: Chart, *values: str) -> set[tuple[str, str]]:
    rules = [rule for role in _roles(chart.render(*values)) for rule in role["rules"]]
    return {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}


def test_named_namespaces_need_nothing_cluster_wide(chart: Chart) -> None:
    without = ("rbac.aggregate=false", "rbac.roles=false", "crds.enabled=false")
    rendered = chart.render("watchNamespaces={team-a,team-b}", *without)
    assert {role["metadata"]["namespace"] for role in _roles(rendered)} == {"team-a", "team-b"}
    assert all("namespace" in manifest["metadata"] for manifest in rendered)


def test_signing_key_is_the_operators_to_make_and_every_rendering_the_same(chart: Chart) -> None:
    secret = chart.one("Secret")
    assert "data" not in secret
    assert chart.one("Secret") == secret
    (volume,) = (v["secret"] for v in _pod(chart.one("Deployment"))["volumes"] if "secret" in v)
    assert (volume["secretName"], volume["optional"]) == (secret["metadata"]["name"], True)
    (rule,) = chart.one("Role")["rules"]
    assert (rule["resourceNames"], rule["verbs"]) == ([secret["metadata"]["name"]], ["get", "patch"])


def test_own_signing_key_is_mounted_and_none_made(chart: Chart) -> None:
    rendered = chart.render("signing.existingSecret=own-key")
    assert not [manifest for manifest in rendered if manifest["kind"] == "Secret"]
    (volume,) = (v["secret"] for v in _pod(chart.one("Deployment", "signing.existingSecret=own-key"))["volumes"][:1])
    assert volume["secretName"] == "own-key"
    assert "optional" not in volume


def test_token_of_a_prometheus_server_is_mounted_and_its_port_opened(chart: Chart) -> None:
    values = VALUES["everything set"]
    pod = _pod(chart.one("Deployment", *values))
    volumes = {volume["name"]: volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert volumes["prometheus-business"] == "thanos-reader"
    assert mounts["prometheus-business"] == "/etc/modelward/prometheus/business"
    assert "prometheus-cluster" not in volumes
    egress = chart.one("NetworkPolicy", *values, "networkPolicy.models=false")["spec"]["egress"]
    assert [port["port"] for port in egress[-1]["ports"]] == [9090, 443]
    without = chart.one("NetworkPolicy", "networkPolicy.restrictEgress=true")["spec"]["egress"]
    assert len(without) == len(egress) - 1


def _pod(deployment: Manifest) -> Manifest:
    found: Manifest = deployment["spec"]["template"]["spec"]
    return found


def _environment(deployment: Manifest) -> dict[str, str]:
    """The variables as the container sees them; its namespace is the operator's default, its address unknown."""
    variables = _pod(deployment)["containers"][0]["env"]
    from_pod = {"MODELWARD_NAMESPACE": "modelward-system", "MODELWARD_POD_IP": ""}
    return {variable["name"]: variable.get("value", from_pod.get(variable["name"])) for variable in variables}


def _roles(rendered: list[Manifest]) -> list[Manifest]:
    """The operator's own; all others are people's."""
    roles = [manifest for manifest in rendered if manifest["kind"] in {"Role", "ClusterRole"}]
    return [role for role in roles if role["metadata"]["name"] == "modelward"]
