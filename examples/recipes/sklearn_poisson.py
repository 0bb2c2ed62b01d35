"""Counts: a Poisson regression; its exporter writes the exponential."""

from common import HELD_OUT, X, Y, leave
from skl2onnx import to_onnx
from sklearn.linear_model import PoissonRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

model = make_pipeline(StandardScaler(), PoissonRegressor()).fit(X, Y)
leave(to_onnx(model, X[:1]).SerializeToString(), model.predict(HELD_OUT))
