"""What a Job's containers can reach: the store and its credentials are ours, a user's code sees its files."""

import json
from typing import Any

import pytest

from modelward.api import Dataset, TrainingRun
from modelward.api.evaluation import PinnedServing
from modelward.api.pod import JobPod
from modelward.api.script import ScriptOrigin
from modelward.api.training_run import PinnedDataset
from modelward.build.checkpoint import checkpoint_claim
from modelward.build.job import ingest_job, training_job
from modelward.build.task import ingest_task, train_task
from modelward.names import Manifest
from modelward.settings import Settings
from modelward_contracts.tasks import PII_SALT, Evaluation, Gate, ServingModel, SliceBy
from modelward_contracts.wire import canonical

SETTINGS = Settings(training_image="training:1", scoring_image="scoring:1", store_secret="bucket")
OWNER: Manifest = {
    "apiVersion": "modelward.dev/v1alpha1",
    "kind": "TrainingRun",
    "metadata": {"name": "flights-a", "namespace": "ns", "uid": "u1"},
}
CONTAINER = {
    "image": "mine:1",
    "command": ["python", "train.py"],
    "args": ["--fast"],
    "env": [{"name": "MODE", "value": "fast"}],
    "runAsUser": 1000,
}


def run(labels: dict[str, str] | None = None, **spec: Any) -> TrainingRun:
    trains = (
        {}
        if {"container", "script", "import", "reproduce"} & spec.keys()
        else {"estimator": {"name": "LogisticRegression", "parameters": {"C": 0.5}}}
    )
    defaults = {"modelName": "flights", "datasetRef": {"name": "flights"}}
    metadata = OWNER["metadata"] | {"labels": labels or {}}
    return TrainingRun.model_validate({"metadata": metadata, "spec": defaults | trains | spec})


def dataset(**spec: Any) -> Dataset:
    defaults = {"source": {"pvc": {"claimName": "flights-raw"}}, "columns": {"label": "late"}}
    return Dataset.model_validate({"metadata": OWNER["metadata"], "spec": defaults | spec})


def training(settings: Settings = SETTINGS, **spec: Any) -> Manifest:
    return training_job(OWNER, run(**spec), "flights-a-train", {"ours": "yes"}, settings)


def test_salt_is_in_the_ingest_container_only_where_it_hashes() -> None:
    def found(pii: dict[str, str]) -> list[dict[str, Any]]:
        made = dataset(columns={"label": "late", "pii": pii})
        job = ingest_job(OWNER, made, "flights-ingest", {}, SETTINGS)
        assert ingest_task(made, SETTINGS).pii == pii
        return [each for each in containers(job)["ingest"]["env"] if "valueFrom" in each]

    salt = {"name": "MODELWARD_PII_SALT", "valueFrom": {"secretKeyRef": {"name": "modelward-pii", "key": "salt"}}}
    assert found({"customer": "Hash"}) == [salt]
    assert found({"customer": "Drop"}) == found({}) == []


def containers(job: Manifest) -> dict[str, dict[str, Any]]:
    pod = job["spec"]["template"]["spec"]
    return {each["name"]: each for each in [*pod["initContainers"], *pod["containers"]]}


def mounts(container: dict[str, Any]) -> dict[str, str]:
    return {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}


def env(container: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container["env"]}


@pytest.mark.parametrize("spec", [{}, {"container": CONTAINER}], ids=["ours", "theirs"])
def test_train_reaches_neither_the_store_nor_its_credentials(spec: dict[str, Any]) -> None:
    found = containers(training(**spec))
    assert list(found) == ["fetch", "train", "publish"]
    for name in ("fetch", "publish"):
        assert mounts(found[name])["/store"] == "modelward-store"
        assert found[name]["envFrom"] == [{"secretRef": {"name": "bucket"}}]
    assert "/store" not in mounts(found["train"])
    assert "envFrom" not in found["train"]


@pytest.mark.parametrize("spec", [{}, {"container": CONTAINER}], ids=["ours", "theirs"])
def test_endpoint_and_region_of_the_store_are_told_to_our_containers_alone(spec: dict[str, Any]) -> None:
    told = {"store_url": "s3://models", "store_endpoint": "https://s3.example.com", "store_region": "eu-1"}
    found = containers(training(SETTINGS.model_copy(update=told), **spec))
    for name in ("fetch", "publish"):
        assert env(found[name])["MODELWARD_STORE_ENDPOINT"] == "https://s3.example.com"
        assert env(found[name])["MODELWARD_STORE_REGION"] == "eu-1"
        assert "/store" not in mounts(found[name])
    assert not [name for name in env(found["train"]) if "STORE" in name]


