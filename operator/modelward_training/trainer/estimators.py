"""The estimator that a run names, with its parameters."""

import difflib
import importlib
from typing import Any

from modelward_contracts.manifests import Task
from modelward_contracts.tasks import Estimator
from modelward_training import limits
from modelward_training.outcome import JobError

from .known import KNOWN, UNFIT, Known


def known(name: str, task: Task) -> Known:
    found = KNOWN.get(name)
    fitting = [other for other, entry in KNOWN.items() if entry.task == task]
    if name in UNFIT:
        raise JobError("UnknownEstimator", f"estimator.name: {name} {UNFIT[name]}")
    if found is None:
        raise JobError("UnknownEstimator", f"estimator.name: {_unknown(name, list(KNOWN))}")
    if found.task != task:
        raise JobError(
            "UnknownEstimator", f"{name} is for {found.task}, the dataset's task is {task}: {_list(fitting)}"
        )
    return found


def make(estimator: Estimator, entry: Known, seed: int) -> Any:
    """The estimator with its parameters, a fixed seed, and no more threads than the container has CPUs."""
    shape = _shape(estimator.name, entry)
    taken = _parameters(shape)
    for name in estimator.parameters:
        if name not in taken:
            raise JobError("InvalidParameter", f"estimator.parameters: {estimator.name} has no {_unknown(name, taken)}")
    ours = {**dict(entry.defaults), "random_state": seed, "n_jobs": limits.cpus()}
    if estimator.name == "LogisticRegression":
        del ours["n_jobs"]  # without effect there, and scikit-learn warns
    return shape(**{name: value for name, value in ours.items() if name in taken} | estimator.parameters)


def accepted(name: str, task: Task) -> list[str]:
    """The parameters that an estimator has."""
    return _parameters(_shape(name, known(name, task)))


def _shape(name: str, entry: Known) -> Any:
    return getattr(importlib.import_module(entry.module), name)


def _parameters(shape: Any) -> list[str]:
    return list(shape().get_params())


def _unknown(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"{name!r}{f'; did you mean {close[0]!r}?' if close else ':'} {_list(names)}"


def _list(names: list[str]) -> str:
    return f"there are {', '.join(names)}"
