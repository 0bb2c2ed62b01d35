"""What runs together, and what is refused, in one turn of the loop."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from onnx import TensorProto, helper

from modelward_contracts.manifests import Batching
from modelward_contracts.wire import sha256
from modelward_serving.http.connection import Port
from modelward_serving.http.limits import Limits
from modelward_serving.http.messages import Request
from modelward_serving.model.model import Model, load
from modelward_serving.model.plan import Plan
from modelward_serving.model.together import Proven, proven
from modelward_serving.monitor.counters import Counters
from modelward_serving.process.options import Options
from modelward_serving.process.startup import prepare
from modelward_serving.protocol.encode import Results
from modelward_serving.protocol.inference import Inference
from modelward_serving.protocol.oip import LARGE, Parser
from modelward_serving.refusal import Refused
from modelward_serving.scoring.batching import Batcher
from modelward_serving.scoring.run import Receiver, Run
from modelward_serving.scoring.scorer import Scorer

from .models import FLOAT, bare, build, linear

PLAN = Plan(1.0, "none", 1, 1)


def nonzero() -> bytes:
    """Row and column of each value that is not 0: shape [their number, 2]."""
    nodes = [helper.make_node("NonZero", ["x"], ["t"]), helper.make_node("Transpose", ["t"], ["y"])]
    return build(nodes, {"x": (FLOAT, ["n", 3])}, {"y": (TensorProto.INT64, ["k", 2])}, {})


def loaded(folder: Path, model: bytes) -> Model:
    """Taken for one whose rows may run together."""
    proof = Proven(model=sha256(model), batching=Batching(rows_independent=True))
    return load(bare(folder, model), "m", "1", None, PLAN, "auto", proof)


def prepared(folder: Path, model: bytes) -> Model:
    """As a server would, for a model without a manifest."""
    bare(folder, model)
    return prepare(Options(folder, "m"), PLAN, proven(folder, "auto")).model


def body(*row: float) -> bytes:
    return orjson.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 3], "data": row}]})


class Kept(Receiver):
    """Keeps what became of each request: its rows of the first output, or what went wrong; and the rows of each run."""

    def __init__(self) -> None:
        self.outcomes: dict[int, Any] = {}
        self.sizes: list[int] = []

    def answer(self, batch: list[Inference], results: Results) -> None:
        start = 0
        for inference in batch:
            self.outcomes[id(inference)] = results.rows(0, start, start + inference.rows).tolist()
            start += inference.rows

    def fail(self, inference: Inference, error: Exception) -> None:
        self.outcomes[id(inference)] = error

    def record(self, run: Run) -> None:
        self.sizes.append(run.rows)


async def turns() -> None:
    """Until what was submitted has run."""
    for _ in range(3):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    """What threads do takes time."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within ten seconds")


async def outcomes(model: Model, *bodies: bytes) -> list[Any]:
    """Of each request, all submitted in one turn."""
    kept, parser = Kept(), Parser(model.interface)
    batcher = Batcher(model, asyncio.get_running_loop(), kept)
    requests = [parser.parse(body) for body in bodies]
    for request in requests:
        batcher.submit(request)
    await turns()
    return [kept.outcomes[id(request)] for request in requests]


async def test_neighbours_get_their_own_of_an_output_without_rows(tmp_path: Path) -> None:
    model = loaded(tmp_path / "m", nonzero())
    assert model.interface.batches  # going by its shapes
    assert await outcomes(model, body(0, 5, 7), body(1, 0, 0)) == [[[0, 1], [0, 2]], [[0, 0]]]


async def test_output_without_rows_is_known_before_it_has_as_many_as_requests_meet(tmp_path: Path) -> None:
    model = prepared(tmp_path / "m", nonzero())
    assert not model.interface.batches
    assert await outcomes(model, body(0, 5, 0), body(0, 0, 7)) == [[[0, 1]], [[0, 2]]]
    assert prepared(tmp_path / "rows", linear()).interface.batches


@pytest.mark.parametrize(("together", "sizes"), [(1, [1, 1]), (2, [3])])
async def test_what_arrives_while_several_are_read_runs_with_them(
    tmp_path: Path, together: int, sizes: list[int]
) -> None:
    """One that came alone is not held up by a look at the sockets."""
    model, loop, kept = loaded(tmp_path / "m", linear()), asyncio.get_running_loop(), Kept()
    batcher, parser = Batcher(model, loop, kept), Parser(model.interface)
    near, far = socket.socketpair()

    def arrive() -> None:
        batcher.submit(parser.parse(body(1, 2, 3)))

    with near, far:
        loop.add_reader(far, lambda: (far.recv(1), arrive()))
        for _ in range(together):
            arrive()
        near.send(b"!")
        await turns()
        loop.remove_reader(far)
    assert kept.sizes == sizes


class Answered:
    """A connection that keeps its answers."""

    def __init__(self) -> None:
        self.port, self.lost, self.written = Port("data", lambda request: None), False, b""

    def finish(self, data: bytes, close: bool) -> None:
        self.written += data


