"""`make bench-files`: three parts, one page, exit 1 if anything is silently wrong.

ARGS names the parts that are wanted:

* reading: every CSV file of the packages through ingest's reading, against pandas
* training: every built-in estimator on those with a label, from ingest to publish, against plain scikit-learn
* million: the time of an ingest of a million rows, against pandas.read_csv
"""

import sys

from . import million, page, reading, training

PARTS = {"reading": reading.run, "training": training.run, "million": million.run}


def main() -> int:
    parts = sys.argv[1:] or list(PARTS)
    wrong = [part for part in parts if PARTS[part]()]
    page.write()
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
