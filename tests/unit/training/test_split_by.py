"""Rows of one group are on one side; by time the newest are held out, and rows of one time are on one side."""

import random
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from modelward_contracts.manifests import Boundaries
from modelward_contracts.tasks import PII_SALT
from modelward_contracts.wire import canonical
from modelward_training.trainer.preprocess import features

from .harness import Ended, Pod, ingest_report

SPLITS = ("train", "validation", "test")


def column(pod: Pod, ended: Ended, name: str) -> dict[str, list[Any]]:
    """Its values in each split, in the order of the rows."""
    splits = pod.dataset(ended).splits
    return {
        split: pq.read_table(
            pod.root / "store" / "demo" / "blobs" / "sha256" / splits[split].data.digest.removeprefix("sha256:")  # type: ignore[index]
        )[name].to_pylist()
        for split in SPLITS
    }


def customers(pod: Pod, rows: int, of: Callable[[int], str] = lambda n: f"c{n % 90}") -> None:
    pod.csv("id,customer,x,late\n" + "".join(f"{n},{of(n)},{n % 7}.5,{n % 2}\n" for n in range(rows)))


@pytest.mark.parametrize("id_", ["id", None])
def test_rows_of_one_group_are_on_one_side_and_stay_there(pod: Pod, id_: str | None) -> None:
    def sides(rows: int) -> dict[str, str]:
        customers(pod, rows)
        found = column(pod, pod.ingest(id=id_, group="customer", split_by="group"), "customer")
        sides = {value: split for split, values in found.items() for value in values}
        assert sum(len(set(values)) for values in found.values()) == len(sides) == 90
        return sides

    few, many = sides(400), sides(900)
    assert few == many
    assert {split: list(few.values()).count(split) for split in SPLITS}["test"] in range(9, 28)


def test_hashed_group_keeps_its_rows_together(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PII_SALT, "0123456789abcdef")
    customers(pod, 400)
    ended = pod.ingest(group="customer", split_by="group", pii={"customer": "Hash"})
    found = column(pod, ended, "customer")
    assert sum(len(set(values)) for values in found.values()) == 90
    assert pod.dataset(ended).group == "customer"


def test_rows_without_a_group_are_split_by_themselves_and_told(pod: Pod) -> None:
    customers(pod, 600, lambda n: "" if n % 3 else f"c{n % 90}")
    ended = pod.ingest(group="customer", split_by="group")
    found = column(pod, ended, "customer")
    assert all(None in values for values in found.values())
    assert "400 of 600 rows have no value of the group 'customer': each is a group of its own" in (
        ingest_report(ended).warnings
    )


def test_few_groups_are_told_as_the_reason_of_uneven_shares(pod: Pod) -> None:
    customers(pod, 400, lambda n: "big" if n > 80 else f"c{n % 40}")
    warnings = ingest_report(pod.ingest(group="customer", split_by="group")).warnings
    assert any("were asked: groups are few, or some are large" in warning for warning in warnings)


def test_group_is_no_input(pod: Pod) -> None:
    customers(pod, 400)
    manifest = pod.dataset(pod.ingest(group="customer", split_by="group"))
    pod.store.get_file(manifest.splits["train"].data.digest, pod.root / "train.parquet")
    assert [feature.column for feature in features(manifest, pod.root / "train.parquet")] == ["x"]


def test_group_is_no_number(pod: Pod) -> None:
    customers(pod, 60)
    ended = pod.ingest(group="x", split_by="group")
    assert (ended.reason, ended.code) == ("InvalidGroup", 1)
    assert pod.ingest(group="gone", split_by="group").reason == "ColumnMissing"


def times(pod: Pod, values: list[str]) -> None:
    """Newest last or not: the files' order means nothing."""
    rows = [f"{n},{value},{n % 5}.5,{n % 2}\n" for n, value in enumerate(values)]
    random.Random(5).shuffle(rows)
    pod.csv("id,at,x,late\n" + "".join(rows))


def test_newest_rows_are_held_out_in_their_order(pod: Pod) -> None:
    times(pod, [f"2013-{1 + n // 28:02}-{1 + n % 28:02}T10:00:00Z" for n in range(300)])
    ended = pod.ingest(time="at", split_by="time")
    found = column(pod, ended, "at")
    assert {split: len(values) for split, values in found.items()} == {"train": 210, "validation": 30, "test": 60}
    assert [at for split in SPLITS for at in found[split]] == sorted(at for split in SPLITS for at in found[split])
    manifest, report = pod.dataset(ended), ingest_report(ended)
    assert manifest.boundaries == report.boundaries
    assert report.boundaries == Boundaries(validation=str(found["validation"][0]), test=str(found["test"][0]))
    assert f"; validation from {found['validation'][0]}, test from {found['test'][0]} on" in ended.message


@pytest.mark.parametrize(
    ("values", "sizes", "first"),
    [
        ([f"{2000 + n // 10}" for n in range(100)], (70, 10, 20), ("2007", "2008")),
        ([f"{2000 + n // 25}" for n in range(100)], (50, 25, 25), ("2002", "2003")),
        (["1"] * 90 + ["2"] * 5 + ["3"] * 5, (90, 5, 5), ("2", "3")),
        (["1"] * 2 + ["2"] * 3 + ["3"] * 95, (2, 3, 95), ("2", "3")),
        (["1.5"] * 50 + ["2.25"] * 30 + ["7"] * 20, (50, 30, 20), ("2.25", "7.0")),
    ],
)
def test_rows_of_one_time_are_on_one_side(
    pod: Pod, values: list[str], sizes: tuple[int, int, int], first: tuple[str, str]
) -> None:
    times(pod, values)
    ended = pod.ingest(time="at", split_by="time")
    found = column(pod, ended, "at")
    assert tuple(len(found[split]) for split in SPLITS) == sizes
    assert max(found["train"]) < min(found["validation"]) <= max(found["validation"]) < min(found["test"])
    assert ingest_report(ended).boundaries == Boundaries(validation=first[0], test=first[1])


def test_same_rows_in_another_order_are_the_same_version_by_time(pod: Pod) -> None:
    values = [f"2013-01-{1 + n % 20:02}" for n in range(120)]
    times(pod, values)
    one = ingest_report(pod.ingest(id=None, time="at", split_by="time"))
    text = (pod.paths.source / "data.csv").read_text().splitlines(keepends=True)
    pod.csv("".join([text[0], *reversed(text[1:])]))
    other = pod.dataset(pod.ingest(id=None, time="at", split_by="time"))
    assert other.splits == pod.store.get_json(one.manifest, type(other)).splits


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["2013-01-01", "2013-01-02"] * 30, "all 60 rows have one of 2 times in 'at'"),
        (["2013-01-01", "2013-01-02", ""] * 20, "'at' is missing in 20 of 60 rows"),
        (["01/02/2013", "02/02/2013", "03/02/2013"] * 20, "the column 'at' is of type string"),
    ],
)
def test_time_that_orders_nothing_is_refused(pod: Pod, values: list[str], said: str) -> None:
    times(pod, values)
    ended = pod.ingest(time="at", split_by="time")
    assert ended.reason == "InvalidTime"
    assert said in ended.message


def test_fields_of_other_splits_are_in_no_manifest_without_them(pod: Pod) -> None:
    """Its digest is a version's identity."""
    times(pod, [f"2013-01-{1 + n % 20:02}" for n in range(120)])
    plain = canonical(pod.dataset(pod.ingest(time="at")))
    assert b'"group"' not in plain
    assert b'"boundaries"' not in plain
