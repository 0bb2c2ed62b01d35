"""What a search asks for can be measured and tried: a typo is told before anything is trained."""

import difflib
from collections.abc import Sequence

from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.metrics import COSTS, METRICS
from modelward_contracts.search import Search
from modelward_contracts.tasks import Estimator
from modelward_training.outcome import JobError


def check_search(search: Search, dataset: DatasetManifest, estimator: Estimator | None) -> None:
    _check("objective.metric", search.objective.metric, METRICS[dataset.task], dataset)
    for number, constraint in enumerate(search.constraints):
        _check(f"constraints[{number}].metric", constraint.metric, (*METRICS[dataset.task], *COSTS), dataset)
    if estimator:
        _check_parameters(search, dataset, estimator)


def _check(field: str, metric: str, known: Sequence[str], dataset: DatasetManifest) -> None:
    if metric not in known:
        raise JobError(
            "InvalidSearch",
            f"search.{field}: {metric!r} is not measured for {dataset.task}; {_meant(metric, known)}"
            f"There are {', '.join(known)}",
        )


def _check_parameters(search: Search, dataset: DatasetManifest, estimator: Estimator) -> None:
    from modelward_training.trainer.estimators import accepted  # imported here, because scikit-learn is large

    names = accepted(estimator.name, dataset.task)
    for number, parameter in enumerate(search.parameters):
        if parameter.name not in names:
            raise JobError(
                "InvalidSearch",
                f"search.parameters[{number}].name: {estimator.name} has no {parameter.name!r}; "
                f"{_meant(parameter.name, names)}There are {', '.join(names)}",
            )


def _meant(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}? " if close else ""
