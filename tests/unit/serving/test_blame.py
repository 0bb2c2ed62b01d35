"""Whose fault a failure is: the candidate's only where stable answers the same request well; and how one that was left
gets another chance."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from .models import FLOAT, INT64, bare, build, published
from .processes import ROW, Candidate, Mode, Operator, Running, candidate, load, serving


def token(*values: int) -> dict[str, Any]:
    return {"name": "ids", "datatype": "INT64", "shape": [1, len(values)], "data": list(values)}


def weights(*values: float) -> dict[str, Any]:
    return {"name": "weights", "datatype": "FP32", "shape": [1, len(values)], "data": list(values)}


def asked(*inputs: dict[str, Any], output: str = "y") -> dict[str, Any]:
    return {"inputs": list(inputs), "outputs": [{"name": output}]}


def sequences() -> bytes:
    """y = log(table[ids] · weights), the same in half precision, and added to positions, of which there are four."""
    return build(
        [
            helper.make_node("Gather", ["table", "ids"], ["found"]),
            helper.make_node("Mul", ["found", "weights"], ["product"]),
            helper.make_node("Log", ["product"], ["y"]),
            helper.make_node("Cast", ["y"], ["half"], to=TensorProto.FLOAT16),
            helper.make_node("Shape", ["ids"], ["length"], start=1),
            helper.make_node("Slice", ["positions", "zero", "length", "one"], ["reached"]),
            helper.make_node("Add", ["y", "reached"], ["placed"]),
        ],
        {"ids": (INT64, ["n", "length"]), "weights": (FLOAT, ["n", "length"])},
        {
            "y": (FLOAT, ["n", "length"]),
            "half": (TensorProto.FLOAT16, ["n", "length"]),
            "placed": (FLOAT, ["n", "length"]),
        },
        {
            "table": np.arange(1, 11, dtype=np.float32),
            "positions": np.zeros((1, 4), np.float32),
            "zero": np.array([0]),
            "one": np.array([1]),
        },
    )


@pytest.fixture
def twins(tmp_path: Path, operator: Operator) -> Iterator[Running]:
    """Stable, with an identical candidate that gets every request."""
    folder = bare(tmp_path / "m", sequences())
    with serving(folder, "--traffic-dir", str(operator.folder)) as stable, serving(folder, revision="r2") as other:
        operator.split(stable, other.direct_port, 100, deadline_seconds=10)
        yield stable


GOOD = asked(token(1, 2, 3), weights(1, 1, 1))


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (asked(token(99), weights(1)), 400, "Gather: indices element out of data bounds, idx=99"),
        (asked(token(1, 2, 3), weights(1, 2)), 400, "both are 'length' in this model: make them equal"),
        (asked(token(1, 2, 3), weights(1)), 400, "both are 'length' in this model: make them equal"),
        (asked(token(1, 2, 3, 4, 5), weights(1, 1, 1, 1, 1)), 400, "Add: Attempting to broadcast"),
        (asked(token(1, 2), weights(1, -1)), 422, "'y' row 0 is NaN or infinite"),
    ],
    ids=["token beyond the vocabulary", "lengths", "length of one", "longer than positions", "NaN"],
)
async def test_identical_candidate_is_not_blamed_for_what_the_client_did(
    twins: Running, body: dict[str, Any], status: int, words: str
) -> None:
    for _ in range(8):
        answer = await asyncio.to_thread(twins.infer, body)
        assert answer.status_code == status
        assert words in answer.json()["error"]
    bad = await load(twins, 200, connections=8, body=body)
    assert (bad.statuses, bad.errors) == ({status: 200}, [])
    forwards = twins.monitor().forwards["r2"]
    assert (forwards.breaker_open, set(forwards.failures) - {"refused"}) == (False, set())
    assert (await load(twins, 40, body=GOOD)).revisions == {"r2": 40}


def test_what_the_model_cannot_compute_is_counted_and_what_it_never_saw_is_not(tmp_path: Path) -> None:
    with serving(bare(tmp_path / "m", sequences())) as server:
        for body in (GOOD, asked(token(99), weights(1)), asked(token(1, 2), weights(1, -1)), {"inputs": []}):
            server.infer(body)
        snapshot = server.monitor()
    assert snapshot.uncomputed == 2
    assert snapshot.scored == {"200": 1, "400": 2, "422": 1}


async def test_requests_that_no_server_answers_do_not_hide_a_candidate_that_fails_the_others(
    twins: Running, operator: Operator
) -> None:
    async with candidate("reject") as bad:
        operator.split(twins, bad.port, 100)
        for _ in range(5):
            await load(twins, 5, connections=1, body=asked(token(99), weights(1)))
            assert (await load(twins, 1, connections=1, body=GOOD)).statuses == {200: 1}
    forwards = twins.monitor().forwards["r2"]
    assert forwards.breaker_open
    assert forwards.failures["rejected"] == 5
    assert forwards.failures["refused"] > 10


async def test_large_request_that_stable_cannot_answer_in_time_either_blames_nobody(
    tmp_path: Path, operator: Operator
) -> None:
    """A slow model: a deadline that it misses too is the request's doing."""
    size = 1200
    slow = build(
        [
            helper.make_node("Expand", ["x", "square"], ["a"]),
            helper.make_node("MatMul", ["a", "a"], ["b"]),
            helper.make_node("MatMul", ["b", "a"], ["c"]),
            helper.make_node("ReduceSum", ["c"], ["y"], keepdims=1),
        ],
        {"x": (FLOAT, [1, 1])},
        {"y": (FLOAT, [1, 1])},
        {"square": np.array([size, size])},
    )
    body = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [1.0]}]}
    with serving(bare(tmp_path / "m", slow), "--traffic-dir", str(operator.folder)) as stable:
        async with candidate("hang") as other:
            operator.split(stable, other.port, 100, deadline_seconds=0.01)
            assert (await load(stable, 7, connections=1, body=body)).statuses == {200: 7}
        forwards = stable.monitor().forwards["r2"]
        assert (forwards.failures, forwards.breaker_open) == ({"refused": 7}, False)


