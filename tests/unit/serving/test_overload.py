"""More requests than the model can answer: some are answered right and soon, the others are told to come again."""

import asyncio
import os
import time
import timeit
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from modelward_serving.scoring.batching import MAX_WAIT

from .models import FLOAT, bare, build
from .processes import ROW, Running, exchange, load, serving

WIDTH, CONNECTIONS = 1536, 900
RUN_SECONDS = 0.008
"""So long that MAX_WAIT holds far fewer requests than there are clients, however fast the machine."""


def slow(layers: int) -> bytes:
    """Rows never run together: the first dimension is fixed."""
    nodes = [helper.make_node("MatMul", ["x", "first"], ["h0"])]
    nodes += [helper.make_node("MatMul", [f"h{i}", "middle"], [f"h{i + 1}"]) for i in range(layers)]
    nodes += [helper.make_node("MatMul", [f"h{layers}", "last"], ["y"])]
    constants = {
        "first": np.full((3, WIDTH), 1, np.float32),
        "middle": np.eye(WIDTH, dtype=np.float32),
        "last": np.full((WIDTH, 1), 1 / WIDTH, np.float32),
    }
    return build(nodes, {"x": (FLOAT, [1, 3])}, {"y": (FLOAT, [1, 1])}, constants)


def layers_of(seconds: float) -> int:
    """As many as take a run so long on this machine."""
    few = 6
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(slow(few), options, providers=["CPUExecutionProvider"])
    row = {"x": np.ones((1, 3), np.float32)}
    return max(1, round(few * seconds / min(timeit.repeat(lambda: session.run(None, row), number=1, repeat=20))))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = bare(tmp_path_factory.mktemp("slow") / "model", slow(layers_of(RUN_SECONDS)))
    with serving(folder, "--threads", "1") as running:
        yield running


async def test_overload_is_answered_right_or_refused_with_retry_after_within_a_bound(server: Running) -> None:
    calm = await load(server, 100, connections=4)
    capacity = 100 / sum(calm.seconds) * 4
    before = resident(server)
    outcomes: Counter[tuple[int, bool]] = Counter()
    waits: list[float] = []
    message = server_message(server)
    streams = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(CONNECTIONS)]

    async def client(number: int) -> None:
        await asyncio.sleep(number / (3 * capacity))
        for _ in range(3):
            began = time.perf_counter()
            status, headers = await exchange(*streams[number], message)
            waits.append(time.perf_counter() - began)
            outcomes[status, "retry-after" in headers] += 1
            await asyncio.sleep(CONNECTIONS / (3 * capacity) / 2)

    await asyncio.gather(*(client(number) for number in range(CONNECTIONS)))
    for _, writer in streams:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in streams))
    assert set(outcomes) == {(200, False), (503, True)}
    assert max(waits) < 3 * MAX_WAIT
    assert resident(server) - before < 64 << 20
    assert (await load(server, 10)).statuses == {200: 10}


def test_request_whose_timeout_passed_while_it_waited_is_not_run(server: Running) -> None:
    answered = asyncio.run(_with_timeouts(server))
    assert set(answered) == {200, 503}


async def _with_timeouts(server: Running) -> dict[int, int]:
    body = ROW | {"parameters": {"timeout": 20_000}}  # microseconds
    return (await load(server, 200, connections=100, body=body)).statuses


def server_message(server: Running) -> bytes:
    import json

    body = json.dumps(ROW).encode()
    return f"POST {server.infer_path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def resident(server: Running) -> int:
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
