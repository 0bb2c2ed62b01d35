"""`make bench-data`: how fast data comes in, beside the tools that do nothing else. ARGS names the parts wanted.

* database: a million rows out of PostgreSQL, against psql's \\copy of the same to CSV; and four million, for the memory
* objects: a look at 100,000 unchanged objects on S3, against a bare listing; and one of 10 MB added to a hundred
* rows: a million rows of a CSV file, against DuckDB's reading and writing of the same; and ten million, for the memory
"""

import sys

from . import database, objects, rows

PARTS = {"database": database.run, "objects": objects.run, "rows": rows.run}


def main() -> int:
    parts = sys.argv[1:] or list(PARTS)
    missed = [part for part in parts if PARTS[part]()]
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
