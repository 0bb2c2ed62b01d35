"""A dry run's rows: evenly spaced in the order of the file, so that data and labels that lie apart stay together."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import UNSET, UnsetType

from modelward_contracts.store import Store


def get_rows(store: Store, digest: str, path: Path, sample: int | UnsetType) -> None:
    """A Parquet file from the store, thinned out where a sample is asked for."""
    store.get_file(digest, path)
    if sample is not UNSET:
        thin(path, sample)


def thin(path: Path, rows: int) -> None:
    """Leave at most `rows` of a Parquet file."""
    source = pq.ParquetFile(path)
    total = source.metadata.num_rows
    if total <= rows:
        return
    wanted = np.arange(rows, dtype=np.int64) * total // rows
    begun, thinned = 0, path.with_suffix(".thinned")
    with pq.ParquetWriter(thinned, source.schema_arrow) as writer:
        for batch in source.iter_batches():
            here = wanted[(wanted >= begun) & (wanted < begun + batch.num_rows)] - begun
            writer.write_batch(batch.take(pa.array(here)))
            begun += batch.num_rows
    source.close()
    thinned.replace(path)
