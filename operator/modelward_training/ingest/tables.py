"""The step before a user's container: the source's tables as Parquet in $MODELWARD_INPUT.

What the step after it must know of the source lies in a place that the container does not see.
"""

import tempfile
from pathlib import Path

from modelward_contracts.store import Store
from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import Done, progress
from modelward_training.paths import Paths
from modelward_training.shared_folder import shared

from . import bring, handoff, load
from .columns import SOURCE
from .prepare import quoted


def run(paths: Paths) -> Done:
    task = paths.task(IngestTask)
    store = Store(task.store, task.namespace)
    paths.input.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="modelward-") as scratch:
        brought = bring.look(task, paths, store, Path(scratch)).bring()
        with load.connect(Path(scratch)) as con:
            read = load.brought(con, brought, task, store, Path(scratch))
            names = [name for name in read.tables if name != SOURCE or len(read.tables) == 1]
            for name in names:
                progress(f"writing {name}{handoff.SUFFIX}")
                path = str(paths.input / f"{name}{handoff.SUFFIX}").replace("'", "''")
                con.execute(f"COPY {quoted(name)} TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    handoff.write(paths, [*brought.described, *read.answers], read)
    shared(paths.output)
    return Done("SourceRead", f"the tables {', '.join(names)} are in place")
