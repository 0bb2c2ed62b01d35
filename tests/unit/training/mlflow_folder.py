"""MLmodel as MLflow 3.17 writes it with `mlflow.onnx.log_model`.

MLflow itself is no dependency of the tests: its packages would move pins of ours. This text is one that it wrote.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

ONNX = {
    "code": None,
    "data": "model.onnx",
    "onnx_session_options": None,
    "onnx_version": "1.23.2",
    "providers": ["CUDAExecutionProvider", "CPUExecutionProvider"],
}
PYTHON = {
    "data": "model.onnx",
    "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
    "loader_module": "mlflow.onnx",
    "python_version": "3.11.7",
}
OUTPUTS = [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]


def mlmodel(flavors: Mapping[str, Any] | None = None, columns: Sequence[str] = ()) -> str:
    """`columns`: of the signature; without any it is of a tensor."""
    tensor = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}]
    inputs = [{"type": "float", "name": name, "required": True} for name in columns]
    return yaml.safe_dump(
        {
            "artifact_path": "s3://mlflow/1/models/m-1e8c81ead1754e4396c3da17a3697182/artifacts",
            "flavors": dict(flavors or {"onnx": ONNX, "python_function": PYTHON}),
            "is_signature_from_type_hint": False,
            "mlflow_version": "3.17.2",
            "model_id": "m-1e8c81ead1754e4396c3da17a3697182",
            "run_id": "c2d4bb5e64204a6395e6b55426c4d3f9",
            "signature": {"inputs": json.dumps(inputs or tensor), "outputs": json.dumps(OUTPUTS), "params": None},
            "utc_time_created": "2026-11-30 09:03:10.362384",
        }
    )
