"""The parts of docs/serving-benchmark.md that a run decides, written between markers; the rest is by hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import bars
from .report import table

PARTS = ("bars", "run", "cases")


def rewritten(page: str, result: Mapping[str, Any]) -> str:
    for part in PARTS:
        begin, end = f"<!-- {part}: from the result -->", f"<!-- {part}: end -->"
        if begin not in page or end not in page:
            raise ValueError(f"the page has no place for {part}")
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n{text_of(part, result)}\n{end}{rest.partition(end)[2]}"
    return page


def text_of(part: str, result: Mapping[str, Any]) -> str:
    if part == "bars":
        verdicts = [verdict for _, _, verdict in bars.verdicts(result)]
        met, missed = verdicts.count("met"), verdicts.count("**missed**")
        rest = len(verdicts) - met - missed
        told = f"Of {len(verdicts)} bars {met} are met, {missed} are missed, {rest} cannot be told."
        return f"{told}\n\n{bars.table(result)}"
    if part == "cases":
        return table(result).rstrip()
    machine = result["machine"]
    before, after = (result["load_average"][when][0] for when in ("before", "after"))
    return (
        f"- {machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']};"
        f" {result['date'][:10]}. Load average {before} when the run began, {after} when it ended,"
        f" its own load included.\n- Rounds: {result['rounds']}, of {result['seconds']} s for each case."
    )


def rewrite(path: Path, result: Mapping[str, Any]) -> None:
    path.write_text(rewritten(path.read_text(), result))
