"""From an ingest's report to what `data`, `diff` and `infer` tell of the DatasetVersion."""

import json
from typing import Any

import pytest
import yaml

from modelward.api import Dataset, DatasetVersion
from modelward.build.dataset_version import dataset_version
from modelward.build.task import ingest_task
from modelward.cli import data, diff, infer
from modelward.settings import Settings
from modelward_contracts.reports import MAX_STATISTICS
from modelward_contracts.tasks import PII_SALT, Expectation
from modelward_contracts.wire import canonical

from .harness import Pod, ingest_report

SPEC = {"source": {"pvc": {"claimName": "raw", "path": "*.csv"}}, "columns": {"label": "late", "id": "id"}}
FROM = {"apiVersion": "modelward.dev/v1alpha1", "kind": "Dataset", "metadata": {"name": "things", "namespace": "shop"}}


def dataset(spec: dict[str, Any] | None = None, latest: DatasetVersion | None = None) -> Dataset:
    status: dict[str, Any] = {}
    if latest:
        status["latestVersion"] = {
            "name": latest.metadata.name,
            "digest": latest.spec.digest,
            "rows": latest.spec.rows,
            "time": "2026-01-01T00:00:00Z",
        }
    return Dataset.model_validate({**FROM, "spec": SPEC | (spec or {}), "status": status})


def ingested(pod: Pod, latest: DatasetVersion | None = None, **fields: Any) -> DatasetVersion:
    report = ingest_report(pod.ingest(**fields))
    made = dataset_version(dataset(latest=latest), report)
    made["metadata"]["creationTimestamp"] = "2026-01-02T03:04:05Z"
    return DatasetVersion.model_validate(made)


def expected(*each: dict[str, Any]) -> list[Expectation]:
    return ingest_task(
        dataset({"expectations": list(each)}), Settings(training_image="t", scoring_image="s")
    ).expectations


def people(rows: int = 1000, older: int = 0, plans: str = "abc") -> str:
    lines = [
        f"{n},{20 + older + n % 50},{plans[n % len(plans)]},{n / rows:.3f},u{n}@x.org,"
        f"2013-01-{1 + n % 28:02d} 00:00:00,{'' if n % 10 else n},{n % 2}"
        for n in range(rows)
    ]
    return "id,age,plan,share,mail,at,seldom,late\n" + "\n".join(lines) + "\n"


def test_data_tells_rows_splits_files_and_columns(pod: Pod) -> None:
    pod.csv(people())
    version = ingested(pod, time="at")
    lines = data.text_of(data.story_of(version)).splitlines()
    assert lines[0] == f"shop/{version.metadata.name}: 1,000 rows, made 2026-01-02 03:04:05 UTC"
    assert lines[1].startswith("  classification of late (0, 1): train ")
    assert lines[2].startswith("  from data.csv, ")
    table = {line.split()[0]: line for line in lines[lines.index("") + 1 :]}
    assert table["age"].split() == ["age", "integer", "0", "50", "20", "…", "44", "…", "69,", "mean", "44.5"]
    assert table["plan"].split() == ["plan", "string", "0", "3", "a", "334,", "b", "333,", "c", "333"]
    assert table["seldom"].split()[:5] == ["seldom", "integer", "900", "(90", "%)"]
    assert table["at"].endswith("2013-01-01 00:00:00 … 2013-01-28 00:00:00")
    assert table["mail"].split() == ["mail", "string", "0", "1,000"], "values of single rows are nobody's business"
    assert table["id"].split()[:3] == ["id", "integer", "id"]
    assert json.loads(json.dumps(data.story_of(version)))["columns"]


def test_personal_columns_tell_how_often_and_nothing_else(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PII_SALT, "0123456789abcdef0123")
    pod.csv(people())
    version = ingested(pod, pii={"plan": "Hash"})
    (plan,) = (column.statistics for column in version.spec.columns if column.name == "plan")
    assert plan
    assert plan.wire() == {"missing": 0, "distinct": 3, "quantiles": [], "cuts": [], "counts": [], "top": []}


def test_what_moved_most_is_told_first(pod: Pod) -> None:
    pod.csv(people())
    before = ingested(pod)
    pod.csv(people(1200, older=20, plans="abcd").replace("share", "ratio"))
    after = ingested(pod, latest=before)
    story = diff.story_of(before, after)
    assert story["rows"] == 200
    assert (after.spec.parent, after.spec.new_rows) == (before.metadata.name, 200)
    assert story["added"] == [{"column": "ratio", "type": "number"}]
    assert story["removed"] == [{"column": "share", "type": "number"}]
    assert [each["column"] for each in story["moved"]][:2] == ["age", "plan"]
    assert story["moved"][0]["psi"] > 1
    text = diff.text_of(story)
    assert "rows: 1,000 → 1,200 (+200)" in text
    assert "files, other content: data.csv" in text
    assert "20 … 44 … 69" in text
    assert "40 … 64 … 89" in text


