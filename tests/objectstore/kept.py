"""Where a store is, for tests that look behind it."""

from dataclasses import dataclass
from pathlib import Path

from objectstore.server import ObjectStore


@dataclass(frozen=True)
class Kept:
    url: str
    folder: Path
    """Its objects lie here as files, on S3 too."""
    server: ObjectStore | None = None
