"""scikit-learn through skl2onnx, with nothing but its defaults: one matrix, and a ZipMap for the classes."""

from common import CLASSES, HELD_OUT, X, Y, leave
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

model = make_pipeline(StandardScaler(), LogisticRegression() if CLASSES else Ridge()).fit(X, Y)
leave(
    to_onnx(model, X[:1]).SerializeToString(),
    model.predict(HELD_OUT),
    model.predict_proba(HELD_OUT) if CLASSES else None,
)
