"""The split as clients see it: two real servers or a faulty candidate, over real sockets."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from benchmarks.serving.process import free_port
from benchmarks.traffic.signer import new_key
from modelward_contracts.traffic import HeaderMatch, sign

from .models import published
from .processes import ROW, Mode, Operator, Running, candidate, load, serving


@pytest.mark.parametrize(
    ("weight", "low", "high"), [(1, 90, 110), (10, 980, 1020), (50, 4950, 5050), (100, 10_000, 10_000)]
)
async def test_of_10000_requests_the_weights_share_reaches_the_candidate(
    stable: Running, second: Running, operator: Operator, weight: int, low: int, high: int
) -> None:
    operator.split(stable, second.direct_port, weight, deadline_seconds=10)
    answers = await load(stable, 10_000, connections=16)
    assert answers.statuses == {200: 10_000}
    assert not answers.errors
    assert low <= answers.revisions.get("r2", 0) <= high
    forwards = stable.monitor().forwards["r2"]
    assert forwards.answered == answers.revisions["r2"] == second.monitor().scored["200"]


async def test_metrics_tell_the_deadline_in_use_and_the_forwards_in_flight(stable: Running, operator: Operator) -> None:
    async with candidate("hang") as other, httpx.AsyncClient(timeout=30) as client:
        operator.split(stable, other.port, 100, deadline_seconds=5)
        waiting = asyncio.create_task(load(stable, 1, connections=1))
        async with asyncio.timeout(4):
            while not other.seen:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        metrics = (await client.get(f"{stable.admin}/metrics")).text
        assert "modelward_forward_deadline_seconds 5.0" in metrics
        assert "modelward_forwards_in_flight 1.0" in metrics
        other.closed.set()
        assert (await waiting).revisions == {"r1": 1}
        assert "modelward_forwards_in_flight 0.0" in (await client.get(f"{stable.admin}/metrics")).text


def test_direct_port_never_forwards(stable: Running, second: Running, operator: Operator) -> None:
    operator.split(stable, second.direct_port, 100)
    assert stable.infer().headers["modelward-revision"] == "r2"
    assert httpx.post(stable.direct + stable.infer_path, json=ROW).headers["modelward-revision"] == "r1"


async def test_matching_header_goes_to_the_candidate_whatever_the_weight(
    stable: Running, second: Running, operator: Operator
) -> None:
    operator.split(stable, second.direct_port, 0, matches=[HeaderMatch(name="X-Canary", value="yes")])
    assert (await load(stable, 50, headers={"x-canary": "yes"})).revisions == {"r2": 50}
    assert (await load(stable, 50, headers={"x-canary": "no"})).revisions == {"r1": 50}


async def test_sticky_key_always_goes_to_the_same_side(stable: Running, second: Running, operator: Operator) -> None:
    operator.split(stable, second.direct_port, 50, sticky_header="x-user")
    sides = [(await load(stable, 5, headers={"x-user": f"user-{i}"})).revisions for i in range(40)]
    assert all(len(side) == 1 for side in sides)
    assert 5 < sum("r2" in side for side in sides) < 35


@pytest.mark.parametrize(
    ("mode", "cause"),
    [
        ("error", "status5xx"),
        ("reject", "rejected"),
        ("garbage", "protocol"),
        ("drop", "connect"),
        ("hang", "deadline"),
    ],
)
async def test_failing_candidate_is_answered_for_by_stable_and_left_after_five_failures(
    stable: Running, operator: Operator, mode: Mode, cause: str
) -> None:
    async with candidate(mode) as bad:
        operator.split(stable, bad.port, 10, deadline_seconds=0.1)
        answers = await load(stable, 1000, connections=4, rate=1000)
    assert answers.statuses == {200: 1000}
    assert not answers.errors
    assert answers.revisions == {"r1": 1000}
    forwards = stable.monitor().forwards["r2"]
    assert forwards.breaker_open
    assert forwards.failures[cause] >= 5
    assert forwards.attempts == sum(forwards.failures.values())
    assert bad.seen <= 20


async def test_candidate_that_refuses_connections_costs_no_client_an_error(stable: Running, operator: Operator) -> None:
    async with candidate("ok") as gone:
        operator.split(stable, gone.port, 50)
    answers = await load(stable, 500)
    assert answers.revisions == {"r1": 500}
    assert not answers.errors
    assert stable.monitor().forwards["r2"].failures["connect"] == 5


async def test_candidate_is_given_nothing_before_it_was_reached(stable: Running, operator: Operator) -> None:
    """A node that does not know of its Service yet refuses for it."""
    port = free_port()
    assert operator.push(stable, operator.setting(port, 100)).status_code == 200
    answers = await load(stable, 100)
    assert answers.revisions == {"r1": 100}
    forwards = stable.monitor().forwards["r2"]
    assert (forwards.attempts, forwards.failures, forwards.reached) == (0, {}, False)
    async with candidate("ok", port) as late:
        deadline = time.monotonic() + 10
        while not stable.monitor().forwards["r2"].reached:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        assert (await load(stable, 100)).revisions == {"r2": 100}
        assert late.seen == 100


async def test_hanging_candidate_costs_few_requests_their_deadline(stable: Running, operator: Operator) -> None:
    async with candidate("hang") as bad:
        await load(stable, 500)
        operator.split(stable, bad.port, 10, deadline_seconds=0.1)
        answers = await load(stable, 3000, connections=32, rate=2000)
        assert bad.seen <= 20
    assert answers.revisions == {"r1": 3000}
    forwards = stable.monitor().forwards["r2"]
    assert forwards.breaker_open
    assert 5 <= forwards.failures["deadline"] <= 20
    assert max(answers.seconds) < 1


async def test_forwards_share_kept_connections(stable: Running, operator: Operator) -> None:
    async with candidate("ok") as good:
        operator.split(stable, good.port, 100, deadline_seconds=10)
        assert (await load(stable, 200, connections=4)).revisions == {"r2": 200}
        assert good.seen == 200
        assert good.connections <= 5


async def test_kept_connections_that_the_candidate_closes_cost_neither_side_anything(
    stable: Running, operator: Operator
) -> None:
    async with candidate("forget") as good:
        operator.split(stable, good.port, 100, deadline_seconds=10)
        answers = await load(stable, 200, connections=4)
        assert (answers.revisions, answers.errors) == ({"r2": 200}, [])
        assert good.seen == 200
    assert stable.monitor().forwards["r2"].failures == {}


@pytest.mark.parametrize("data", [["a", 1, 2], [1e39, 1, 2]], ids=["no number", "too large for the type"])
def test_invalid_request_is_the_clients_fault_wherever_it_goes(
    stable: Running, second: Running, operator: Operator, data: list[object]
) -> None:
    operator.split(stable, second.direct_port, 100)
    for _ in range(20):
        response = stable.infer({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 3], "data": data}]})
        assert response.status_code == 400
        assert "'x' row 0" in response.json()["error"]
    forwards = stable.monitor().forwards["r2"]
    assert (forwards.answered, forwards.failures, forwards.breaker_open) == (20, {}, False)


def test_request_that_no_version_supports_does_not_end_a_rollout(
    stable: Running, second: Running, operator: Operator
) -> None:
    operator.split(stable, second.direct_port, 100)
    raw = {"inference-header-content-length": "0"}
    for _ in range(20):
        assert httpx.post(stable.data + stable.infer_path, content=bytes(12), headers=raw).status_code == 501
    forwards = stable.monitor().forwards["r2"]
    assert (forwards.failures, forwards.breaker_open) == ({"refused": 20}, False)
    assert stable.infer().headers["modelward-revision"] == "r2"


@pytest.mark.parametrize(("microseconds", "opens"), [(1, False), (60_000_000, True)], ids=["no server", "any server"])
async def test_timeout_that_no_server_can_keep_is_the_clients_doing(
    stable: Running, operator: Operator, microseconds: int, opens: bool
) -> None:
    await load(stable, 500)  # so that it knows its own pace
    tensor = {"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}
    body = {"parameters": {"timeout": microseconds}, "inputs": [tensor]}
    async with candidate("error") as bad:
        operator.split(stable, bad.port, 100)
        for _ in range(20):
            response = await asyncio.to_thread(stable.infer, body)
            assert response.status_code == (200 if opens else 503)
    forwards = stable.monitor().forwards["r2"]
    assert (forwards.breaker_open, "status5xx" in forwards.failures) == (opens, opens)


async def test_breaker_stays_open_until_a_new_epoch(stable: Running, operator: Operator) -> None:
    async with candidate("error") as bad:
        setting = operator.setting(bad.port, 100)
        operator.push(stable, setting)
        await load(stable, 50, connections=1)
        operator.push(stable, setting)
        await load(stable, 50, connections=1)
        assert bad.seen == 5
        bad.mode = "ok"
        operator.split(stable, bad.port, 100)
        assert (await load(stable, 50, connections=1)).revisions == {"r2": 50}


async def test_candidate_killed_under_load_costs_no_client_an_error(
    stable: Running, tmp_path: Path, operator: Operator
) -> None:
    folder, digest = published(tmp_path / "doomed", scale=2.0)
    with serving(folder, "--digest", digest, revision="r2") as doomed:
        operator.split(stable, doomed.direct_port, 50)
        running = asyncio.create_task(load(stable, 4000, rate=2000))
        await asyncio.sleep(0.7)
        doomed.process.kill()
        answers = await running
    assert not answers.errors
    assert answers.statuses == {200: 4000}
    assert answers.revisions["r2"] > 100
    assert stable.monitor().forwards["r2"].breaker_open


def test_setting_must_be_signed_addressed_and_not_older(stable: Running, operator: Operator) -> None:
    url = f"{stable.admin}/traffic"
    first, newer = operator.setting(9, 10), operator.setting(9, 20)
    assert operator.push(stable, newer).json() == {"epoch": 2}
    assert operator.push(stable, newer).json() == {"epoch": 2}
    assert (old := operator.push(stable, first)).status_code == 409
    assert old.json()["epoch"] == 2
    assert httpx.put(url, content=sign(newer, new_key())).status_code == 403
    assert operator.push(stable, operator.setting(9, 10, revision="r9")).status_code == 403
    assert operator.push(stable, operator.setting(9, 10, deployment="other/d")).status_code == 403
    assert httpx.put(url, content=b"{").status_code == 400
    assert httpx.get(url).json()["weight"] == 20
    assert stable.monitor().epoch == 2


def test_new_key_is_found_when_verification_fails(stable: Running, operator: Operator) -> None:
    rotated = Operator(operator.folder)
    assert rotated.push(stable, rotated.setting(9, 10)).status_code == 200


def test_starting_server_follows_the_mounted_setting(tmp_path: Path, second: Running, operator: Operator) -> None:
    folder, digest = published(tmp_path / "stable")
    setting = operator.setting(second.direct_port, 100)
    (operator.folder / "r1.json").write_bytes(sign(setting, operator.private_key))
    with serving(folder, "--digest", digest, "--traffic-dir", str(operator.folder)) as server:
        assert server.infer().headers["modelward-revision"] == "r2"
        assert server.monitor().epoch == 1


def test_close_connections_ends_every_connection_with_its_next_answer(
    stable: Running, second: Running, operator: Operator
) -> None:
    with httpx.Client() as client:
        assert "connection" not in client.post(stable.data + stable.infer_path, json=ROW).headers
        operator.split(stable, second.direct_port, 100, close_connections=True)
        last = client.post(stable.data + stable.infer_path, json=ROW)
        assert last.headers["connection"] == "close"
        assert last.headers["modelward-revision"] == "r2"
    deadline = time.monotonic() + 5
    while stable.monitor().connections and time.monotonic() < deadline:
        time.sleep(0.02)
    assert stable.monitor().connections == 0


def test_idle_counts_from_when_the_last_client_left(stable: Running) -> None:
    time.sleep(0.5)
    with httpx.Client() as client:
        client.get(stable.data + "/v2")
        assert stable.monitor().idle == 0
    closed = time.monotonic()
    while stable.monitor().connections:
        assert time.monotonic() < closed + 5
    time.sleep(0.2)
    assert 0.2 <= stable.monitor().idle <= time.monotonic() - closed
