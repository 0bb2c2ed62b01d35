"""No request changes another's answer: models that mix rows, with eight clients at a time, on real servers."""

import asyncio
import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from .models import FLOAT, INT64, bare, build, linear, published
from .processes import Running, serving

CLIENTS, REQUESTS = 8, 12
Feeds = dict[str, Any]


def node(op: str, inputs: str, outputs: str = "y", **attributes: Any) -> Any:
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def of_rows(*nodes: Any, kind: int = FLOAT, shape: Any = ("m", 4), **constants: Any) -> bytes:
    """From x [n, 4] to y."""
    arrays = {name: np.asarray(value) for name, value in constants.items()}
    return build(list(nodes), {"x": (FLOAT, ["n", 4])}, {"y": (kind, list(shape))}, arrays)


RANDOM = np.random.default_rng(0)
ROW_MIXING = {
    "listwise ranker": of_rows(
        node("MatMul", "x w", "s"), node("Softmax", "s", axis=0), shape=("m", 1), w=np.ones((4, 1), np.float32)
    ),
    "sequence first": build(
        [node("LSTM", "x w r", "y", hidden_size=2)],
        {"x": (FLOAT, ["steps", 1, 4])},
        {"y": (FLOAT, ["steps", 1, 1, 2])},
        {
            "w": RANDOM.standard_normal((1, 8, 4)).astype(np.float32),
            "r": RANDOM.standard_normal((1, 8, 2)).astype(np.float32),
        },
    ),
    "attention over a memory": build(
        [
            node("Transpose", "memory", "k"),
            node("MatMul", "x k", "s"),
            node("Softmax", "s", "p"),
            node("MatMul", "p memory"),
        ],
        {"x": (FLOAT, ["n", 4]), "memory": (FLOAT, ["m", 4])},
        {"y": (FLOAT, ["n", 4])},
        {},
    ),
    "z-score": of_rows(
        node("ReduceMean", "x a", "m"),
        node("Sub", "x m", "d"),
        node("Mul", "d d", "q"),
        node("ReduceMean", "q a", "v"),
        node("Add", "v e", "w"),
        node("Sqrt", "w", "s"),
        node("Div", "d s"),
        a=[0],
        e=np.float32(1e-3),
    ),
    "running sum": of_rows(node("CumSum", "x a"), a=0),
    "look-up by index": build(
        [node("Gather", "table i")],
        {"table": (FLOAT, ["v", 4]), "i": (INT64, ["n"])},
        {"y": (FLOAT, ["n", 4])},
        {},
    ),
    "pairs": of_rows(node("Transpose", "x", "t"), node("MatMul", "x t"), shape=("n", "m")),
    "dynamic quantization": of_rows(node("DynamicQuantizeLinear", "x", "q s z"), node("DequantizeLinear", "q s z")),
    "best rows first": of_rows(
        node("Shape", "x", "n", end=1), node("TopK", "x n", "y i", axis=0, largest=1, sorted=1)
    ),
    "running maximum": of_rows(node("ReduceMax", "x a", "m"), node("Sub", "x m"), a=[0]),
    "mixes only large values": of_rows(
        node("Sub", "x c", "d"),
        node("Relu", "d", "r"),
        node("ReduceSum", "r a", "s"),
        node("Add", "x s"),
        a=[0],
        c=np.float32(90),
    ),
    "previous row": of_rows(
        node("Pad", "x p", "l"), node("Shape", "x", "n", end=1), node("Slice", "l z n z", "o"), node("Sub", "x o"),
        p=[1, 0, 0, 0], z=[0],
    ),
    "number of rows": of_rows(
        node("Shape", "x", "n", end=1), node("Cast", "n", "f", to=FLOAT), node("Mul", "x f")
    ),
    "counted through all rows": of_rows(
        node("NonZero", "x", "t"), node("Transpose", "t"), kind=TensorProto.INT64, shape=("k", 2)
    ),
}  # fmt: skip


def made_up(name: str, random: np.random.Generator) -> Feeds:
    rows = int(random.integers(1, 4))
    x = (100 * random.standard_normal((rows, 4)) * (random.random((rows, 4)) < 0.7)).astype(np.float32)
    if name == "sequence first":
        return {"x": x[:, None, :] / 100}
    if name == "attention over a memory":
        return {"x": x / 100, "memory": random.standard_normal((int(random.integers(1, 6)), 4)).astype(np.float32)}
    if name == "look-up by index":
        return {"table": x, "i": random.integers(0, rows, int(random.integers(1, 5)))}
    return {"x": x}


def request(feeds: Feeds) -> dict[str, Any]:
    kinds = {"f": "FP32", "i": "INT64"}
    return {
        "inputs": [
            {"name": n, "datatype": kinds[v.dtype.kind], "shape": list(v.shape), "data": v.ravel().tolist()}
            for n, v in feeds.items()
        ]
    }


