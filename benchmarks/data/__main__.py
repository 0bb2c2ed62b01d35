"""`make bench-data`: how fast data comes in, beside the tools that do nothing else. ARGS names the parts wanted.

* database: a million rows out of PostgreSQL, against psql's \\copy of the same to CSV; and four million, for the memory
"""

import sys

from . import database

PARTS = {"database": database.run}


def main() -> int:
    parts = sys.argv[1:] or list(PARTS)
    missed = [part for part in parts if PARTS[part]()]
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
