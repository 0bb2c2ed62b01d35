"""What a search may say, and the words for what it may not."""

from typing import Any

import pytest
import yaml

from api.client import Api, Manifest, RefusedByServer
from api.manifests import ABSENT, manifest
from api.searches import BESIDE, REFUSED, SEARCH
from localcluster import paths
from modelward.api.search import SearchStatus, Trial
from modelward.api.training_run import RunProgress, TrainingRunStatus


def searching(namespace: str, kind: str = "TrainingRun", **spec: Any) -> Manifest:
    where = "spec.run." if kind == "RegisteredModel" else "spec."
    spec = {"search": SEARCH} | spec
    changes = {where + key: ABSENT if value is None else value for key, value in spec.items()}
    return manifest(kind, namespace, changes)


@pytest.mark.parametrize("kind", ["TrainingRun", "RegisteredModel"])
def test_search_is_taken_as_it_is_written(api: Api, namespace: str, kind: str) -> None:
    made = api.create(searching(namespace, kind))
    run = made["spec"]["run"] if kind == "RegisteredModel" else made["spec"]
    assert run["search"] == SEARCH


def test_examples_are_taken(api: Api, namespace: str) -> None:
    page = (paths.REPOSITORY / "docs/search.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    for text in (page, (paths.REPOSITORY / "examples/flights/manifests/trainingrun-search.yaml").read_text()):
        run = yaml.safe_load(text)
        run["metadata"]["namespace"] = namespace
        assert api.create(run, dry_run=True)["spec"] == run["spec"]


@pytest.mark.parametrize("case", REFUSED)
def test_search_that_cannot_be_made_is_refused_with_words(api: Api, namespace: str, case: str) -> None:
    search, message = REFUSED[case]
    assert message in refusal(api, searching(namespace, search=search))


@pytest.mark.parametrize("case", BESIDE)
def test_field_that_does_not_go_with_a_search_is_refused(api: Api, namespace: str, case: str) -> None:
    spec, message = BESIDE[case]
    assert message in refusal(api, searching(namespace, **spec))


def test_what_the_operator_keeps_of_a_search_is_stored_as_it_is_written(api: Api, namespace: str) -> None:
    best = Trial(number=1, state="Complete", value=0.9, parameters={"C": 0.1, "loss": "a", "warm": True, "depth": 3})
    failed = Trial(number=3, state="Failed", parameters={"C": 1.0}, message="TrainFailed: ValueError")
    kept = SearchStatus(
        since="2026-01-01T00:00:00Z",
        summary="2 of 30",
        begun=4,
        complete=1,
        failed=[3],
        reached=1,
        best=best,
        trials=[best, failed, Trial(number=4, state="Running")],
    )
    progress = RunProgress(step="search", fraction=0.1, metrics={"auc": 0.9}, time="2026-01-01T00:00:00Z")
    status = TrainingRunStatus(search=kept, progress=progress).wire()
    made = api.create(searching(namespace))
    api.replace_status({**made, "status": status})
    found = api.read(made)["status"]
    assert found["search"] == status["search"]
    assert found["progress"] == status["progress"]


def refusal(api: Api, refused: Manifest) -> str:
    with pytest.raises(RefusedByServer) as found:
        api.create(refused, dry_run=True)
    return str(found.value)
