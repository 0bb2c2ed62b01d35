"""`python -m modelward_training STEP`."""

import argparse
import importlib
import sys

from .outcome import answer_sigterm, run
from .paths import Paths

STEPS = {
    "source": "ingest.tables",
    "ingest": "ingest.job",
    "fetch": "fetch",
    "train": "trainer.job",
    "publish": "publish.job",
    "report": "report",
    "verdict": "verdict",
    "served": "served",
    "trace": "trace",
    "collect": "collect.job",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="modelward_training", description=__doc__)
    parser.add_argument("step", choices=STEPS)
    step = parser.parse_args().step

    def work() -> object:
        return importlib.import_module(f".{STEPS[step]}", __package__).run(Paths.from_env())

    answer_sigterm()
    return run(work)


if __name__ == "__main__":
    sys.exit(main())
