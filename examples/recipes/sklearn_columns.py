"""scikit-learn with one input per column, which takes text and names what a client sends."""

import pandas as pd
from common import CLASSES, COLUMNS, DATASET, ID, LABEL, SOURCE, Y, leave
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

TEXTS = [c["name"] for c in DATASET["columns"] if c["type"] == "string" and c["name"] not in (LABEL, ID)]


def read(*splits: str) -> pd.DataFrame:
    frame = pd.concat([pd.read_parquet(SOURCE / f"{split}.parquet") for split in splits], ignore_index=True)
    return pd.concat([frame[COLUMNS].astype("float32"), frame[TEXTS].fillna("").astype(object)], axis=1)


encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
forest = (RandomForestClassifier if CLASSES else RandomForestRegressor)(n_estimators=50, random_state=0)
model = make_pipeline(make_column_transformer((encode, TEXTS), remainder="passthrough"), forest)
model.fit(read("train"), Y)
held_out = read("validation", "test")
types = [(name, FloatTensorType([None, 1])) for name in COLUMNS]
types += [(name, StringTensorType([None, 1])) for name in TEXTS]
leave(
    to_onnx(model, initial_types=types, name="model").SerializeToString(),
    model.predict(held_out),
    model.predict_proba(held_out) if CLASSES else None,
)
