"""The model card of a ModelVersion, in Markdown."""

from typing import Any

from modelward.api import DatasetVersion, ModelVersion
from modelward.cli.card import story_of
from modelward.cli.card_text import text_of
from unit.modelward.decide.simulated import version

DIGEST = "sha256:" + "02" * 32
MEASURED: dict[str, Any] = {
    "modelName": "flights",
    "version": 2,
    "digest": DIGEST,
    "model": {"digest": DIGEST, "bytes": 12345},
    "task": "classification",
    "signature": {
        "inputs": [
            {"name": "distance", "datatype": "FP32", "shape": [-1, 1]},
            {"name": "a|b`c", "datatype": "BYTES", "shape": [-1, 1]},
        ],
        "outputs": [{"name": "label", "datatype": "INT64", "shape": [-1]}],
        "classes": ["0", "1"],
    },
    "metrics": {"accuracy": 0.81, "auc": 0.75432, "calibration_error": 0.0321},
    "validationMetrics": {"auc": 0.76},
    "parity": {"max_difference": 1e-7},
    "latencySeconds": {"p50": 0.0002},
    "memoryBytes": 99000,
    "gates": [
        {
            "metric": "auc",
            "value": 0.75432,
            "bound": "at least 0.7",
            "passed": True,
            "message": "auc 0.754 (at least 0.7)",
        },
        {"metric": "f1", "value": 0.2, "bound": "at least 0.3", "passed": False},
    ],
    "slices": [
        {"column": "carrier", "value": "UA", "rows": 40, "share": 0.1, "counted": False, "metrics": {"auc": 0.5}},
        {"column": "carrier", "value": "AA", "rows": 400, "share": 0.9, "counted": True, "metrics": {"auc": 0.8}},
    ],
    "baselines": [{"name": "Trivial", "metrics": {"accuracy": 0.7, "auc": 0.5}}],
    "importance": [{"column": "distance", "metric": "auc", "loss": 0.1, "low": 0.08, "high": 0.12}],
    "evaluation": DIGEST,
    "notes": ["its export was taken as float"],
    "lineage": {
        "trainingRun": "flights-b",
        "trainingRunUid": "u",
        "datasetVersion": "flights-5e",
        "datasetDigest": DIGEST,
        "inputsHash": DIGEST,
        "image": "registry.example.com/team/flights",
        "cause": {"type": "NewData", "message": "20 rows more", "time": "2026-01-01T00:00:00Z"},
    },
}
WORD = {"time": "2026-01-03T00:00:00Z", "by": "ada", "verified": True, "why": "reviewed"}
STATUS = {
    "conditions": [{"type": "Verified", "status": "False", "reason": "GateFailed", "message": "f1 is 0.2"}],
    "alias": "champion",
    "aliases": [WORD | {"name": "champion", "order": 1, "verified": False, "time": "2026-01-02T00:00:00Z"}],
    "approvals": [WORD],
    "deployments": [
        {"deployment": "shop", "role": "Stable", "since": "2026-01-04T00:00:00Z"},
        {
            "deployment": "old",
            "role": "Stable",
            "since": "2026-01-02T00:00:00Z",
            "until": "2026-01-03T00:00:00Z",
            "why": "replaced by flights-3",
        },
    ],
}
DATA = {
    "datasetName": "flights",
    "digest": DIGEST,
    "task": "classification",
    "rows": 1000,
    "bytes": 1,
    "splitRows": {"train": 800, "validation": 100, "test": 100},
    "splitBoundaries": {"validation": "2013-10-01", "test": "2013-11-01"},
    "label": "late",
    "id": "id",
    "time": "at",
    "columns": [
        {
            "name": "at",
            "type": "timestamp",
            "nullable": False,
            "statistics": {"missing": 0, "distinct": 9, "earliest": "2013-01-01", "latest": "2013-12-31"},
        }
    ],
    "sources": [],
    "sourceFiles": 1,
}


def card(spec: dict[str, Any] = MEASURED, status: dict[str, Any] = STATUS, data: bool = True) -> list[str]:
    metadata = {"name": "flights-2", "namespace": "ns", "creationTimestamp": "2026-01-01T00:00:00Z"}
    version = ModelVersion.model_validate({"metadata": metadata, "spec": spec, "status": status})
    found = DatasetVersion.model_validate({"metadata": metadata, "spec": DATA}) if data else None
    return text_of(story_of(version, found)).splitlines()


def part(lines: list[str], title: str) -> list[str]:
    """Without blank lines."""
    begin = lines.index(f"## {title}") + 1
    end = next((n for n in range(begin, len(lines)) if lines[n].startswith("## ")), len(lines))
    return [line for line in lines[begin:end] if line]


