"""Which versions of packages decide the bytes of a model, in the image that this is: kept to tell what has changed
where a model comes out otherwise another time."""

import platform
from importlib import metadata

NAMES = (
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "lightgbm",
    "xgboost-cpu",
    "skl2onnx",
    "onnxmltools",
    "onnx",
    "onnxruntime",
    "protobuf",
)


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in NAMES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
