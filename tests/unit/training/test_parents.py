"""Versions of several Datasets, joined into one of another."""

import io

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.tasks import Parent

from .harness import Ended, Pod, ingest_report
from .sets import things

JOIN = "SELECT t.id, t.seats, t.gusts, w.wind, w.storm, t.late FROM things t JOIN weather w USING (carrier)"


def ingested(pod: Pod, text: str, name: str, **fields: object) -> str:
    for path in pod.paths.source.glob("*"):
        path.unlink()
    pod.csv(text)
    ended = pod.ingest(dataset=name, salt=name, **fields)
    assert ended.code == 0, ended
    return ingest_report(ended).manifest


@pytest.fixture
def parents(pod: Pod) -> list[Parent]:
    carriers = "\n".join(["carrier,wind,storm", *(f"{c},{n + 0.5},{n % 2}" for n, c in enumerate(_carriers()))])
    return [
        Parent(dataset="things", table="things", digest=ingested(pod, things(), "things")),
        Parent(
            dataset="weather",
            table="weather",
            digest=ingested(pod, carriers, "weather", label="storm", id=None),
            numbered=True,
        ),
    ]


def _carriers() -> list[str]:
    lines = things().splitlines()
    place = lines[0].split(",").index("carrier")
    return sorted({line.split(",")[place] for line in lines[1:]}) + [f"none {n}" for n in range(40)]


def joined(pod: Pod, parents: list[Parent], sql: str | None = JOIN, **fields: object) -> Ended:
    stated: dict[str, object] = {"dataset": "joined", "salt": "joined", "path": None, "source": "datasets"}
    return pod.ingest(**stated | {"parents": parents, "prepare_sql": sql} | fields)


def ids(pod: Pod, manifest: DatasetManifest) -> dict[str, set[str]]:
    return {name: set(table(pod, split.data.digest)["id"].to_pylist()) for name, split in manifest.splits.items()}


def table(pod: Pod, digest: str) -> pa.Table:
    return pq.read_table(io.BytesIO(pod.store.get_bytes(digest)))


def test_all_rows_of_all_splits_are_joined_with_their_labels(pod: Pod, parents: list[Parent]) -> None:
    ended = joined(pod, parents)
    assert ended.code == 0, ended
    manifest, report = pod.dataset(ended), ingest_report(ended)
    assert [column.name for column in manifest.columns] == ["id", "seats", "gusts", "wind", "storm", "late"]
    assert sum(map(len, ids(pod, manifest).values())) == manifest.rows == 600
    assert [(parent.dataset, parent.digest) for parent in report.parents] == [
        (parent.dataset, parent.digest) for parent in parents
    ]
    assert [(each.path, each.digest) for each in manifest.sources] == [(p.dataset, p.digest) for p in parents]
    before = pod.store.get_json(parents[0].digest, DatasetManifest)
    held_out = before.splits["test"]
    assert held_out.labels
    late = dict(zip(*(table(pod, held_out.labels.digest)[name].to_pylist() for name in ("id", "late")), strict=True))
    train = table(pod, manifest.splits["train"].data.digest)
    now = zip(train["id"].to_pylist(), train["late"].to_pylist(), strict=True)
    same = [late[name] == value for name, value in now if name in late]
    assert len(same) > 40
    assert all(same)


def test_the_split_is_the_childs_own_and_its_parents_where_id_and_salt_are(pod: Pod, parents: list[Parent]) -> None:
    before = ids(pod, pod.store.get_json(parents[0].digest, DatasetManifest))
    assert ids(pod, pod.dataset(joined(pod, parents))) != before
    assert ids(pod, pod.dataset(joined(pod, parents, salt="things"))) == before


def test_the_order_in_which_parents_are_named_makes_no_other_version(pod: Pod, parents: list[Parent]) -> None:
    one = ingest_report(joined(pod, parents)).manifest
    assert ingest_report(joined(pod, parents[::-1])).manifest == one


def test_one_parent_alone_is_called_source_too_and_needs_no_sql(pod: Pod, parents: list[Parent]) -> None:
    alone = [Parent(dataset="weather", table="w", digest=parents[1].digest, numbered=True)]
    fields: dict[str, object] = {"id": None, "label": "storm"}
    whole = joined(pod, alone, None, **fields)
    assert whole.code == 0, whole
    assert [column.name for column in pod.dataset(whole).columns] == ["carrier", "wind", "storm", "row_id"]
    for name in ("w", "source"):
        named = joined(pod, alone, f"SELECT * FROM {name}", **fields)
        assert ingest_report(named).manifest == ingest_report(whole).manifest


def test_a_parents_own_id_is_a_column_and_ours_is_not(pod: Pod, parents: list[Parent]) -> None:
    ended = joined(pod, parents[:1], "SELECT * FROM source")
    assert "id" in [column.name for column in pod.dataset(ended).columns]
    ended = joined(pod, parents, "SELECT t.*, w.row_id FROM things t, weather w")
    assert (ended.code, ended.reason) == (1, "InvalidSQL")
    assert "in `weather`, the columns are 'carrier', 'wind', 'storm'" in ended.message


@pytest.mark.parametrize("name", ["raw", "prepared", "clean", "rows", "select", "2013_things", "main", "temp"])
def test_tables_may_be_called_anything(pod: Pod, parents: list[Parent], name: str) -> None:
    called = [Parent(dataset="things", table=name, digest=parents[0].digest), parents[1]]
    ended = joined(pod, called, JOIN.replace("FROM things t", f'FROM "{name}" t'))
    assert ended.code == 0, ended
    assert pod.dataset(ended).rows == 600


def test_a_table_that_is_not_there_is_told_with_those_that_are(pod: Pod, parents: list[Parent]) -> None:
    ended = joined(pod, parents, "SELECT * FROM thigs")
    assert (ended.code, ended.reason) == (1, "InvalidSQL")
    assert "thigs does not exist" in ended.message
    assert ended.message.endswith("; it reads the tables `things`, `weather`")
    assert "the tables `things`, `weather`" in joined(pod, parents, "DROP TABLE things").message


def test_sql_reaches_its_tables_and_nothing_else(pod: Pod, parents: list[Parent]) -> None:
    pod.csv(things(), "data.csv")
    ended = joined(pod, parents, f"SELECT * FROM read_csv('{pod.paths.source}/data.csv')")
    assert (ended.code, ended.reason) == (1, "InvalidSQL")


def test_a_parent_whose_bytes_were_changed_is_not_read(pod: Pod, parents: list[Parent]) -> None:
    manifest = pod.store.get_json(parents[0].digest, DatasetManifest)
    path = next((pod.root / "store").glob(f"**/{manifest.splits['test'].data.digest.removeprefix('sha256:')}"))
    path.write_bytes(path.read_bytes()[:-9] + b"123456789")
    ended = joined(pod, parents)
    assert (ended.code, ended.reason) == (1, "DigestMismatch")


def test_parents_that_are_as_they_were_are_not_read_again(pod: Pod, parents: list[Parent]) -> None:
    one = joined(pod, parents)
    again = joined(pod, parents)
    assert (again.code, again.reason) == (0, "Unchanged")
    assert ingest_report(again) == ingest_report(one)
    assert (
        joined(pod, [parents[0], msgspec.structs.replace(parents[1], digest=parents[0].digest)]).reason == "InvalidSQL"
    )