def batching(server: Running) -> dict[str, Any]:
    told: dict[str, Any] = httpx.get(f"{server.data}/v2/models/m/config").json()["batching"]
    return told


async def wrong_answers(server: Running, model: bytes, name: str) -> list[Any]:
    alone = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    wrong: list[Any] = []

    async def client(number: int) -> None:
        random = np.random.default_rng(number)
        for _ in range(REQUESTS):
            feeds = made_up(name, random)
            expected = alone.run(["y"], feeds)[0]
            reply = await http.post(server.data + server.infer_path, json=request(feeds))
            output = reply.json()["outputs"][0] if reply.status_code == 200 else {}
            right = output.get("shape") == list(expected.shape)
            if not right or not np.allclose(output["data"], expected.ravel(), rtol=1e-4, atol=1e-3):
                wrong.append((feeds, expected, reply.text))

    async with httpx.AsyncClient(timeout=30) as http:
        await asyncio.gather(*map(client, range(CLIENTS)))
    return wrong


@pytest.mark.parametrize("name", ROW_MIXING)
async def test_model_that_mixes_rows_answers_each_request_as_if_it_were_alone(name: str, tmp_path: Path) -> None:
    model = ROW_MIXING[name]
    with serving(bare(tmp_path / "m", model)) as server:
        assert await wrong_answers(server, model, name) == []
        told = batching(server)
    assert not told["enabled"]
    assert told["reason"]


@pytest.mark.parametrize("arguments", [(), ("--batching", "off")], ids=["auto", "off"])
async def test_rows_of_a_proven_model_run_together_unless_that_is_switched_off(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    with serving(bare(tmp_path / "m", linear(4)), *arguments) as server:
        assert await wrong_answers(server, linear(4), "linear") == []
        told = batching(server)
    assert told == (
        {"enabled": False, "reason": "it is switched off"} if arguments else {"enabled": True, "reason": ""}
    )
    assert f'"batching": "{"off: it is switched off" if arguments else "on"}"' in server.log.read_text()


def test_manifest_older_than_the_proof_is_proven_at_start(tmp_path: Path) -> None:
    folder, digest = published(tmp_path / "m")
    with serving(folder, "--digest", digest) as server:
        assert batching(server) == {"enabled": True, "reason": ""}


def of_no_dimension() -> bytes:
    return build(
        [node("MatMul", "x w", "s"), node("Squeeze", "s")],
        {"x": (FLOAT, ["n", 4])},
        {"y": (FLOAT, ["n"])},
        {"w": np.ones((4, 1), np.float32)},
    )


def test_output_without_dimensions_is_answered(tmp_path: Path) -> None:
    with serving(bare(tmp_path / "m", of_no_dimension())) as server:
        one = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]}
        assert server.infer(one).json()["outputs"][0] == {"name": "y", "datatype": "FP32", "shape": [], "data": [10.0]}
        assert server.monitor().in_flight == 0
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGTERM)  # no drain window
        assert server.process.wait(10) == 0
        assert "Traceback" not in server.log.read_text()


def slow() -> bytes:
    """About a second for rows of 800 × 800, and next to nothing for one of 1 × 1."""
    steps = [node("MatMul", "x x", "h0")] + [node("MatMul", f"h{i} x", f"h{i + 1}") for i in range(30)]
    return build(
        [*steps, node("Identity", "h30")], {"x": (FLOAT, ["n", "k", "k"])}, {"y": (FLOAT, ["n", "k", "k"])}, {}
    )


def test_large_request_holds_up_neither_probes_nor_small_ones(tmp_path: Path) -> None:
    size = 800
    with serving(bare(tmp_path / "m", slow())) as server:
        small = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 1, 1], "data": [1.0]}]}
        assert server.infer(small).status_code == 200
        data = [1 / size] * (size * size)
        large = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, size, size], "data": data}]}
        replies: list[int] = []
        thread = threading.Thread(target=lambda: replies.append(server.infer(large, timeout=60).status_code))
        taken: dict[str, list[float]] = {"/healthz": [], "small": []}
        with httpx.Client(timeout=30) as admin, httpx.Client(timeout=30) as client:
            admin.get(f"{server.admin}/healthz")
            thread.start()
            while thread.is_alive():
                began = time.perf_counter()
                assert admin.get(f"{server.admin}/healthz").status_code == 200
                between = time.perf_counter()
                assert client.post(server.data + server.infer_path, json=small).status_code == 200
                taken["/healthz"].append(between - began)
                taken["small"].append(time.perf_counter() - between)
            thread.join()
        assert replies == [200]
        assert len(taken["small"]) > 5
        # This machine runs other things beside: most, and none as long as the run.
        for times in taken.values():
            assert sorted(times)[int(0.9 * len(times))] < 0.1
