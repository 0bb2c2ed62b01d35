"""docs/onnx-support.md, and the verdicts behind it as JSON."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import onnx
import onnxruntime

from .verdict import Outcome, Verdict

ROOT = Path(__file__).parents[2]
PAGE, RESULTS = ROOT / "docs" / "onnx-support.md", ROOT / "benchmarks" / "results" / "onnx-support.json"
OUTCOMES: tuple[Outcome, ...] = ("equal", "refused by type", "refused by onnxruntime", "wrong")
KINDS = {
    "node": "an operator each",
    "simple": "small graphs",
    "pytorch-converted": "PyTorch layers",
    "pytorch-operator": "PyTorch operators",
    "light": "whole networks",
}


def write(verdicts: list[Verdict]) -> None:
    """Replaces both."""
    about = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    models = {outcome: {one.name: one.said for one in verdicts if one.outcome == outcome} for outcome in OUTCOMES}
    RESULTS.write_text(json.dumps({**about, **models, "equal": list(models["equal"])}, indent=1) + "\n")
    PAGE.write_text(_page(verdicts, **about))


def _page(verdicts: list[Verdict], onnx: str, onnxruntime: str) -> str:
    equal = [verdict for verdict in verdicts if verdict.outcome == "equal"]
    expected = Counter(verdict.as_expected for verdict in equal if not verdict.random)
    return f"""# Which ONNX models are served

Those that onnxruntime runs and whose inputs and outputs the protocol carries. Shown with onnx's own backend tests:
the {len(verdicts)} models that the onnx package {onnx} brings, each in a server of its own, asked over HTTP in JSON and
with binary tensors, and held against onnxruntime {onnxruntime} alone, bit by bit. `make bench-onnx` makes this page; a
few of the models are part of `make test-unit`.

{_table(verdicts)}
*Equal*: types, shapes and every bit of every output, in both forms. Some of onnxruntime's sums depend on where in
memory an input begins: one such place must give every bit. {sum(v.random for v in equal)} of these models draw
random numbers: types and shapes were compared. {sum(v.json_refused for v in equal)} answer NaN or infinity, which
JSON cannot carry: 422, and equal as binary tensors. {sum(v.json_too_large for v in equal)} takes more JSON than a
request may hold by default: 413, and equal as binary tensors. Whether onnxruntime is right is not this server's
doing: {expected[True]} answers are what onnx expects within a thousandth, {expected[False]} are not.

## Refused by type

The server never turns ready, and says which input or output it is and what to export instead.

{_reasons(verdicts, "refused by type", _type_of)}
## Refused by onnxruntime

It can neither load nor run these models alone. The server's reason, or its answer, is in onnxruntime's own words.

{_reasons(verdicts, "refused by onnxruntime", _runtime_reason)}
## What else is refused

Not among onnx's tests, each with a sentence that says what to do: a Git LFS pointer, a web page, a pickle or an archive
in place of the file; weights in other files that are missing or lie outside the model's folder; steps on text where the
system lacks their locale (our images have it). Dictionaries are refused unless a `ZipMap` at the end makes them, as in
the usual exports of scikit-learn and boosters: then the tensor before it is served, with the classes' names in
`/predict`.
"""


def _table(verdicts: list[Verdict]) -> str:
    counts = Counter((verdict.kind, verdict.outcome) for verdict in verdicts)
    names = ("equal", "refused by type", "refused by onnxruntime", "refused otherwise, unanswered or unequal")
    lines = [f"| models | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|"]
    for kind, what in KINDS.items():
        lines.append(f"| {kind}: {what} | {' | '.join(str(counts[kind, outcome]) for outcome in OUTCOMES)} |")
    totals = [sum(counts[kind, outcome] for kind in KINDS) for outcome in OUTCOMES]
    lines.append(f"| **all** | {' | '.join(f'**{total}**' for total in totals)} |")
    return "\n".join(lines) + "\n"


def _reasons(verdicts: list[Verdict], outcome: Outcome, reason: Callable[[str], str]) -> str:
    found = Counter(reason(verdict.said) for verdict in verdicts if verdict.outcome == outcome)
    lines = ["| reason | models |", "| --- | --- |", *(f"| {why} | {count} |" for why, count in found.most_common())]
    return "\n".join(lines) + "\n"


def _type_of(said: str) -> str:
    kind = said.partition(" is a ")[2].partition(": ")[0]
    if kind.startswith("tensor("):
        return f"tensors of {kind[7:-1]}"
    return "optional tensors" if kind.startswith("optional") else "lists of tensors" if kind.startswith("seq") else kind


def _runtime_reason(said: str) -> str:
    if "NOT_IMPLEMENTED" in said:
        return "an operator that it does not have for these types"
    if "opset" in said or "is till opset" in said or "IR version" in said:
        return "a newer opset or version of the file than it knows"
    if "INVALID_GRAPH" in said or "Type Error" in said or "is not a registered function/op" in said:
        return "an operator, domain or type that it does not know"
    return "fails when it loads or runs"
