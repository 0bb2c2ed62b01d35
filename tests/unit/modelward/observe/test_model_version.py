"""What is read for a ModelVersion: when something was asked of it, and its model's versions only where that matters."""

from typing import Any

from modelward.clients.fake import FakeKube
from modelward.decide.model_version import ModelVersionObserved
from modelward.decide.plan import Key
from modelward.observe.model_version import API, observe
from modelward.observe.world import World
from unit.modelward.decide.simulated import SETTINGS, version

ACTION = "modelward.dev/action"


async def observed(*others: Any, managed: Any = (), action: str = "", **status: Any) -> ModelVersionObserved:
    kube = FakeKube()
    for number, each in enumerate((version(1), *others)):
        found = {"apiVersion": API, "kind": "ModelVersion", **each.model_dump(by_alias=True, exclude_none=True)}
        if number == 0:
            found["metadata"] |= {"annotations": {ACTION: action} if action else {}, "managedFields": list(managed)}
            found["status"] |= status
        kube.put(found)
    seen = await observe(World(kube, SETTINGS), Key("ModelVersion", "ns", "flights-1"))
    assert seen
    return seen


def wrote(time: str, *keys: str) -> dict[str, Any]:
    annotations = {f"f:{key}": {} for key in keys}
    return {"manager": "kubectl", "time": time, "fieldsV1": {"f:metadata": {"f:annotations": annotations}}}


async def test_time_of_a_request_is_when_its_annotation_was_last_written() -> None:
    managed = [
        wrote("2026-01-01T00:00:01Z", ACTION),
        wrote("2026-01-01T00:00:03Z", ACTION, "other"),
        wrote("2026-01-01T00:00:09Z", "other"),
        {"manager": "modelward", "time": "2026-01-01T00:00:10Z", "fieldsV1": {"f:status": {}}},
        {"manager": "old"},
    ]
    assert (await observed(managed=managed)).asked_at == "2026-01-01T00:00:03Z"
    assert (await observed()).asked_at is None


async def test_versions_of_the_model_are_read_where_something_is_asked_or_an_alias_is_held() -> None:
    others = version(2), version(3, model="trains")
    word = {"time": "2026-01-01T00:00:00Z", "name": "champion", "order": 1}
    assert (await observed(*others)).versions == ()
    for seen in (await observed(*others, action="alias champion"), await observed(*others, aliases=[word])):
        assert [each.metadata.name for each in seen.versions] == ["flights-1", "flights-2"]
    ended = [word, word | {"removed": True}]
    assert (await observed(*others, aliases=ended)).versions == ()
