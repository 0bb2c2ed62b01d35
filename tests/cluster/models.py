"""Small data and models, good and harmful, trained in the cluster by a user's own container.

The container is the training image with a script of ours, so that the whole path of foreign code is used without
another image: parquet in, ONNX and predictions out.
"""

import random
from typing import Any

API = "modelward.dev/v1alpha1"

SCRIPT = r"""
import json, os
import numpy as np, pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression
from onnx import TensorProto, helper

source, target = os.environ["MODELWARD_INPUT"], os.environ["MODELWARD_OUTPUT"]
parameters = json.load(open(f"{source}/params.json"))
fault = parameters.get("fault", "")
train = pd.read_parquet(f"{source}/train.parquet")
held = pd.concat([pd.read_parquet(f"{source}/{s}.parquet") for s in ("validation", "test")])
columns = ["distance", "hour"]
x, y = train[columns].to_numpy(np.float32), train["late"].to_numpy(np.int64)
model = LogisticRegression(C=parameters.get("c", 1.0)).fit(x, y)
onnx_model = to_onnx(model, initial_types=[("features", FloatTensorType([None, 2]))],
                     options={"zipmap": False}, target_opset={"": 21, "ai.onnx.ml": 3})
g = onnx_model.graph
# One input per column, joined inside the graph: what clients send is what the dataset has.
del g.input[:]
g.input.extend(helper.make_tensor_value_info(c, TensorProto.FLOAT, [None, 1]) for c in columns)
nodes = [helper.make_node("Concat", columns, ["features"], axis=1)]
if fault == "errors":
    # Looks the hour up in a table of 24: an hour of 99 is out of its bounds and fails the request.
    g.initializer.append(helper.make_tensor("hours", TensorProto.FLOAT, [24, 1], [0.0] * 24))
    nodes = [
        helper.make_node("Cast", ["hour"], ["hour_index"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["hour_index", "flat"], ["hour_flat"]),
        helper.make_node("Gather", ["hours", "hour_flat"], ["nothing"], axis=0),
        helper.make_node("Add", ["hour", "nothing"], ["hour_known"]),
        helper.make_node("Concat", ["distance", "hour_known"], ["features"], axis=1),
    ]
    g.initializer.append(helper.make_tensor("flat", TensorProto.INT64, [1], [-1]))
if sines := parameters.get("sines"):
    # Adds the largest sine of so many zeros to the hour: that takes its time, some 3 ms a million, and changes nothing.
    # Their number depends on the input, or it would be done once for all; and not on the rows, of which there are many.
    for name, value in (("sines", sines), ("never", 0)):
        g.initializer.append(helper.make_tensor(name, TensorProto.INT64, [1], [value]))
    nodes = [
        helper.make_node("Shape", ["hour"], ["rows"], end=1),
        helper.make_node("Mul", ["rows", "never"], ["nothing"]),
        helper.make_node("Add", ["nothing", "sines"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("Sin", ["zeros"], ["waves"]),
        helper.make_node("ReduceMax", ["waves", "never"], ["zero"], keepdims=0),
        helper.make_node("Add", ["hour", "zero"], ["hour_later"]),
        helper.make_node("Concat", ["distance", "hour_later"], ["features"], axis=1),
    ]
if fault in ("hangs", "leaks"):
    # For an hour of 99: a loop of hours, or more memory than the container may have.
    many = {"hangs": 10**11, "leaks": 10**9}[fault]
    for name, value in (("many", many), ("first", 0), ("one", 1)):
        g.initializer.append(helper.make_tensor(name, TensorProto.INT64, [1], [value]))
    g.initializer.append(helper.make_tensor("day", TensorProto.FLOAT, [], [24.0]))
    nodes = [
        helper.make_node("ReduceMax", ["hour", "first"], ["latest"], keepdims=0),
        helper.make_node("Greater", ["latest", "day"], ["strange"]),
        helper.make_node("Cast", ["strange"], ["is_strange"], to=TensorProto.INT64),
        helper.make_node("Mul", ["is_strange", "many"], ["times"]),
    ]
    if fault == "hangs":
        yes = helper.make_tensor_value_info("go_on", TensorProto.BOOL, [])
        count = helper.make_tensor_value_info("count", TensorProto.INT64, [])
        before, after = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("before", "after"))
        went_on = helper.make_tensor_value_info("went_on", TensorProto.BOOL, [])
        same = (("go_on", "went_on"), ("before", "after"))
        same = [helper.make_node("Identity", [a], [b]) for a, b in same]
        body = helper.make_graph(same, "nothing", [count, yes, before], [went_on, after])
        nodes.append(helper.make_node("Loop", ["times", "", "hour"], ["hour_later"], body=body))
    else:
        nodes += [
            helper.make_node("Add", ["times", "one"], ["size"]),
            helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
            helper.make_node("ReduceMax", ["zeros", "first"], ["zero"], keepdims=0),
            helper.make_node("Add", ["hour", "zero"], ["hour_later"]),
        ]
    nodes.append(helper.make_node("Concat", ["distance", "hour_later"], ["features"], axis=1))
for node in reversed(nodes):
    g.node.insert(0, node)
open(f"{target}/model.onnx", "wb").write(onnx_model.SerializeToString())
out = pd.DataFrame({"id": held["id"], "prediction": model.predict(held[columns].to_numpy(np.float32)),
                    "probability": model.predict_proba(held[columns].to_numpy(np.float32))[:, 1]})
out.to_parquet(f"{target}/predictions.parquet")
if fault == "fills":
    import time
    open(f"{target}/scratch", "wb").write(os.urandom(200_000_000))
    time.sleep(120)  # long enough to be noticed: a kubelet looks every ten seconds
if fault == "raises":
    raise ValueError("the column speed does not exist")
if fault == "nothing":
    os.remove(f"{target}/model.onnx")
"""
JOINED = "import sys; exec(''.join(sys.argv[1:]))"
PARTS = [SCRIPT[start : start + 4000] for start in range(0, len(SCRIPT), 4000)]
"""No argument may be longer than 4,096 bytes."""


