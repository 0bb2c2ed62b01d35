"""What a search asks for can be measured and tried: a typo is told before anything is trained."""

from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.metrics import COSTS, METRICS
from modelward_contracts.search import Search
from modelward_contracts.tasks import Estimator
from modelward_training.gates import check_measured, meant
from modelward_training.outcome import JobError


def check_search(search: Search, dataset: DatasetManifest, estimator: Estimator | None) -> None:
    task, metrics = dataset.task, METRICS[dataset.task]
    check_measured("InvalidSearch", "search.objective.metric", search.objective.metric, metrics, task)
    for number, constraint in enumerate(search.constraints):
        field = f"search.constraints[{number}].metric"
        check_measured("InvalidSearch", field, constraint.metric, (*metrics, *COSTS), task)
    if estimator:
        _check_parameters(search, dataset, estimator)


def _check_parameters(search: Search, dataset: DatasetManifest, estimator: Estimator) -> None:
    from modelward_training.trainer.estimators import accepted  # imported here, because scikit-learn is large

    names = accepted(estimator.name, dataset.task)
    for number, parameter in enumerate(search.parameters):
        if parameter.name not in names:
            raise JobError(
                "InvalidSearch",
                f"search.parameters[{number}].name: {estimator.name} has no {parameter.name!r}; "
                f"{meant(parameter.name, names)}There are {', '.join(names)}",
            )
