"""The table of values in the chart's README, made of the comments in values.yaml.

python -m release.chart_readme [--check]

A value's comment stands right above it; one above values that lie deeper tells of them all.
"""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CHART = Path(__file__).resolve().parents[1] / "charts/modelward"
HEAD = ["| value | default | what it is |", "| --- | --- | --- |"]
TABLE = re.compile(r"\| value \| default \| what it is \|\n(\|.*\n)*")
_LINE = re.compile(r"( *)([A-Za-z]\w*):(.*)")
_INDENT = 2


class Value(NamedTuple):
    path: str
    default: Any
    """None where deeper values have their own."""
    told: str


def values(text: str) -> Iterator[Value]:
    """In their order. Raises where one has no comment."""
    place: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if found := _LINE.fullmatch(line):
            indent, name, default = found.groups()
            place = [*place[: len(indent) // _INDENT], name]
            if not comment:
                raise SystemExit(f"values.yaml: {'.'.join(place)} has no comment")
            yield Value(".".join(place), yaml.safe_load(default), " ".join(comment))
            comment = []
        else:
            comment = [*comment, line.strip().lstrip("# ")] if line.strip() else []


def table(text: str) -> str:
    return "\n".join([*HEAD, *(f"| `{v.path}` | {_shown(v.default)} | {v.told} |" for v in values(text)), ""])


def _shown(default: Any) -> str:
    return "" if default is None else f"`{json.dumps(default)}`"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="only say whether it is so already")
    readme = CHART / "README.md"
    before = readme.read_text()
    after = TABLE.sub(lambda _: table((CHART / "values.yaml").read_text()), before)
    if not parser.parse_args().check:
        readme.write_text(after)
    elif before != after:
        raise SystemExit(f"{readme}: the table of values is not that of values.yaml; run `make chart-readme`")


if __name__ == "__main__":
    main()
