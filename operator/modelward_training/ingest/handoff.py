"""What the step that read the source tells the one that checks what the user's container made of it."""

import msgspec

from modelward_contracts.manifests import Csv, SourceFile
from modelward_contracts.wire import Wire, canonical, decode
from modelward_training.outcome import JobError
from modelward_training.paths import Paths

from .columns import Source

FILE, SUFFIX = "source.json", ".parquet"


class Handed(Wire, frozen=True, kw_only=True):
    sources: list[SourceFile]
    csv: Csv | None = None
    warnings: list[str] = []


def write(paths: Paths, sources: list[SourceFile], read: Source) -> None:
    paths.handoff.mkdir(parents=True, exist_ok=True)
    handed = Handed(sources=sources, csv=read.csv, warnings=read.warnings)
    (paths.handoff / FILE).write_bytes(canonical(handed))


def read(paths: Paths) -> Handed:
    try:
        return decode((paths.handoff / FILE).read_bytes(), Handed)
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise JobError("InvalidTask", f"the step that reads the source left nothing to go on with: {error}") from error
