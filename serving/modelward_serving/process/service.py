"""A loaded model with everything that works on it: scorer, batches, signals, and the split in front."""

import asyncio

from modelward_serving.http.connection import Port
from modelward_serving.model.model import Model
from modelward_serving.monitor.counters import Counters
from modelward_serving.monitor.fold import SignalMonitor
from modelward_serving.scoring.cells import Cells
from modelward_serving.scoring.scorer import Scorer
from modelward_serving.traffic.director import Director


class Service:
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        model: Model,
        counters: Counters,
        one_row: float | None,
        concurrent: int,
        data_port: Port,
        shared: Cells | None = None,
    ) -> None:
        inputs, outputs = ([spec.name for spec in specs] for specs in (model.interface.inputs, model.interface.outputs))
        self.model = model
        self.signals = SignalMonitor(model.profile, inputs, outputs) if model.profile is not None else None
        self.scorer = Scorer(
            model,
            loop,
            counters,
            self.signals,
            data_port.limits,
            one_row,
            concurrent=concurrent,
            shared=shared,
        )
        self.director = Director(loop, counters, self.scorer, data_port, shared)

    def tick(self) -> None:
        """Called every second."""
        self.director.tick()
        self.scorer.tick()

    def close(self) -> None:
        self.director.close()
        self.scorer.close()