async def test_hanging_candidate_is_blamed_although_its_clients_leave_first(
    stable: Running, operator: Operator
) -> None:
    async with candidate("hang") as bad:
        operator.split(stable, bad.port, 100, deadline_seconds=0.1)
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", stable.port)) as client:
                body = b'{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}'
                head = f"POST {stable.infer_path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
                client.sendall(head.encode() + body)
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
    forwards = stable.monitor().forwards["r2"]
    assert (forwards.failures, forwards.breaker_open) == ({"deadline": 5}, True)


async def recovered(stable: Running, within: float) -> None:
    deadline = time.monotonic() + within
    while (await load(stable, 1, connections=1)).revisions != {"r2": 1}:
        assert time.monotonic() < deadline, "the candidate was not tried again"
        await asyncio.sleep(0.05)


async def opened(stable: Running, bad: Candidate) -> None:
    async with asyncio.timeout(10):
        while not stable.monitor().forwards["r2"].breaker_open:
            await load(stable, 20, connections=4, rate=400)
    assert bad.seen >= 5


@pytest.mark.parametrize("mode", ["error", "reject", "garbage", "drop", "hang"])
async def test_candidate_that_is_back_is_found_within_the_same_setting(
    stable: Running, operator: Operator, mode: Mode
) -> None:
    async with candidate(mode) as bad:
        operator.split(stable, bad.port, 100, deadline_seconds=0.1)
        await opened(stable, bad)
        bad.mode = "ok"
        await recovered(stable, within=5)
        assert (await load(stable, 100, connections=4)).revisions["r2"] >= 95
        forwards = stable.monitor().forwards["r2"]
        assert not forwards.breaker_open
        assert forwards.attempts == forwards.answered + sum(forwards.failures.values())


async def test_candidate_whose_port_was_closed_is_found_again(stable: Running, operator: Operator) -> None:
    async with candidate("ok") as first:
        operator.split(stable, first.port, 100)
    await load(stable, 100)
    assert stable.monitor().forwards["r2"].breaker_open
    async with candidate("ok", first.port):
        await recovered(stable, within=5)


async def test_trials_of_a_hanging_candidate_cost_no_client_its_time(stable: Running, operator: Operator) -> None:
    async with candidate("hang") as bad:
        operator.split(stable, bad.port, 100, deadline_seconds=0.2)
        await opened(stable, bad)
        before = bad.seen
        answers = await load(stable, 260, connections=2, rate=100)
        assert stable.monitor().forwards["r2"].failed_trials == bad.seen - before == 1
    assert answers.revisions == {"r1": 260}
    assert max(answers.seconds) < 0.15


async def test_request_that_stable_refuses_is_no_trial(stable: Running, operator: Operator) -> None:
    wrong = {"inputs": [ROW["inputs"][0] | {"data": ["a", 1, 2]}]}
    async with candidate("error") as bad:
        operator.split(stable, bad.port, 100)
        await opened(stable, bad)
        seen = bad.seen
        await asyncio.sleep(1.1)
        assert (await load(stable, 20, body=wrong)).statuses == {400: 20}
        assert bad.seen == seen
        await load(stable, 1)
        await asyncio.sleep(0.1)
        assert bad.seen == seen + 1


async def test_after_a_trial_one_more_failure_is_enough(stable: Running, operator: Operator) -> None:
    async with candidate("error") as bad:
        operator.split(stable, bad.port, 100)
        await opened(stable, bad)
        bad.mode, seen = "half", bad.seen + bad.seen % 2
        bad.seen = seen + 1  # the trial is answered, what comes next is not
        answers = await load(stable, 150, connections=4, rate=100)
        assert answers.revisions == {"r1": 150}
        assert bad.seen == seen + 3
        assert stable.monitor().forwards["r2"].breaker_open


@pytest.mark.parametrize("trial", [False, True], ids=["forwards", "trial"])
async def test_sigterm_ends_the_server_in_its_time_while_a_candidate_hangs(
    tmp_path: Path, operator: Operator, trial: bool
) -> None:
    folder, digest = published(tmp_path / "stable")
    arguments = ("--digest", digest, "--traffic-dir", str(operator.folder), "--drain-seconds", "0.5")
    with serving(folder, *arguments) as stable:
        async with candidate("hang") as bad:
            operator.split(stable, bad.port, 100, deadline_seconds=0.05 if trial else 60)
            if trial:
                await opened(stable, bad)
                operator.split(stable, bad.port, 100, deadline_seconds=60, epoch=1)
                await asyncio.sleep(1.1)  # now a trial is due
            seen = bad.seen
            waiting = asyncio.create_task(load(stable, 4, connections=4))
            async with asyncio.timeout(5):
                while bad.seen == seen:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            began = time.monotonic()
            stable.terminate()
            assert await asyncio.to_thread(stable.process.wait, 40) == 0
            assert time.monotonic() - began < 5
            answers = await waiting
            assert (answers.revisions, answers.errors) == ({"r1": 4}, [])