def test_card_begins_with_what_it_is_its_names_and_its_gates() -> None:
    assert card()[:5] == [
        "# flights-2",
        "",
        "Version 2 of model flights, a classification of `late`, registered 2026-01-01 00:00:00 UTC.",
        "It is champion.",
        "Not verified, and not served: f1 is 0.2.",
    ]


def test_names_that_others_chose_are_no_markdown() -> None:
    assert part(card(), "What it is")[:4] == [
        "| input | type | shape |",
        "| --- | --- | --- |",
        "| `distance` | FP32 | rows × 1 |",
        r"| `a\|b'c` | BYTES | rows × 1 |",
    ]


def test_card_tells_data_quality_slices_and_what_matters() -> None:
    lines = card()
    assert part(lines, "The data") == [
        "flights-5e of Dataset flights, 1,000 rows.",
        "From 2013-01-01 to 2013-12-31.",
        "Train 800, validation 100, test 100 rows, validation from 2013-10-01 and test from 2013-11-01 on.",
    ]
    assert part(lines, "How good it is") == [
        "| metric | test | validation | baseline Trivial |",
        "| --- | --- | --- | --- |",
        "| accuracy | 0.81 |  | 0.7 |",
        "| auc | 0.7543 | 0.76 | 0.5 |",
        "| calibration_error | 0.0321 |  |  |",
        "- passed: auc 0.754 (at least 0.7)",
        "- MISSED: f1 0.2 (at least 0.3)",
        "Beside its native predictions: max_difference 1e-07.",
        "Seconds for an answer: p50 0.0002.",
    ]
    assert part(lines, "On whom it is worse")[2:4] == [
        "| `carrier` = `UA` | 40 (few) | 10 % | 0.5 |  |",
        "| `carrier` = `AA` | 400 | 90 % | 0.8 |  |",
    ]
    assert part(lines, "How sure it is")[0].startswith("What it gives as probability is off by 3.2 points")
    assert part(lines, "What matters to it")[-1] == "| `distance` | 0.1 | 0.08 … 0.12 |"


def test_card_tells_lineage_people_and_where_it_served() -> None:
    lines = card()
    assert part(lines, "Where it comes from")[:2] == [
        "- TrainingRun flights-b (image `registry.example.com/team/flights`)",
        "- because: 20 rows more (NewData, 2026-01-01 00:00:00 UTC)",
    ]
    assert part(lines, "Who let it in") == [
        "- 2026-01-02 00:00:00 UTC: it is champion, by ada (unverified): reviewed",
        "- 2026-01-03 00:00:00 UTC: it is approved, by ada: reviewed",
    ]
    assert part(lines, "Where it serves and served")[2:] == [
        "| shop | Stable | 2026-01-04 00:00:00 UTC |  |  |",
        "| old | Stable | 2026-01-02 00:00:00 UTC | 2026-01-03 00:00:00 UTC | replaced by flights-3 |",
    ]


def test_card_of_an_import_tells_from_where() -> None:
    brought = {"import": {"url": "https://models/a.onnx?sig=secret", "digest": DIGEST}}
    lines = card(MEASURED | {"lineage": MEASURED["lineage"] | {"trainedAs": brought}})
    told = f"- TrainingRun flights-b (imported from `https://models/a.onnx`, `{DIGEST}`)"
    assert part(lines, "Where it comes from")[0] == told


def test_card_says_what_nobody_has_looked_at() -> None:
    bare = version(2).spec.wire()
    lines = card(bare, {}, data=False)
    assert part(lines, "Limits") == [
        "- no gate was set: nothing was asked of its quality",
        "- no slices were measured (evaluation.slices): whether it is worse on some groups is not known",
        "- what its columns matter was not measured (evaluation.importance)",
        "- it gives no probabilities: how sure it is cannot be said",
        "- it was compared with no baseline",
    ]
    assert "which is deleted or not for you to see" in part(lines, "The data")[0]
    assert part(lines, "Who let it in") == ["Nobody has approved it or given it an alias."]
    assert part(lines, "Where it serves and served") == ["Nowhere yet."]
    assert "## On whom it is worse" not in lines


def test_card_tells_of_the_search_that_the_version_won() -> None:
    search = {"algorithm": "tpe", "metric": "auc", "value": 0.9, "trial": 7, "trials": 30, "parameters": {"C": 0.1}}
    found = part(card(MEASURED | {"lineage": MEASURED["lineage"] | {"search": search}}), "Where it comes from")
    said = "- its parameters were sought: trial 7 of 30, by tpe, auc 0.9 on the validation rows with `C 0.1`"
    assert said in found
