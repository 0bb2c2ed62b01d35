"""From a folder to a model that has proven itself: loaded, warmed, and answering as it was recorded."""

from dataclasses import dataclass, replace

from modelward_serving.model.golden import mixes, replay, warm_up
from modelward_serving.model.model import Model, load
from modelward_serving.model.plan import Plan
from modelward_serving.model.together import Proven
from modelward_serving.refusal import ModelError

from .options import Options

SLOW_RUN = 0.001
"""A run of one row that takes longer gains from threads of its own; below, waking them costs more than they save."""


@dataclass(frozen=True, slots=True)
class Prepared:
    model: Model
    plan: Plan
    one_row: float | None
    """Seconds of a run of one row, where that is known."""


def prepare(options: Options, plan: Plan, proof: Proven | None = None) -> Prepared:
    """Raises `ModelError`."""
    try:
        return _prepare(options, plan, proof)
    except ModelError:
        raise
    except Exception as error:  # whatever a model makes of being tried
        said = " ".join(str(error).split())[:500]
        raise ModelError("InvalidModel", f"model.onnx cannot be tried: {type(error).__name__}: {said}") from error


def _prepare(options: Options, plan: Plan, proof: Proven | None) -> Prepared:
    given = options.threads is not None
    prepared = _load(options, plan if given else replace(plan, intra_op_threads=1), proof)
    if not given and prepared.one_row is not None and prepared.one_row > SLOW_RUN:
        wide = plan.alone() if options.workers is None else plan
        if wide.intra_op_threads > 1:
            prepared = _load(options, wide, proof)
    replay(prepared.model)
    model = prepared.model
    if model.interface.batches and (found := mixes(model, prepared.one_row)) is not None:
        prepared = replace(prepared, model=model.unbatched(f"when it was tried, {found}"))
    return prepared


def _load(options: Options, plan: Plan, proof: Proven | None) -> Prepared:
    model = load(options.folder, options.name, options.version, options.digest, plan, options.batching, proof)
    return Prepared(model, plan, warm_up(model))
