"""The estimators that can be named in a run, and what each needs from the preparation.

All of them were compared with their ONNX export, on every kind of column and label (docs/estimators.md).
"""

from dataclasses import dataclass
from typing import Any, Literal

from modelward_contracts.manifests import Task

Preparation = Literal["scaled", "tree", "tree with missing values"]
"""Never a scaler before trees: a float32 scaler moves values over split points and changes predictions silently."""


@dataclass(frozen=True)
class Known:
    module: str
    task: Task
    preparation: Preparation
    defaults: tuple[tuple[str, Any], ...] = ()
    """Ours, where the library's own would end too soon, or would give no probabilities."""

    @property
    def is_booster(self) -> bool:
        return not self.module.startswith("sklearn")

    @property
    def numbers_classes(self) -> bool:
        """Does it take no classes but 0, 1, 2 …?"""
        return self.module == "xgboost" and self.task == "classification"


def _alike(module: str, task: Task, preparation: Preparation, names: str, **defaults: Any) -> dict[str, Known]:
    return {name: Known(module, task, preparation, tuple(defaults.items())) for name in names.split()}


_LINEAR, _ENSEMBLE = "sklearn.linear_model", "sklearn.ensemble"
_CV: dict[str, Any] = {"max_iter": 1000, "l1_ratios": (0,), "scoring": "neg_log_loss", "use_legacy_attributes": False}
"""As the library will have it."""
KNOWN: dict[str, Known] = {
    **_alike(_LINEAR, "classification", "scaled", "LogisticRegression", max_iter=1000),
    **_alike(_LINEAR, "classification", "scaled", "LogisticRegressionCV", **_CV),
    **_alike(_LINEAR, "classification", "scaled", "SGDClassifier", loss="log_loss"),
    **_alike(_LINEAR, "classification", "scaled", "Perceptron RidgeClassifier RidgeClassifierCV"),
    **_alike("sklearn.svm", "classification", "scaled", "LinearSVC NuSVC SVC"),
    **_alike("sklearn.naive_bayes", "classification", "scaled", "BernoulliNB GaussianNB"),
    **_alike("sklearn.discriminant_analysis", "classification", "scaled", "LinearDiscriminantAnalysis"),
    **_alike("sklearn.neighbors", "classification", "scaled", "KNeighborsClassifier"),
    **_alike("sklearn.calibration", "classification", "scaled", "CalibratedClassifierCV"),
    **_alike("sklearn.neural_network", "classification", "scaled", "MLPClassifier", max_iter=500),
    **_alike("sklearn.tree", "classification", "tree", "DecisionTreeClassifier ExtraTreeClassifier"),
    **_alike(_ENSEMBLE, "classification", "tree", "AdaBoostClassifier BaggingClassifier RandomForestClassifier"),
    **_alike(_ENSEMBLE, "classification", "tree", "ExtraTreesClassifier GradientBoostingClassifier"),
    **_alike(_ENSEMBLE, "classification", "tree with missing values", "HistGradientBoostingClassifier"),
    **_alike("lightgbm", "classification", "tree with missing values", "LGBMClassifier", verbose=-1),
    **_alike("xgboost", "classification", "tree with missing values", "XGBClassifier"),
    **_alike(_LINEAR, "regression", "scaled", "LinearRegression Ridge RidgeCV Lasso LassoCV ElasticNet ElasticNetCV"),
    **_alike(_LINEAR, "regression", "scaled", "Lars LarsCV LassoLars LassoLarsCV LassoLarsIC"),
    **_alike(_LINEAR, "regression", "scaled", "OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV"),
    **_alike(_LINEAR, "regression", "scaled", "ARDRegression BayesianRidge QuantileRegressor SGDRegressor"),
    **_alike(_LINEAR, "regression", "scaled", "HuberRegressor RANSACRegressor TheilSenRegressor"),
    **_alike(_LINEAR, "regression", "scaled", "GammaRegressor PoissonRegressor TweedieRegressor"),
    **_alike("sklearn.cross_decomposition", "regression", "scaled", "PLSRegression"),
    **_alike("sklearn.svm", "regression", "scaled", "LinearSVR NuSVR SVR"),
    **_alike("sklearn.neighbors", "regression", "scaled", "KNeighborsRegressor"),
    **_alike("sklearn.gaussian_process", "regression", "scaled", "GaussianProcessRegressor"),
    **_alike("sklearn.neural_network", "regression", "scaled", "MLPRegressor", max_iter=500),
    **_alike("sklearn.tree", "regression", "tree", "DecisionTreeRegressor ExtraTreeRegressor"),
    **_alike(_ENSEMBLE, "regression", "tree", "AdaBoostRegressor BaggingRegressor RandomForestRegressor"),
    **_alike(_ENSEMBLE, "regression", "tree", "ExtraTreesRegressor GradientBoostingRegressor"),
    **_alike(_ENSEMBLE, "regression", "tree with missing values", "HistGradientBoostingRegressor"),
    **_alike("lightgbm", "regression", "tree with missing values", "LGBMRegressor", verbose=-1),
    **_alike("xgboost", "regression", "tree with missing values", "XGBRegressor"),
}

_POSITIVE = "takes no negative inputs, and columns are scaled around zero: write a script"
_SILENT = "has no exporter to ONNX: take another one"
_OTHERS = "is made of other estimators, which YAML cannot name: write a script"
UNFIT: dict[str, str] = {
    **dict.fromkeys(("CategoricalNB", "ComplementNB", "MultinomialNB"), _POSITIVE),
    **dict.fromkeys(("DummyClassifier", "DummyRegressor", "KernelRidge", "LabelPropagation"), _SILENT),
    **dict.fromkeys(("LabelSpreading", "NearestCentroid", "TransformedTargetRegressor"), _SILENT),
    **dict.fromkeys(("StackingClassifier", "StackingRegressor", "VotingClassifier", "VotingRegressor"), _OTHERS),
    **dict.fromkeys(("OneVsOneClassifier", "OneVsRestClassifier", "OutputCodeClassifier"), _OTHERS),
    "GaussianProcessClassifier": "has an exporter whose models do not load: take LogisticRegression or SVC",
    "IsotonicRegression": "takes one column: write a script",
    "QuadraticDiscriminantAnalysis": "is exported with a shape that is not its own: take LinearDiscriminantAnalysis",
    "RadiusNeighborsClassifier": "fails on rows without a neighbour once it is exported: take KNeighborsClassifier",
    "RadiusNeighborsRegressor": "fails on rows without a neighbour once it is exported: take KNeighborsRegressor",
}
"""Estimators that people may look for, and why they are no names."""
