"""`python -m modelward replay PATH…`: judge the traces of rollouts again, under this or another analysis.

A trace is JSON lines, or these in gzip, as the store keeps them. One JSON line a file on standard output. A file that
is no trace gets one message that names the line on standard error, the other files are judged all the same, and the
exit code is 1.
"""

import gzip
import json
import sys
import zlib
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec
import yaml
from pydantic import ValidationError

from modelward.api.model_deployment import Analysis
from modelward.decide.judge.look import Decision, judge, numbers
from modelward.decide.judge.terms import Terms
from modelward.decide.judge.trial import Trial
from modelward_contracts.trace import Counts, Look, Start

GZIP = b"\x1f\x8b"
OUTCOMES = {"Harm": "RolledBack", "SentBack": "RolledBack", "Promoted": "Promoted"}


class Malformed(ValueError):
    """What is wrong with a file, and where."""


class Replay:
    """One rollout, judged look by look as the operator would."""

    def __init__(self, start: Start, terms: Terms) -> None:
        self.start, self.terms, self.trial = start, terms, Trial()
        self.decision = Decision("NoEvidence", "TooFewRequests", "no look at the weight of the first step")

    @property
    def weight(self) -> float:
        return self.start.steps[self.trial.step].weight

    def see(self, look: Look) -> bool:
        """False once there is a verdict. What was counted at another weight than the step's is skipped."""
        if look.weight == self.weight:
            self.trial, self.decision = judge(self.trial, look, self.start, self.terms)
        return not self.decision.final

    def result(self, file: str) -> dict[str, Any]:
        return {
            "file": file,
            "outcome": OUTCOMES.get(self.decision.outcome, "Held"),
            "t": self.trial.seen,
            "step": self.trial.step,
            "reason": self.decision.reason,
            "message": self.decision.message,
            "numbers": numbers(self.trial, self.terms),
        }


def add(commands: Any) -> None:
    command: ArgumentParser = commands.add_parser("replay", help="judge traces of rollouts again")
    command.add_argument(
        "paths", nargs="+", metavar="PATH", type=Path, help="a trace, or a folder of *.jsonl and *.jsonl.gz"
    )
    command.add_argument("--analysis", metavar="FILE", type=Path, help="a ModelDeployment's spec.analysis as YAML")
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    try:
        terms = terms_of(arguments.analysis)
    except Malformed as error:
        print(f"modelward replay: {error}", file=sys.stderr)
        return 2
    wrong = False
    for path in traces(arguments.paths):
        try:
            with _opened(path) as lines:
                print(json.dumps(replayed(lines, str(path), terms), ensure_ascii=False), flush=True)
        except (Malformed, OSError, EOFError, zlib.error) as error:
            told = (error.strerror if isinstance(error, OSError) else None) or f"no whole gzip file: {error}"
            message = str(error) if isinstance(error, Malformed) else f"{path}: {told}"
            print(f"modelward replay: {message}", file=sys.stderr, flush=True)
            wrong = True
    return int(wrong)


def traces(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted([*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")]) if path.is_dir() else [path]


@contextmanager
def _opened(path: Path) -> Iterator[Iterable[bytes]]:
    with path.open("rb") as file:
        yield gzip.GzipFile(fileobj=file) if file.peek(len(GZIP)).startswith(GZIP) else file


def terms_of(path: Path | None) -> Terms:
    if path is None:
        return Terms()
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Malformed(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(given, dict | None):
        raise Malformed(f"{path}: a mapping is expected, as in spec.analysis, with minRequests and the like")
    unknown = sorted(map(str, set(given or {}) - {field.alias for field in Analysis.model_fields.values()}))
    if unknown:
        raise Malformed(f"{path}: spec.analysis has no {', '.join(unknown)}")
    try:
        return Terms.of(Analysis.model_validate(given or {}))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise Malformed(f"{path}: {wrong}") from error


def replayed(lines: Iterable[bytes], file: str, terms: Terms) -> dict[str, Any]:
    """Raises Malformed. The whole file is read: what is broken behind the verdict is broken all the same."""
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    first = next(numbered, None)
    if first is None:
        raise Malformed(f'{file}:1: the first line must be {{"edges": […], "steps": […]}}, the file is empty')
    replay = Replay(_start(*first, file), terms)
    bins, on, before = len(replay.start.edges) + 1, True, Seen(None, -1)
    for number, line in numbered:
        look = _look(line, bins, f"{file}:{number}")
        if not on or look.weight != replay.weight:
            continue
        if before.step == replay.trial.step and before.t is not None and look.t < before.t:
            raise Malformed(f"{file}:{number}: t falls from {before.t:g} to {look.t:g} within a step")
        before = Seen(look.t, replay.trial.step)
        on = replay.see(look)
    return replay.result(file)


@dataclass(frozen=True)
class Seen:
    t: float | None
    step: int


_start_decoder = msgspec.json.Decoder(Start)
_look_decoder = msgspec.json.Decoder(Look)


def _start(number: int, line: bytes, file: str) -> Start:
    try:
        start = _start_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{file}:{number}: {error}") from error
    edges = start.edges
    if any(not isfinite(edge) or edge <= 0 for edge in edges) or any(a >= b for a, b in pairwise(edges)):
        raise Malformed(f"{file}:{number}: edges must be positive and rise")
    return start


def _look(line: bytes, bins: int, where: str) -> Look:
    try:
        look = _look_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{where}: {error}") from error
    if not isfinite(look.t):
        raise Malformed(f"{where}: t must be a finite number of seconds")
    _check(look.candidate, bins, "candidate", where)
    _check(look.stable, bins, "stable", where)
    return look


def _check(counts: Counts, bins: int, version: str, where: str) -> None:
    if len(counts.latency) != bins:
        raise Malformed(f"{where}: {version}.latency has {len(counts.latency)} counts, {bins - 1} edges make {bins}")
    if counts.failures > counts.requests:
        raise Malformed(f"{where}: {version} has {counts.failures} failures in {counts.requests} requests")