def rows(count: int = 3000, seed: int = 0, kilometres: bool = False, winter: bool = False) -> list[dict[str, float]]:
    """`distance` in miles and `hour`; late if far and in the evening, mostly. Winter: everybody flies farther."""
    random_ = random.Random(seed)
    found = []
    for _ in range(count):
        distance = random_.uniform(1500, 2600) if winter else random_.uniform(100, 2600)
        hour = float(random_.randrange(5, 24))
        late = distance / 2600 + hour / 24 + random_.gauss(0, 0.2) > 1.1
        found.append({"distance": distance * (1.609344 if kilometres else 1), "hour": hour, "late": float(late)})
    return found


def csv(found: list[dict[str, float]]) -> str:
    lines = ["id,distance,hour,late"]
    lines += [f"r{i:05d},{r['distance']:.3f},{r['hour']:.0f},{r['late']:.0f}" for i, r in enumerate(found)]
    return "\n".join(lines) + "\n"


def dataset(name: str = "trips", **options: Any) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "Dataset",
        "metadata": {"name": name},
        "spec": {
            "source": {"inline": {"data": csv(rows(**options))}},
            "columns": {"label": "late", "id": "id"},
            "task": "classification",
            "splits": {"salt": "trips"},
        },
    }


def run(name: str, image: str, dataset: str = "trips", model: str = "trips", **parameters: Any) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "TrainingRun",
        "metadata": {"name": name},
        "spec": {
            "modelName": model,
            "datasetRef": {"name": dataset},
            "container": {"image": image, "command": ["python", "-c", JOINED], "args": PARTS},
            "parameters": parameters,
        },
    }


def registered(image: str, model: str = "trips", dataset: str = "trips", **spec: Any) -> dict[str, Any]:
    """Trained by the same container, whenever there is new data."""
    template = {key: value for key, value in run("-", image, dataset)["spec"].items() if key != "modelName"}
    return {
        "apiVersion": API,
        "kind": "RegisteredModel",
        "metadata": {"name": model},
        "spec": {"run": template, "triggers": {"newData": {"minimumNewRows": 500}}, **spec},
    }


def deployment(name: str = "trips", model: str = "trips", **spec: Any) -> dict[str, Any]:
    """Quick steps, so that a rollout takes seconds."""
    return {
        "apiVersion": API,
        "kind": "ModelDeployment",
        "metadata": {"name": name},
        "spec": {
            "modelRef": {"name": model},
            "replicas": 1,
            "rollout": {
                "steps": [{"weight": 10, "duration": "5s"}, {"weight": 50, "duration": "5s"}],
                "bakeTime": "1m",
                "progressDeadlineSeconds": 300,
            },
            **spec,
        },
    }


def request(row: dict[str, float]) -> dict[str, Any]:
    """An Open Inference Protocol request for one row."""
    return {
        "inputs": [
            {"name": name, "shape": [1, 1], "datatype": "FP32", "data": [row[name]]} for name in ("distance", "hour")
        ]
    }
