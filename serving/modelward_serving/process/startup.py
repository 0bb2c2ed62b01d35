"""From a folder to a model that has proven itself: loaded, warmed, and answering as it was recorded."""

from dataclasses import dataclass, replace

from modelward_serving.model.golden import keeps_rows, replay, warm_up
from modelward_serving.model.model import Model, load
from modelward_serving.model.plan import Plan

from .options import Options

SLOW_RUN = 0.001
"""A run of one row that takes longer gains from threads of its own; below, waking them costs more than they save."""


@dataclass(frozen=True, slots=True)
class Prepared:
    model: Model
    plan: Plan
    one_row: float
    """Seconds of a run of one row."""


def prepare(options: Options, plan: Plan) -> Prepared:
    """Raises `ModelError`."""
    given = options.threads is not None
    prepared = _load(options, plan if given else replace(plan, intra_op_threads=1))
    if not given and prepared.one_row > SLOW_RUN:
        wide = plan.alone() if options.workers is None else plan
        if wide.intra_op_threads > 1:
            prepared = _load(options, wide)
    replay(prepared.model)
    model = prepared.model
    if model.interface.batches and not keeps_rows(model):
        # Free first dimensions that are not the rows: what looks like a request's part may be its neighbour's.
        prepared = replace(prepared, model=replace(model, interface=replace(model.interface, batches=False)))
    return prepared


def _load(options: Options, plan: Plan) -> Prepared:
    model = load(options.folder, options.name, options.version, options.digest, plan)
    return Prepared(model, plan, warm_up(model))