async def test_request_that_finds_the_queue_full_is_told_when_to_come_again(tmp_path: Path) -> None:
    model, counters = loaded(tmp_path / "m", linear()), Counters()
    scorer = Scorer(model, asyncio.get_running_loop(), counters, None, Limits(), max_queue=2)
    clients = [Answered() for _ in range(3)]
    for client in clients:
        scorer.score(Request(client, b"POST", b"/v2/models/m/infer", {}, body(1, 2, 3), True, 0.0))  # type: ignore[arg-type]
    assert [client.written[:12] for client in clients] == [b"", b"", b"HTTP/1.1 503"]
    assert b"retry-after: 1\r\n" in clients[2].written
    assert b"too many requests are waiting" in clients[2].written
    await turns()
    assert [client.written[:12] for client in clients[:2]] == [b"HTTP/1.1 200"] * 2
    assert counters.scored == {200: 2, 503: 1}


async def test_raw_numbers_that_lie_unaligned_reach_the_model_aligned(tmp_path: Path) -> None:
    model = loaded(tmp_path / "m", linear())
    parser = Parser(model.interface)
    raw = np.array([1, 2, 3], np.float32).tobytes()
    for pad in ("", " ", "  ", "   "):
        tensor = {"name": "x", "datatype": "FP32", "shape": [1, 3], "parameters": {"binary_data_size": len(raw)}}
        header = orjson.dumps({"inputs": [tensor]}) + pad.encode()
        for _ in range(2):  # the second time the header is known
            inference = parser.parse(header + raw, len(header))
            (values,) = model.feeds([inference], 1).values()
            assert values.flags.aligned
            assert values.tolist() == [[1, 2, 3]]


async def test_number_too_large_in_a_long_body_fails_no_neighbour(tmp_path: Path) -> None:
    model = loaded(tmp_path / "m", linear())
    good, bad = await outcomes(model, *(body(x, 2, 3) + b" " * LARGE for x in (1, 1e39)))
    assert not isinstance(good, Exception)
    assert isinstance(bad, Refused)
    assert bad.message == "input 'x' row 0: 1e+39 is out of range for FP32"


def ranker() -> bytes:
    nodes = [helper.make_node("ReduceSum", ["x"], ["s"], keepdims=1), helper.make_node("Sub", ["x", "s"], ["y"])]
    return build(nodes, {"x": (FLOAT, ["n", 3])}, {"y": (FLOAT, ["n", 3])}, {})


class Watching(Kept):
    """Also what the checks of batches found."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str | None] = []

    def checked(self, differs: str | None) -> None:
        self.found.append(differs)


@pytest.mark.parametrize(("model", "mixes"), [(ranker(), True), (linear(), False)], ids=["mixes", "keeps apart"])
async def test_batch_that_runs_again_row_by_row_ends_batching_where_answers_differ(
    tmp_path: Path, model: bytes, mixes: bool
) -> None:
    """The proof is made up: each is taken for one whose rows may run together."""
    taken, watching = loaded(tmp_path / "m", model), Watching()
    batcher, parser = Batcher(taken, asyncio.get_running_loop(), watching), Parser(taken.interface)
    for row in range(4):
        batcher.submit(parser.parse(body(row, 2, 3)))
    await until(lambda: bool(watching.found))
    assert (watching.found[0] is not None) == mixes
    assert batcher.together != mixes
    assert watching.sizes == [4]
    for row in range(4):
        batcher.submit(parser.parse(body(row, 2, 3)))
    await turns()
    assert watching.sizes == ([4, 1, 1, 1, 1] if mixes else [4, 4])


class Defective(Kept):
    """Fails wherever it is asked."""

    def encode(self, batch: list[Inference], results: Results) -> Any:
        raise RuntimeError("no words")

    def record(self, run: Run) -> None:
        raise RuntimeError("not counted")


async def test_whatever_fails_between_taking_and_answering_each_request_is_told(tmp_path: Path) -> None:
    model, defective = loaded(tmp_path / "m", linear()), Defective()
    batcher, parser = Batcher(model, asyncio.get_running_loop(), defective), Parser(model.interface)
    requests = [parser.parse(body(row, 2, 3)) for row in range(3)]
    for request in requests:
        batcher.submit(request)
    await turns()
    assert [str(defective.outcomes[id(request)]) for request in requests] == ["no words"] * 3
    assert batcher.queued == 0


async def test_requests_of_which_nothing_is_known_run_in_threads_as_many_as_the_plan_allows(tmp_path: Path) -> None:
    model, kept = loaded(tmp_path / "m", linear()).unbatched("for the test"), Kept()
    batcher = Batcher(model, asyncio.get_running_loop(), kept, one_row=None, concurrent=2)
    parser = Parser(model.interface)
    requests = [parser.parse(body(row, 2, 3)) for row in range(5)]
    for request in requests:
        batcher.submit(request)
    await until(lambda: len(kept.outcomes) == 5)
    assert [kept.outcomes[id(request)] for request in requests] == [[[row + 5.0]] for row in range(5)]
    assert kept.sizes == [1] * 5
