"""What monitoring costs by itself: microseconds of CPU to note and count a row of a model's inputs and outputs."""

from time import thread_time

import numpy as np

from modelward_contracts.profile import ReferenceProfile
from modelward_contracts.wire import decode
from modelward_serving.monitor.fold import SignalMonitor

from .models import Published

ROWS, REPEATS = 4096, 9
BATCHES = (1, 16)


def row_us(published: Published) -> dict[str, float]:
    """By rows a batch; the best of several, because whatever else runs can only add to it."""
    profile = decode((published.folder / "profile.json").read_bytes(), ReferenceProfile)
    inputs, outputs = list(published.row), list(published.outputs)
    result = {}
    for rows in BATCHES:
        monitor = SignalMonitor(profile, inputs, outputs)
        feeds = {name: np.repeat(values, rows, axis=0) for name, values in published.row.items()}
        arrays = [np.repeat(values, rows, axis=0) for values in published.outputs.values()]
        seconds = []
        for _ in range(REPEATS):
            began = thread_time()
            for _ in range(ROWS // rows):
                monitor.note(feeds, arrays, rows)
            monitor.fold()
            seconds.append(thread_time() - began)
        result[str(rows)] = round(min(seconds) / ROWS * 1e6, 2)
    return result