def test_the_index_from_summaries_is_the_one_that_ingest_measures(pod: Pod) -> None:
    """Both by docs/data.md: one counts rows, the other reads them off deciles."""
    numbers = [(n * 7919 % 1000) / 10 for n in range(1000)]
    pod.csv("id,x,late\n" + "".join(f"{n},{x},{n % 2}\n" for n, x in enumerate(numbers)))
    before = ingested(pod)
    pod.csv("id,x,late\n" + "".join(f"{n},{x * 1.3 + 5},{n % 2}\n" for n, x in enumerate(numbers)))
    drift = expected({"drift": {"maximum": 0.01}})
    (failure,) = ingest_report(pod.ingest(before=[before.spec.digest], expectations=drift)).failures
    after = ingested(pod, latest=before)
    (moved,) = (each for each in diff.story_of(before, after)["moved"] if each["column"] == "x")
    assert f"'x' {moved['psi']:.2f}" in failure.message


def test_nothing_moved_between_a_version_and_itself(pod: Pod) -> None:
    pod.csv(people())
    version = ingested(pod)
    story = diff.story_of(version, version)
    assert all(each["psi"] == 0 for each in story["moved"])
    assert diff.text_of(story).splitlines()[1:] == ["  the same data"]


def test_what_is_inferred_is_met_and_can_be_applied(pod: Pod) -> None:
    pod.csv(people())
    story = infer.story_of(ingested(pod, time="at"), dataset())
    proposed = yaml.safe_load(infer.text_of(story))["expectations"]
    assert proposed == [
        {"column": "id", "type": "integer"},
        {"column": "age", "type": "integer", "minimum": 0, "maximum": 94, "maxMissing": 0},
        {"column": "plan", "type": "string", "in": ["a", "b", "c"], "maxMissing": 0},
        {"column": "share", "type": "number", "minimum": 0, "maximum": 1, "maxMissing": 0},
        {"column": "mail", "type": "string", "unique": True, "maxMissing": 0},
        {"column": "at", "type": "timestamp", "maxMissing": 0},
        {"column": "seldom", "type": "integer", "minimum": 0, "maximum": 1500, "maxMissing": 1},
        {"column": "late", "type": "integer", "in": ["0", "1"], "maxMissing": 0},
        {"rows": {"minimum": 500}},
        {"drift": {"maximum": 0.25}},
    ]
    report = ingest_report(pod.ingest(expectations=expected(*proposed)))
    assert (report.expectations > 10, report.failures) == (True, [])


@pytest.mark.parametrize("text", ["007", "yes", "null", "1e5", "2013-01-01", " #", "é: {x}"])
def test_values_stay_text_in_yaml(pod: Pod, text: str) -> None:
    pod.csv("id,code,late\n" + "".join(f'{n},"{text if n % 2 else "other"}",{n % 2}\n' for n in range(100)))
    story = infer.story_of(ingested(pod, types={"code": "string"}), None)
    proposed = yaml.safe_load(infer.text_of(story))["expectations"]
    assert set(proposed[1]["in"]) == {text, "other"}


def test_a_thousand_columns_stay_within_the_report(pod: Pod) -> None:
    names = [f"c{n}" for n in range(900)]
    rows = "".join(f"{n}," + ",".join(f"{(n * k) % 97}.{k}" for k in range(900)) + f",{n % 2}\n" for n in range(100))
    pod.csv(f"id,{','.join(names)},late\n{rows}")
    report = ingest_report(pod.ingest())
    assert len(report.statistics) == 902
    whole = [found for found in report.statistics.values() if found.counts]
    assert 100 < len(whole) < 900
    assert sum(len(canonical(found)) for found in whole) <= MAX_STATISTICS
    assert not report.statistics["c899"].counts
    assert report.statistics["c899"].distinct > 1


def test_a_version_of_an_earlier_release_tells_what_it_has(pod: Pod) -> None:
    pod.csv(people())
    version = ingested(pod)
    bare = [column.model_copy(update={"statistics": None}) for column in version.spec.columns]
    old = version.model_copy(update={"spec": version.spec.model_copy(update={"columns": bare})})
    assert "age" in data.text_of(data.story_of(old))
    story = infer.story_of(old, None)
    assert "told nothing of: id, age" in infer.text_of(story)
    assert len(diff.story_of(old, version)["notCompared"]) == len(bare)
