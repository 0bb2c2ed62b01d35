"""Which keys an event concerns."""

from modelward.decide.plan import Key
from modelward.engine.sightings import Sightings, owners_of
from modelward.names import Manifest


def seen(name: str, labels: dict[str, str] | None = None, **fields: object) -> Manifest:
    return {"metadata": {"name": name, "namespace": "ns", "resourceVersion": "1", "labels": labels or {}}, **fields}


def key(kind: str, name: str) -> Key:
    return Key(kind, "ns", name)


def deployment(**status: object) -> Manifest:
    return seen("flights", spec={"modelRef": {"name": "flights"}}, status=status)


def test_new_dataset_version_concerns_its_dataset_and_the_runs_that_wait_for_it() -> None:
    sightings = Sightings()
    sightings.see("TrainingRun", seen("run", spec={"datasetRef": {"name": "flights"}}))
    sightings.see("TrainingRun", seen("other", spec={"datasetRef": {"name": "others"}}))

    version = seen("flights-1", {"modelward.dev/dataset": "flights"}, spec={"datasetName": "flights"})
    keys = sightings.see("DatasetVersion", version)

    assert keys == {key("DatasetVersion", "flights-1"), key("Dataset", "flights"), key("TrainingRun", "run")}


def test_dataset_and_its_new_versions_concern_the_datasets_that_are_made_of_it() -> None:
    sightings = Sightings()
    made_of = {"source": {"datasets": [{"name": "flights"}, {"name": "weather"}]}}
    sightings.see("Dataset", seen("joined", spec=made_of))
    sightings.see("Dataset", seen("other", spec={"source": {"datasets": [{"name": "weather"}]}}))

    version = seen("flights-1", {"modelward.dev/dataset": "flights"}, spec={"datasetName": "flights"})
    assert sightings.see("DatasetVersion", version) >= {key("Dataset", "flights"), key("Dataset", "joined")}
    both = {key("Dataset", name) for name in ("weather", "joined", "other")}
    assert sightings.see("Dataset", seen("weather", spec={"source": {}})) == both
    sightings.see("Dataset", seen("joined", spec={"source": {"datasets": [{"name": "flights"}]}}))
    assert sightings.see("Dataset", seen("weather"), gone=True) == both - {key("Dataset", "joined")}
    assert sightings.see("Dataset", seen("flights")) == {key("Dataset", "flights"), key("Dataset", "joined")}


def test_new_model_version_concerns_its_run_and_the_deployments_of_its_model() -> None:
    sightings = Sightings()
    sightings.see("ModelDeployment", deployment())

    version = seen("flights-1", {"modelward.dev/training-run": "run"}, spec={"modelName": "flights"})
    keys = sightings.see("ModelVersion", version)

    assert keys == {key("ModelVersion", "flights-1"), key("TrainingRun", "run"), key("ModelDeployment", "flights")}


def test_deployment_concerns_the_versions_whose_role_changed_only() -> None:
    sightings, me = Sightings(), key("ModelDeployment", "flights")
    one, two = {"modelVersion": "flights-1"}, {"modelVersion": "flights-2"}

    first = sightings.see("ModelDeployment", deployment(stable=one))
    canary = sightings.see("ModelDeployment", deployment(stable=one, candidate=two))
    again = sightings.see("ModelDeployment", deployment(stable=one, candidate=two))
    rejected = sightings.see("ModelDeployment", deployment(stable=one, verdicts=[two]))

    versions = key("ModelVersion", "flights-1"), key("ModelVersion", "flights-2")
    assert (first, canary, again, rejected) == ({me, versions[0]}, {me, versions[1]}, {me}, {me, versions[1]})


def test_version_knows_the_deployments_that_named_it_last() -> None:
    sightings, one = Sightings(), key("ModelVersion", "flights-1")
    sightings.see("ModelDeployment", deployment(stable={"modelVersion": "flights-1"}))
    assert sightings.told_by(one) == {key("ModelDeployment", "flights")}
    sightings.see("ModelDeployment", deployment(stable={"modelVersion": "flights-2"}))
    assert sightings.told_by(one) == set()
    sightings.forget(key("ModelDeployment", "flights"))
    assert sightings.told_by(key("ModelVersion", "flights-2")) == set()


def test_version_that_is_given_an_alias_concerns_the_one_that_had_it() -> None:
    sightings = Sightings()
    aliases: list[object] = [{"name": "champion", "before": "flights-1"}]
    moved = seen("flights-2", spec={"modelName": "flights"}, status={"aliases": aliases})
    one, two = key("ModelVersion", "flights-1"), key("ModelVersion", "flights-2")
    assert sightings.see("ModelVersion", moved) == {one, two}
    assert sightings.see("ModelVersion", moved) == {two}


def test_dataset_concerns_the_version_of_which_its_check_says_something_new() -> None:
    sightings, me = Sightings(), key("Dataset", "flights")

    def checked(version: str, failed: int) -> set[Key]:
        return sightings.see("Dataset", seen("flights", status={"checked": {"version": version, "failed": failed}}))

    one, two = key("DatasetVersion", "flights-1"), key("DatasetVersion", "flights-2")
    found = [checked("flights-1", 0), checked("flights-1", 0), checked("flights-1", 1), checked("flights-2", 0)]
    assert found == [{me, one}, {me}, {me, one}, {me, one, two}]


def test_deployment_that_vanished_concerns_the_versions_it_named() -> None:
    sightings = Sightings()
    sightings.see("ModelDeployment", deployment(stable={"modelVersion": "flights-1"}))

    keys = sightings.forget(key("ModelDeployment", "flights"))

    assert keys == {key("ModelDeployment", "flights"), key("ModelVersion", "flights-1")}
    assert sightings.versions == {}


def test_run_that_names_another_dataset_is_no_longer_concerned_by_the_first() -> None:
    sightings = Sightings()
    sightings.see("TrainingRun", seen("run", spec={"datasetRef": {"name": "old"}}))
    sightings.see("TrainingRun", seen("run", spec={"datasetRef": {"name": "new"}}))

    assert sightings.see("Dataset", seen("old")) == {key("Dataset", "old")}
    assert sightings.see("Dataset", seen("new")) == {key("Dataset", "new"), key("TrainingRun", "run")}


def test_pod_concerns_the_owner_that_its_labels_name() -> None:
    assert owners_of(seen("pod", {"modelward.dev/deployment": "flights"})) == {key("ModelDeployment", "flights")}
    assert owners_of(seen("pod", {"app": "web"})) == set()


def test_deployment_concerns_a_version_that_lost_its_role_and_has_it_again() -> None:
    sightings, me = Sightings(), key("ModelDeployment", "flights")
    sightings.see("ModelDeployment", deployment(stable={"modelVersion": "flights-1", "since": "2026-01-01T00:00:00Z"}))
    again = {"modelVersion": "flights-1", "since": "2026-01-01T00:00:09Z"}

    assert sightings.see("ModelDeployment", deployment(stable=again)) == {me, key("ModelVersion", "flights-1")}
