"""`alias` and `approve`: what is refused before anything is written."""

from typing import Any

import pytest

from modelward.cli import alias, approve
from modelward.cli.ask import reason
from modelward.cli.cluster import Cluster, Unusable, version_named
from modelward.clients.fake import FakeKube
from modelward.errors import Refused, Unavailable
from unit.modelward.decide.simulated import version


def kube(**annotations: str) -> FakeKube:
    found: dict[str, Any] = version(1).model_dump(by_alias=True, exclude_none=True)
    keys = {f"modelward.dev/{key}": value for key, value in annotations.items()}
    kube = FakeKube()
    kube.put(
        {
            "apiVersion": "modelward.dev/v1alpha1",
            "kind": "ModelVersion",
            **found,
            "metadata": found["metadata"] | {"annotations": keys},
        }
    )
    return kube


@pytest.mark.parametrize("word", ["Champion", "3", "a b", "-", "sha256:00", "a" * 33])
def test_word_that_is_no_alias_is_refused(word: str) -> None:
    with pytest.raises(Unusable, match="is no alias: write lower-case letters"):
        alias._asking("ns/flights-1", word, "")


def test_other_names_and_long_reasons_are_refused() -> None:
    with pytest.raises(Unusable, match="names no ModelVersion: write NAMESPACE/NAME"):
        version_named("flights-1")
    with pytest.raises(Unusable, match="longer than 512 characters"):
        reason("why " * 200)
    assert reason(" two\n words ") == "two words"


async def test_request_that_has_no_answer_yet_is_not_written_over() -> None:
    with pytest.raises(Unavailable, match="has no answer yet: alias champion"):
        await approve._asking("ns/flights-1", "approve", "")(Cluster(kube(action="alias champion")))


async def test_version_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(Refused, match="no ModelVersion flights-7 in namespace ns: there are flights-1"):
        await alias._asking("ns/flights-7", "champion", "")(Cluster(kube()))