def test_identity_of_a_service_account_is_kept_out_of_train_where_a_cloud_can() -> None:
    names = ["eks.amazonaws.com/skip-containers", "azure.workload.identity/skip-containers"]
    settings = SETTINGS.model_copy(update={"job_pod": JobPod(service_account_name="bucket-writer")})
    template = training(settings)["spec"]["template"]
    assert template["spec"]["serviceAccountName"] == "bucket-writer"
    assert [template["metadata"]["annotations"].get(name) for name in names] == ["train"] * 2
    ingest = ingest_job(OWNER, dataset(), "flights-ingest", {}, settings)["spec"]["template"]
    assert not set(names) & set(ingest["metadata"]["annotations"])
    assert not set(names) & set(training()["spec"]["template"]["metadata"]["annotations"])


def test_users_container_is_given_what_it_may_set_and_where_its_files_are() -> None:
    train = containers(training(container=CONTAINER))["train"]
    assert (train["image"], train["command"], train["args"]) == ("mine:1", ["python", "train.py"], ["--fast"])
    assert env(train) == {
        "MODE": "fast",
        "MODELWARD_INPUT": "/work/input",
        "MODELWARD_OUTPUT": "/work/output",
        "HOME": "/work",
    }
    assert train["securityContext"] == {
        "runAsUser": 1000,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert mounts(train) == {"/work": "work", "/tmp": "tmp-train"}


GIT = {"url": "https://git.example.com/a.git", "revision": "main", "path": "fit/train.py", "secretName": "reader"}
OF_GIT = ScriptOrigin(image="training:1", url=GIT["url"], revision="main", path="fit/train.py")
OF_MAP = ScriptOrigin(image="training:1", config_map="fit", key="train.py", digest="sha256:" + "0" * 64)


def scripted(script: dict[str, Any], origin: ScriptOrigin) -> Manifest:
    made = run(script=script)
    return training_job(OWNER, made, "flights-a-train", {}, SETTINGS, origin)


@pytest.mark.parametrize(
    ("script", "origin", "file"),
    [
        ({"git": GIT}, OF_GIT, "/script/fit/train.py"),
        ({"configMap": {"name": "fit"}}, OF_MAP, "/script/train.py"),
    ],
    ids=["git", "configMap"],
)
def test_script_reaches_its_files_and_nothing_else(script: dict[str, Any], origin: ScriptOrigin, file: str) -> None:
    train = containers(scripted(script, origin))["train"]
    assert (train["image"], train["command"]) == ("training:1", ["python", "-m", "modelward_script", file])
    assert env(train) == {
        "MODELWARD_INPUT": "/work/input",
        "MODELWARD_OUTPUT": "/work/output",
        "MODELWARD_SEED": "0",
        "HOME": "/work",
    }
    assert "envFrom" not in train
    assert mounts(train) == {"/script": "script", "/work": "work", "/tmp": "tmp-train"}
    (mount,) = (mount for mount in train["volumeMounts"] if mount["mountPath"] == "/script")
    assert mount["readOnly"] is True
    assert train["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_repository_is_read_by_fetch_alone_and_its_commit_goes_past_train() -> None:
    found = containers(scripted({"git": GIT}, OF_GIT))
    keys = {"prefix": "SOURCE_", "secretRef": {"name": "reader"}}
    assert [keys in found[name].get("envFrom", []) for name in ("fetch", "train", "publish")] == [True, False, False]
    assert ["/handoff" in mounts(found[name]) for name in ("fetch", "train", "publish")] == [True, False, True]
    assert "/script" not in mounts(found["publish"])


def test_script_of_a_config_map_is_the_copy_beside_the_task() -> None:
    volumes = scripted({"configMap": {"name": "fit"}}, OF_MAP)["spec"]["template"]["spec"]["volumes"]
    (volume,) = (volume for volume in volumes if volume["name"] == "script")
    assert volume["configMap"] == {"name": "flights-a-train", "items": [{"key": "script.py", "path": "train.py"}]}


def test_publish_finds_nothing_that_the_users_code_left_behind() -> None:
    publish = containers(training(container=CONTAINER))["publish"]
    assert mounts(publish)["/tmp"] == "tmp-publish"
    found = env(publish)
    assert (found["HOME"], found["PYTHONSAFEPATH"], found["PYTHONNOUSERSITE"]) == ("/tmp", "1", "1")


def test_pods_are_restricted_and_without_a_token() -> None:
    template = training(container=CONTAINER)["spec"]["template"]
    pod = template["spec"]
    assert pod["automountServiceAccountToken"] is False
    context = pod["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"], context["fsGroup"]) == (True, 65532, 65532)
    assert template["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] == "train"
    assert all(each["resources"]["limits"]["memory"] for each in [*pod["initContainers"], *pod["containers"]])


def test_only_exit_code_75_and_disruptions_are_retried() -> None:
    spec = training(backoffLimit=5, activeDeadlineSeconds=60)["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (5, 60)
    ignored, failed = spec["podFailurePolicy"]["rules"]
    assert (ignored["action"], ignored["onPodConditions"][0]["type"]) == ("Ignore", "DisruptionTarget")
    assert (failed["action"], failed["onExitCodes"]) == ("FailJob", {"operator": "NotIn", "values": [75]})
    assert "ttlSecondsAfterFinished" not in spec


def test_kueues_labels_go_on_to_the_job() -> None:
    queue = {"kueue.x-k8s.io/queue-name": "gpu"}
    job = training(labels=queue | {"team": "a"})
    assert job["metadata"]["labels"] == queue | {"ours": "yes"}
    assert job["spec"]["template"]["metadata"]["labels"] == {"ours": "yes"}


def test_store_elsewhere_needs_no_claim() -> None:
    job = training(Settings(training_image="t", scoring_image="s", store_url="s3://bucket/models"))
    names = [volume["name"] for volume in job["spec"]["template"]["spec"]["volumes"]]
    assert names == ["task", "work", "tmp-fetch", "tmp-train", "tmp-publish"]


def test_source_claim_is_mounted_for_reading() -> None:
    job = ingest_job(OWNER, dataset(), "flights-ingest", {}, SETTINGS)
    ingest = containers(job)["ingest"]
    assert {"name": "source", "mountPath": "/source", "readOnly": True} in ingest["volumeMounts"]
    source = {"name": "source", "persistentVolumeClaim": {"claimName": "flights-raw", "readOnly": True}}
    assert source in job["spec"]["template"]["spec"]["volumes"]


def test_container_that_prepares_reaches_neither_store_nor_source() -> None:
    spec = {"source": {"url": "s3://raw/*.csv"}, "secretName": "reader", "prepare": {"container": CONTAINER}}
    found = containers(ingest_job(OWNER, dataset(**spec), "flights-ingest", {}, SETTINGS))
    assert list(found) == ["source", "prepare", "ingest"]
    store, reader = {"secretRef": {"name": "bucket"}}, {"prefix": "SOURCE_", "secretRef": {"name": "reader"}}
    assert [each.get("envFrom") for each in found.values()] == [[store, reader], None, [store]]
    assert mounts(found["prepare"]) == {"/work": "work", "/tmp": "tmp-prepare"}
    for name in ("source", "ingest"):
        assert (mounts(found[name])["/handoff"], mounts(found[name])["/store"]) == ("handoff", "modelward-store")
    assert env(found["prepare"])["MODELWARD_OUTPUT"] == "/work/output"
    assert found["prepare"]["securityContext"]["runAsUser"] == 1000
    assert env(found["ingest"])["HOME"] == "/tmp"
    assert found["prepare"]["resources"] == SETTINGS.job_resources.train.container()


def test_container_that_prepares_has_no_identity_and_no_salt() -> None:
    settings = SETTINGS.model_copy(update={"service_accounts": ("reader",)})
    columns = {"label": "late", "pii": {"customer": "Hash"}}
    made = dataset(prepare={"container": CONTAINER}, pod={"serviceAccountName": "reader"}, columns=columns)
    job = ingest_job(OWNER, made, "flights-ingest", {}, settings)
    annotations = job["spec"]["template"]["metadata"]["annotations"]
    assert annotations["eks.amazonaws.com/skip-containers"] == "prepare"
    assert annotations["kubectl.kubernetes.io/default-container"] == "prepare"
    salted = [name for name, each in containers(job).items() if any(e["name"] == PII_SALT for e in each["env"])]
    assert salted == ["source"]


def test_volume_of_a_source_is_mounted_where_it_is_read() -> None:
    made = dataset(prepare={"container": CONTAINER, "resources": {"limits": {"memory": "9Gi"}}})
    job = ingest_job(OWNER, made, "flights-ingest", {}, SETTINGS)
    found = containers(job)
    assert ["/source" in mounts(each) for each in found.values()] == [True, False, False]
    assert found["prepare"]["resources"]["limits"]["memory"] == "9Gi"
    names = [volume["name"] for volume in job["spec"]["template"]["spec"]["volumes"]]
    assert names == ["task", "modelward-store", "source", "handoff", "work", "tmp-source", "tmp-prepare", "tmp-ingest"]


def test_keys_of_a_source_are_in_the_ingests_environment_apart_from_those_of_the_store() -> None:
    spec = {"source": {"url": "s3://raw/*.csv"}, "secretName": "reader", "columns": {"label": "late"}}
    made = Dataset.model_validate({"metadata": {"name": "flights", "namespace": "ns"}, "spec": spec})
    settings = SETTINGS.model_copy(update={"store_secret": "bucket", "local_sources": True})
    (container,) = ingest_job(OWNER, made, "flights-ingest", {}, settings)["spec"]["template"]["spec"]["containers"]
    reader = {"prefix": "SOURCE_", "secretRef": {"name": "reader"}}
    assert container["envFrom"] == [{"secretRef": {"name": "bucket"}}, reader]
    task = ingest_task(made, settings)
    assert (task.source, task.url, task.secret, task.local_addresses) == ("url", "s3://raw/*.csv", "reader", True)


def test_train_task_says_what_the_run_says() -> None:
    pinned = PinnedDataset(name="flights-0", digest="sha256:" + "a" * 64)
    task = train_task(run(container=CONTAINER, seed=7, gates=[{"metric": "auc", "minimum": 0.7}]), pinned, SETTINGS)
    assert (task.dataset, task.image, task.command, task.seed) == (
        pinned.digest,
        "mine:1",
        ["python", "train.py", "--fast"],
        7,
    )
    assert task.gates[0].minimum == 0.7


def test_train_task_says_what_is_measured_and_what_serves() -> None:
    pinned = PinnedDataset(name="flights-0", digest="sha256:" + "a" * 64)
    gates = [
        {"metric": "auc", "slice": "Worst", "minimum": 0.6},
        {"metric": "auc", "notWorseThan": "Serving", "margin": 0.02, "onUnclear": "Pass"},
    ]
    wanted = {"slices": [{"column": "carrier"}], "baseline": "Linear", "importance": {}}
    serving = [PinnedServing(version="flights-3", digest=pinned.digest)]
    task = train_task(run(gates=gates, evaluation=wanted), pinned, SETTINGS, serving)
    assert task.gates == [
        Gate(metric="auc", slice="Worst", minimum=0.6),
        Gate(metric="auc", not_worse_than="Serving", margin=0.02, on_unclear="Pass"),
    ]
    slices = [SliceBy(column="carrier", minimum_rows=100)]
    assert task.evaluation == Evaluation(slices=slices, baseline="Linear", importance_rows=2000)
    assert task.serving == [ServingModel(version="flights-3", digest=pinned.digest)]


def test_task_of_a_run_that_asks_for_nothing_new_is_what_it_was() -> None:
    pinned = PinnedDataset(name="flights-0", digest="sha256:" + "a" * 64)
    written = json.loads(canonical(train_task(run(gates=[{"metric": "auc", "minimum": 0.7}]), pinned, SETTINGS)))
    assert written["gates"] == [{"metric": "auc", "minimum": 0.7, "maximum": None}]
    assert {"evaluation", "serving"} & set(written) == set()


def test_rows_are_split_by_the_datasets_name_unless_it_says_otherwise() -> None:
    def salt(**splits: Any) -> str:
        spec = {"source": {"inline": {"data": "a"}}, "columns": {"label": "late"}, "splits": splits}
        metadata = {"name": "flights", "namespace": "ns"}
        return ingest_task(Dataset.model_validate({"metadata": metadata, "spec": spec}), SETTINGS).salt

    assert (salt(), salt(salt="")) == ("flights", "")


def test_tests_run_before_training_in_its_image_and_may_change_nothing() -> None:
    spec = {"container": CONTAINER, "tests": {"command": ["pytest", "-q"]}, "checkpoint": {"size": "1Gi"}}
    found = containers(training(**spec))
    assert list(found) == ["fetch", "tests", "train", "publish"]
    tests, train = found["tests"], found["train"]
    assert (tests["image"], tests["command"], tests["args"]) == ("mine:1", ["pytest", "-q"], [])
    assert tests["securityContext"] == train["securityContext"]
    assert tests["resources"] == train["resources"]
    assert env(tests) == {k: v for k, v in env(train).items() if k != "MODELWARD_CHECKPOINT"} | {"HOME": "/tmp"}
    (work,) = [mount for mount in tests["volumeMounts"] if mount["mountPath"] == "/work"]
    assert work == {"name": "work", "mountPath": "/work", "readOnly": True}
    assert mounts(tests) == {"/work": "work", "/tmp": "tmp-tests"}
    assert "envFrom" not in tests


def test_checkpoint_is_a_volume_that_train_alone_sees() -> None:
    made = training(container=CONTAINER, checkpoint={"size": "1Gi"})
    found = containers(made)
    assert {name for name, each in found.items() if "/checkpoint" in mounts(each)} == {"train"}
    assert env(found["train"])["MODELWARD_CHECKPOINT"] == "/checkpoint"
    volumes = {volume["name"]: volume for volume in made["spec"]["template"]["spec"]["volumes"]}
    claim = volumes["checkpoint"]["persistentVolumeClaim"]["claimName"]
    (manifest,) = checkpoint_claim(OWNER, run(container=CONTAINER, checkpoint={"size": "1Gi"}), {})
    assert manifest["metadata"]["name"] == claim
    assert manifest["metadata"]["ownerReferences"][0]["uid"] == "u1"


def test_clouds_identity_is_kept_out_of_tests_too() -> None:
    settings = SETTINGS.model_copy(update={"job_pod": JobPod(service_account_name="bucket-writer")})
    job = training(settings, container=CONTAINER, tests={"command": ["pytest"]})
    annotations = job["spec"]["template"]["metadata"]["annotations"]
    assert annotations["eks.amazonaws.com/skip-containers"] == "tests,train"
    assert annotations["azure.workload.identity/skip-containers"] == "tests;train"


DRAINED = {"conditions": [{"type": "DisruptionTarget", "status": "True"}]}


def what_becomes_of(job: Manifest, container: str, code: int, status: dict[str, Any]) -> str:
    """By the first rule that fits, as the Job controller takes them; without one, it counts against backoffLimit."""
    held = {c["type"] for c in status.get("conditions", [])}
    for rule in job["spec"]["podFailurePolicy"]["rules"]:
        codes = rule.get("onExitCodes", {})
        of = codes.get("containerName", container) == container
        if {c["type"] for c in rule.get("onPodConditions", [])} & held:
            return str(rule["action"])
        if codes and of and (code in codes["values"]) == (codes["operator"] == "In"):
            return str(rule["action"])
    return "Count"


@pytest.mark.parametrize(
    ("container", "code", "status", "expected"),
    [
        ("fetch", 75, {}, "Count"),  # the store is not reached
        ("publish", 75, {}, "Count"),
        ("train", 75, {}, "Count"),  # user code that asks for another try
        ("fetch", 1, {}, "FailJob"),
        ("train", 1, {}, "FailJob"),
        ("train", 137, {}, "FailJob"),  # out of memory
        ("train", 137, DRAINED, "Ignore"),  # preempted, drained, evicted, node lost
        ("train", 1, DRAINED, "Ignore"),
        ("tests", 1, {}, "FailJob"),
        ("tests", 75, {}, "FailJob"),
        ("tests", 143, DRAINED, "Ignore"),
        ("fetch", 76, {}, "FailJob"),  # the result is there: nothing more is to be run
    ],
)
def test_failure_is_retried_by_its_reason(container: str, code: int, status: dict[str, Any], expected: str) -> None:
    job = training(container=CONTAINER, tests={"command": ["pytest"]})
    assert what_becomes_of(job, container, code, status) == expected


def test_retries_are_as_many_as_a_jobs() -> None:
    assert training()["spec"]["backoffLimit"] == 6
