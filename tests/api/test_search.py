"""What a search may say, and the words for what it may not."""

from typing import Any

import pytest

from api.client import Api, Manifest, RefusedByServer
from api.manifests import ABSENT, manifest
from api.searches import BESIDE, REFUSED, SEARCH


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


@pytest.mark.parametrize("case", REFUSED)
def test_search_that_cannot_be_made_is_refused_with_words(api: Api, namespace: str, case: str) -> None:
    search, message = REFUSED[case]
    assert message in refusal(api, searching(namespace, search=search))


@pytest.mark.parametrize("case", BESIDE)
def test_field_that_does_not_go_with_a_search_is_refused(api: Api, namespace: str, case: str) -> None:
    spec, message = BESIDE[case]
    assert message in refusal(api, searching(namespace, **spec))


def refusal(api: Api, refused: Manifest) -> str:
    with pytest.raises(RefusedByServer) as found:
        api.create(refused, dry_run=True)
    return str(found.value)
