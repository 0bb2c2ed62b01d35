"""A forest that is torn between classes gives the same one in the export, and the same probabilities."""

import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline

from modelward_training.trainer.export import export
from modelward_training.trainer.preprocess import Feature, preprocessor


@pytest.mark.filterwarnings("ignore:.*bool.*:DeprecationWarning")  # the exporter's protobuf attributes
@pytest.mark.filterwarnings("ignore:.*bool.*:FutureWarning")
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "forest",
    [
        RandomForestClassifier(n_estimators=100, random_state=0),
        RandomForestClassifier(n_estimators=64, max_depth=4, random_state=0),
        ExtraTreesClassifier(n_estimators=1, random_state=0),
        ExtraTreesClassifier(n_estimators=50, random_state=0),
    ],
)
def test_as_many_votes_stay_as_many_in_the_export(forest: RandomForestClassifier, classes: int) -> None:
    draw = np.random.default_rng(0)
    x = pd.DataFrame({"column_0": draw.normal(size=800).astype(np.float32)})
    y = np.array(["maybe", "no", "yes"], object)[draw.integers(0, classes, 800)]
    inputs = [Feature("column_0", "size", "float")]
    pipeline = make_pipeline(preprocessor(inputs, "tree", x), forest).fit(x[:300], y[:300])
    native, held_out = pipeline.predict_proba(x), x.to_numpy()
    session = ort.InferenceSession(export(pipeline, inputs, "classification"))
    label, probabilities = session.run(["label", "probabilities"], {"size": held_out})
    assert np.abs(probabilities - native).max() < 2e-7
    assert (probabilities[native == 0] == 0).all()
    assert (label == pipeline.predict(x)).all()
