"""`python -m modelward replay`, as a user calls it."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelward.__main__ import main

START = {"edges": [0.01, 0.02, 0.04], "steps": [{"weight": 10, "duration": 30}, {"weight": 50, "duration": 30}]}
GOOD = {"requests": 20, "failures": 0, "latency": [10, 8, 2, 0]}
STABLE = {"requests": 180, "failures": 0, "latency": [90, 72, 18, 0]}
BAD = {"requests": 20, "failures": 20, "latency": [0, 0, 0, 0]}
SLOW = {"requests": 20, "failures": 0, "latency": [0, 0, 10, 10]}


def looks(candidate: dict[str, Any], seconds: int = 1000, weights: tuple[int, ...] = (10, 50)) -> list[dict[str, Any]]:
    """At each time one record a weight: the judge picks those of the step in force."""
    return [
        {"t": t, "weight": w, "stable": STABLE, "candidate": candidate} for t in range(2, seconds, 2) for w in weights
    ]


def trace(path: Path, records: list[Any], start: Any = START) -> Path:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in (start, *records)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


Called = tuple[int, list[dict[str, Any]], str]
"""Exit code, lines of standard output, standard error."""


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    def call(*arguments: str | Path) -> Called:
        monkeypatch.setattr(sys, "argv", ["modelward", "replay", *map(str, arguments)])
        code = main()
        out, errors = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], errors

    return call


def test_it_is_a_command_of_the_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "modelward", "replay", str(trace(tmp_path / "a.jsonl", looks(BAD)))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["outcome"] == "RolledBack"


def test_good_bad_slow_and_short_traces_end_as_they_should(tmp_path: Path, replay: Callable[..., Called]) -> None:
    files = [
        trace(tmp_path / "good.jsonl", looks(GOOD)),
        trace(tmp_path / "bad.jsonl", looks(BAD)),
        trace(tmp_path / "slow.jsonl", looks(SLOW)),
        trace(tmp_path / "short.jsonl", looks(GOOD, 20)),
        trace(tmp_path / "empty.jsonl", []),
    ]
    code, found, errors = replay(*files)
    assert (code, errors) == (0, "")
    assert [f["file"] for f in found] == [str(file) for file in files]
    assert [f["outcome"] for f in found] == ["Promoted", "RolledBack", "RolledBack", "Held", "Held"]
    assert [f["reason"] for f in found[:3]] == ["Proven", "Errors", "Latency"]
    assert found[0]["step"] == 1
    assert found[1]["t"] == 2
    assert {"file", "outcome", "t", "step", "reason", "numbers"} <= found[0].keys()
    assert 0 < found[0]["numbers"]["errorsAtMost"] <= found[0]["numbers"]["errorsLimit"]


def test_a_step_lasts_from_its_own_first_record_and_other_weights_are_skipped(
    tmp_path: Path, replay: Callable[..., Called]
) -> None:
    later = [record | {"t": record["t"] + 5000} for record in looks(GOOD, 1500, (50,))]
    file = trace(tmp_path / "t.jsonl", [*looks(BAD, 30, (70,)), *looks(GOOD, 400, (10,)), *later])
    _, (found,), _ = replay(file)
    assert found["outcome"] == "Promoted"
    assert found["t"] >= 5030


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "truncated"),
        ("[]", "Expected `object`"),
        ('{"t": 1}', "missing required field"),
        (json.dumps({"t": "1", "weight": 10, "stable": STABLE, "candidate": GOOD}), "$.t"),
        (json.dumps({"t": 500, "weight": 10, "stable": STABLE, "candidate": GOOD | {"requests": -1}}), "requests"),
        (json.dumps({"t": 500, "weight": 10, "stable": STABLE, "candidate": GOOD | {"failures": 21}}), "21 failures"),
        (json.dumps({"t": 500, "weight": 10, "stable": STABLE, "candidate": GOOD | {"latency": [1]}}), "1 counts"),
        (json.dumps({"t": 1.5, "weight": 10, "stable": STABLE, "candidate": GOOD}), "t falls"),
    ],
)
def test_a_malformed_line_is_named_once_and_the_other_files_are_judged(
    tmp_path: Path, line: str, says: str, replay: Callable[..., Called]
) -> None:
    broken = trace(tmp_path / "a.jsonl", [*looks(GOOD, 8, (10,)), line, *looks(GOOD, 8, (10,))])
    good = trace(tmp_path / "b.jsonl", looks(GOOD))
    code, found, errors = replay(tmp_path)
    assert code == 1
    assert [f["file"] for f in found] == [str(good)]
    assert errors.startswith(f"modelward replay: {broken}:5: ")
    assert says in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(
    "start", ["", "{}", {"edges": [2, 1], "steps": START["steps"]}, START | {"steps": []}, START | {"edges": [-1, 2]}]
)
def test_a_malformed_beginning_is_named_too(tmp_path: Path, start: Any, replay: Callable[..., Called]) -> None:
    file = trace(tmp_path / "a.jsonl", [], start)
    code, found, errors = replay(file, tmp_path / "missing.jsonl")
    assert (code, found) == (1, [])
    first, second = errors.splitlines()
    assert first.startswith(f"modelward replay: {file}:1: ")
    assert second == f"modelward replay: {tmp_path}/missing.jsonl: No such file or directory"


def test_another_analysis_judges_otherwise(tmp_path: Path, replay: Callable[..., Called]) -> None:
    file = trace(tmp_path / "a.jsonl", looks(GOOD, 1500))
    analysis = tmp_path / "analysis.yaml"
    analysis.write_text("minRequests: 30000\nfalseRollbacks: 0.05\n", encoding="utf-8")
    _, (found,), _ = replay(file)
    _, (stricter,), _ = replay(file, "--analysis", analysis)
    assert (found["outcome"], stricter["outcome"], stricter["reason"]) == ("Promoted", "Held", "TooFewRequests")


@pytest.mark.parametrize(
    ("text", "says"),
    [("minRequest: 3", "no minRequest"), ("minRequests: x", "minRequests"), ("- 1", "mapping"), ("a: [", "analysis")],
)
def test_an_analysis_that_is_none_is_refused(
    tmp_path: Path, text: str, says: str, replay: Callable[..., Called]
) -> None:
    analysis = tmp_path / "analysis.yaml"
    analysis.write_text(text, encoding="utf-8")
    code, found, errors = replay(trace(tmp_path / "a.jsonl", looks(GOOD)), "--analysis", analysis)
    assert (code, found) == (2, [])
    assert str(analysis) in errors
    assert says in errors


def test_traces_without_latency_or_with_huge_counts_are_judged(tmp_path: Path, replay: Callable[..., Called]) -> None:
    bare: dict[str, Any] = {"requests": 20, "failures": 0, "latency": [20]}
    none = trace(tmp_path / "none.jsonl", looks(bare), {"edges": [], "steps": START["steps"]})
    text = none.read_text().replace("[90, 72, 18, 0]", "[180]")
    none.write_text(text)
    huge = {"requests": 10**12, "failures": 10**9, "latency": [5 * 10**11, 4 * 10**11, 10**11, 0]}
    records = [{"t": t, "weight": w, "stable": huge, "candidate": huge} for t in range(2, 100, 2) for w in (10, 50)]
    code, found, _ = replay(none, trace(tmp_path / "huge.jsonl", records))
    assert code == 0
    assert [f["outcome"] for f in found] == ["Promoted", "Promoted"]


def test_traces_as_the_store_keeps_them_are_judged_like_others(tmp_path: Path, replay: Callable[..., Called]) -> None:
    plain = trace(tmp_path / "a.jsonl", looks(BAD))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    code, lines, errors = replay(tmp_path)
    assert (code, errors, len(lines)) == (0, "", 2)
    assert lines[0] | {"file": ""} == lines[1] | {"file": ""}


@pytest.mark.parametrize("broken", [lambda data: data[:-20], lambda data: data[:12] + b"\xff" * 40 + data[52:]])
def test_a_broken_gzip_file_is_named_and_the_others_are_judged(
    tmp_path: Path, replay: Callable[..., Called], broken: Callable[[bytes], bytes]
) -> None:
    plain = trace(tmp_path / "b.jsonl", looks(BAD))
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(broken(gzip.compress(plain.read_bytes())))
    code, lines, errors = replay(tmp_path)
    assert (code, len(lines)) == (1, 1)
    assert f"{file}: no whole gzip file" in errors
    assert len(errors.splitlines()) == 1
