"""Searches as users write them: one that says all there is, and some that cannot be made, with what they are told."""

from typing import Any

SEARCH: dict[str, Any] = {
    "objective": {"type": "maximize", "metric": "auc", "goal": 0.99},
    "constraints": [{"metric": "latency_p99_seconds", "maximum": 0.01}],
    "algorithm": {"name": "tpe", "settings": {"startupTrials": 5, "multivariate": True}},
    "parameters": [
        {
            "name": "learning_rate",
            "parameterType": "double",
            "feasibleSpace": {"min": 0.0001, "max": 1, "distribution": "logUniform"},
        },
        {"name": "max_depth", "parameterType": "int", "feasibleSpace": {"min": 2, "max": 12, "step": 2}},
        {"name": "alpha", "parameterType": "double", "feasibleSpace": {"min": 0, "max": 1, "step": 0.1}},
        {"name": "leaves", "parameterType": "discrete", "feasibleSpace": {"list": [15, 31, 63.5]}},
        {"name": "loss", "parameterType": "categorical", "feasibleSpace": {"list": ["a", "b", True, 1]}},
    ],
    "parallelTrialCount": 2,
    "maxTrialCount": 30,
    "maxFailedTrialCount": 3,
}


def with_parameter(**parameter: Any) -> dict[str, Any]:
    return SEARCH | {"algorithm": {"name": "random"}, "parameters": [{"name": "x", **parameter}]}


def space(type_: str, **feasible: Any) -> dict[str, Any]:
    return with_parameter(parameterType=type_, feasibleSpace=feasible)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "feasible space upside down": (space("double", min=1, max=0), "upside down"),
    "unknown distribution": (space("double", min=0, max=1, distribution="normal"), "Unsupported value"),
    "logarithm of zero": (space("double", min=0, max=1, distribution="logUniform"), "logUniform needs a min above 0"),
    "logarithm with steps": (
        space("int", min=1, max=9, step=2, distribution="logUniform"),
        "logUniform needs a min above 0, and no step",
    ),
    "list missing": (space("categorical", min=0, max=1), "write `feasibleSpace: {list: […]}`"),
    "list and bounds": (space("double", min=0, max=1, list=[1]), "and no list"),
    "bounds missing": (space("int", min=1), "write `feasibleSpace: {min: …, max: …}`"),
    "half an int": (space("int", min=0.5, max=2), "are whole numbers"),
    "value twice": (space("categorical", list=["a", "b", "a"]), "a value twice"),
    "object in a list": (space("categorical", list=[{"a": 1}]), "at most 0"),
    "empty list": (space("categorical", list=[]), "at least 1"),
    "no steps in a grid": (
        space("double", min=0, max=1) | {"algorithm": {"name": "grid"}},
        "write feasibleSpace.step for each double",
    ),
    "name twice": (SEARCH | {"parameters": [SEARCH["parameters"][1]] * 2}, "a parameter twice"),
    "no parameter": (SEARCH | {"parameters": []}, "at least 1"),
    "text for CMA-ES": (SEARCH | {"algorithm": {"name": "cmaes"}}, "cmaes knows numbers alone"),
    "settings of another algorithm": (
        SEARCH | {"algorithm": {"name": "random", "settings": {"sigma": 0.3}}},
        "sigma is one of cmaes",
    ),
    "unknown algorithm": (SEARCH | {"algorithm": {"name": "hyperband"}}, "Unsupported value"),
    "a loss that is to be large": (
        SEARCH | {"objective": {"type": "maximize", "metric": "log_loss"}},
        "write `type: minimize`",
    ),
    "an objective that nobody measures": (
        SEARCH | {"objective": {"type": "maximize", "metric": "beauty"}},
        "Unsupported value",
    ),
    "a constraint without a bound": (SEARCH | {"constraints": [{"metric": "model_bytes"}]}, "needs a bound"),
    "no number of trials": ({k: v for k, v in SEARCH.items() if k != "maxTrialCount"}, "Required value"),
    "a constraint upside down": (
        SEARCH | {"constraints": [{"metric": "model_bytes", "minimum": 2, "maximum": 1}]},
        "no trial could keep it",
    ),
}
"""With a part of the answer."""

BESIDE: dict[str, tuple[dict[str, Any], str]] = {
    "a parameter that is given": ({"parameters": {"max_depth": 3}}, "either given or sought"),
    "a parameter of the estimator that is given": (
        {"estimator": {"name": "DecisionTreeClassifier", "parameters": {"max_depth": 3}}},
        "either given or sought",
    ),
    "a checkpoint": (
        {"estimator": None, "container": {"image": "a:1"}, "checkpoint": {"size": "1Gi"}},
        "leave checkpoint out beside search",
    ),
    "a branch": (
        {
            "estimator": None,
            "script": {"git": {"url": "https://git.example.com/a", "revision": "main", "path": "t.py"}},
        },
        "write the whole hash of a commit",
    ),
}
"""Fields of a run that do not go with `SEARCH`."""
