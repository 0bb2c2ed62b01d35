"""`data`, `diff` and `infer` against a real API server: what the operator writes fits the CRD and is told again."""

import json
from typing import Any

import pytest
import yaml

from api.client import Api
from api.manifests import manifest
from api.test_why import Done, commanded
from localcluster.api import ApiServer

AGE = {"missing": 1, "distinct": 50, "minimum": 18, "maximum": 90, "mean": 40.5, "deviation": 12.25}
AGE |= {"quantiles": [18, 20, 30, 40, 50, 60, 88], "cuts": [30, 40, 60], "counts": [30, 30, 30, 9]}


def version(name: str, digit: str, **statistics: Any) -> dict[str, Any]:
    columns = [
        {"name": "id", "type": "integer", "nullable": False, "statistics": {"missing": 0, "distinct": 100}},
        {"name": "age", "type": "integer", "nullable": True, "statistics": AGE | statistics},
        {"name": "late", "type": "integer", "nullable": False},
    ]
    changes = {
        "metadata.name": name,
        "metadata.labels": {"modelward.dev/dataset": "flights"},
        "spec.digest": "sha256:" + digit * 64,
        "spec.rows": 100,
        "spec.newRows": 100,
        "spec.columns": columns,
    }
    return manifest("DatasetVersion", "", changes)


@pytest.fixture
def shop(api: Api, namespace: str) -> str:
    """With a Dataset of two versions, of which the first is in use."""
    dataset = api.create(manifest("Dataset", namespace))
    first = version("flights-1111111111", "1")
    second = version("flights-2222222222", "2", counts=[9, 30, 30, 30], quantiles=[20, 30, 40, 50, 60, 70, 90])
    for each in (first, second):
        each["metadata"]["namespace"] = namespace
        api.create(each)
    latest = {"name": "flights-1111111111", "digest": "sha256:" + "1" * 64, "rows": 100, "time": "2026-01-01T00:00:00Z"}
    api.replace_status({**dataset, "status": {"latestVersion": latest}})
    return namespace


def told(server: ApiServer, *words: str) -> str:
    code, text, errors = commanded(server, *words)
    assert (code, errors) == (0, "")
    return text


def test_the_version_in_use_is_told_and_any_other_by_its_name(server: ApiServer, shop: str) -> None:
    assert told(server, "data", f"{shop}/flights").startswith(f"{shop}/flights-1111111111: 100 rows, made 20")
    for named in ("flights@flights-2222222222", "flights@2222222222", "flights@sha256:22", "flights-2222222222"):
        assert json.loads(told(server, "data", f"{shop}/{named}", "-o", "json"))["name"] == "flights-2222222222"


def test_two_versions_are_compared(server: ApiServer, shop: str) -> None:
    for words in (
        (f"{shop}/flights", "1111111111", "2222222222"),
        (f"{shop}/flights@1111111111", f"{shop}/flights@2222222222"),
        (f"{shop}/flights-1111111111", f"{shop}/flights-2222222222"),
    ):
        story = json.loads(told(server, "diff", *words, "-o", "json"))
        assert (story["before"]["name"], story["after"]["name"]) == ("flights-1111111111", "flights-2222222222")
        assert [each["column"] for each in story["moved"]] == ["age"]
    assert "What moved most" in told(server, "diff", f"{shop}/flights", "1111111111", "2222222222")


def test_what_is_inferred_the_api_server_takes(server: ApiServer, api: Api, shop: str) -> None:
    proposed = yaml.safe_load(told(server, "infer", f"{shop}/flights"))["expectations"]
    assert {"column": "age", "type": "integer", "minimum": 0, "maximum": 130, "maxMissing": 0.03} in proposed
    api.create(manifest("Dataset", shop, {"metadata.name": "again", "spec.expectations": proposed}))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["data", "{shop}/trains"], 1, "no Dataset trains in namespace {shop}: there are flights"),
        (["data", "{shop}/flights@33"], 1, "no version 33 of Dataset flights: there are flights-1111111111, flights-2"),
        (["data", "nowhere/flights"], 1, "no namespace nowhere"),
        (["data", "flights"], 2, "flights names no data: write NAMESPACE/NAME"),
        (["diff", "{shop}/flights"], 1, "flights-1111111111 has no version before it"),
        (["diff", "{shop}/flights@1", "2", "3"], 2, "names no two versions: write NAMESPACE/NAME V1 V2"),
        (["infer", "{shop}/flights@"], 2, "names no data"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(
    server: ApiServer, shop: str, words: list[str], code: int, said: str
) -> None:
    done: Done = commanded(server, *(word.format(shop=shop) for word in words))
    assert (done[0], done[1], len(done[2].splitlines())) == (code, "", 1)
    assert said.format(shop=shop) in done[2]


def test_a_dataset_without_a_version_says_why(server: ApiServer, api: Api, namespace: str) -> None:
    api.create(manifest("Dataset", namespace))
    code, _, errors = commanded(server, "data", f"{namespace}/flights")
    assert (code, "Dataset flights has no version yet" in errors) == (1, True)
