"""What a search's Jobs are told, how they are called, and the copy of a script that all of them run."""

from modelward.api.search import ConstraintSpec, ParameterSpec, SearchSpec
from modelward.api.training_run import TrainingRun
from modelward.names import Manifest, child_name, owned_by
from modelward_contracts.search import Constraint, Objective, Parameter, Search, Winner
from modelward_contracts.tasks import SCRIPT_FILE


def search_asked(spec: SearchSpec) -> Search:
    settings = spec.algorithm.settings
    return Search(
        objective=Objective(
            metric=spec.objective.metric, maximize=spec.objective.type == "maximize", goal=spec.objective.goal
        ),
        constraints=[_constraint(each) for each in spec.constraints],
        algorithm=spec.algorithm.name,
        startup_trials=settings.startup_trials if settings else None,
        multivariate=bool(settings and settings.multivariate),
        sigma=settings.sigma if settings else None,
        parameters=[_parameter(each) for each in spec.parameters],
        parallel=spec.parallel_trial_count,
        trials=spec.max_trial_count,
    )


def _constraint(spec: ConstraintSpec) -> Constraint:
    return Constraint(metric=spec.metric, minimum=spec.minimum, maximum=spec.maximum)


def _parameter(spec: ParameterSpec) -> Parameter:
    space, values = spec.feasible_space, spec.feasible_space.values or []
    return Parameter(
        name=spec.name,
        type=spec.parameter_type,
        minimum=space.minimum,
        maximum=space.maximum,
        step=space.step,
        logarithmic=space.distribution == "logUniform",
        values=sorted(values, key=float) if spec.parameter_type == "discrete" else list(values),
    )


def winner_of(run: TrainingRun) -> Winner | None:
    """Of a search that is over."""
    found = run.status.search
    if found is None or found.best is None or run.status.job is None:
        return None
    return Winner(trial=found.best.number, trials=found.begun, failed=len(found.failed))


def trial_name(job: str, number: int) -> str:
    """Of the Job. `job`: the run's own."""
    return child_name(job, f"trial-{number}")


def script_name(job: str) -> str:
    return child_name(job, "script")


def script_copy(owner: Manifest, job: str, labels: dict[str, str], text: str) -> Manifest:
    """Whatever becomes of the user's ConfigMap while trials go on."""
    metadata = {
        "name": script_name(job),
        "namespace": owner["metadata"]["namespace"],
        "labels": labels,
        "ownerReferences": [owned_by(owner)],
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "immutable": True,
        "data": {SCRIPT_FILE: text},
    }
