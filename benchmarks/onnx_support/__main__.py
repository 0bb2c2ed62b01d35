"""`make bench-onnx`: the table of docs/onnx-support.md, some ten minutes."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from .cases import cases
from .nursery import Nursery
from .page import write
from .verdict import Verdict, judge


@contextmanager
def locale() -> Iterator[None]:
    """The one that the images have (serving/Dockerfile), where this machine has not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "en_US.utf8").symlink_to("/usr/lib/locale/C.utf8")
        os.environ["LOCPATH"] = folder
        try:
            yield
        finally:
            del os.environ["LOCPATH"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench-onnx", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="models whose names hold it; writes no page")
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    chosen = [case for case in cases() if options.only in case.name]
    verdicts: list[Verdict] = []
    with (
        locale(),
        tempfile.TemporaryDirectory() as folder,
        Nursery() as nursery,
        ThreadPoolExecutor(options.at_once) as threads,
    ):
        tasks = [threads.submit(judge, case, nursery, Path(folder, f"{case.kind}-{case.name}")) for case in chosen]
        for number, task in enumerate(tasks):
            verdict = task.result()
            if verdict.late:  # once more, alone: it may have been the machine
                verdict = judge(chosen[number], nursery, Path(folder, f"{number}-again"))
            verdicts.append(verdict)
            if verdict.outcome == "wrong" or options.only:
                print(f"{verdict.outcome}: {verdict.kind} {verdict.name}: {verdict.said}", file=sys.stderr)
    if not options.only:
        write(verdicts)
    return int(any(verdict.outcome == "wrong" for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
