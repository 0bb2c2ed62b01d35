"""Source files as ingest reads them: the view `source` before the user's SQL."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from modelward_contracts.manifests import Csv
from modelward_contracts.tasks import CsvOptions
from modelward_training.ingest import load
from modelward_training.ingest.source import listed
from modelward_training.paths import Paths

from .harness import ingest_task


@dataclass(frozen=True)
class Read:
    types: dict[str, str]
    columns: dict[str, list[Any]]
    warnings: list[str]
    csv: Csv | None

    @property
    def told(self) -> str:
        return "\n".join(self.warnings)


def read(
    folder: Path, *files: bytes | str, csv: dict[str, Any] | None = None, ending: str = "csv", **fields: Any
) -> Read:
    """The files (a.csv, b.csv, …), or those that lie in `folder`/source already."""
    paths = Paths(folder)
    paths.source.mkdir(exist_ok=True)
    for name, content in zip("abcdef", files, strict=False):
        (paths.source / f"{name}.{ending}").write_bytes(content if isinstance(content, bytes) else content.encode())
    task = ingest_task(
        "file:///nowhere", csv=CsvOptions(**(csv or {})), **{"label": "y", "id": None, "path": "**/*", **fields}
    )
    with load.connect(folder) as con:
        found = load.load(con, listed(task, paths), task, folder)
        described = con.execute("DESCRIBE source").fetchall()
        rows = con.execute("SELECT * FROM source").fetchall()
    names = [name for name, *_ in described]
    return Read(
        types={name: kind for name, kind, *_ in described},
        columns={name: [row[n] for row in rows] for n, name in enumerate(names)},
        warnings=found.warnings,
        csv=found.csv,
    )


def zstd(content: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content.encode())
    return bytes(sink.getvalue())
