"""Several workers behind one port: one server to whoever asks it, and gone as one."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from benchmarks.serving.process import memory_mb, tree

from .models import bare, linear, published
from .processes import Operator, Running, candidate, load, serving

WORKERS = 3


@pytest.fixture
def server(tmp_path: Path, operator: Operator) -> Iterator[Running]:
    folder, digest = published(tmp_path / "stable")
    arguments = ("--digest", digest, "--traffic-dir", str(operator.folder), "--workers", str(WORKERS))
    with serving(folder, *arguments, "--drain-seconds", "2") as running:
        yield running


def children(server: Running) -> list[int]:
    return tree(server.process.pid)[1:]


async def test_what_each_worker_counts_adds_up(server: Running) -> None:
    answers = await load(server, 900, connections=30)
    assert answers.statuses == {200: 900}
    snapshot = server.monitor()
    assert snapshot.scored == {"200": 900}
    assert sum(snapshot.latency.counts) == 900
    assert {sum(signal.counts) for signal in snapshot.signals} == {900}


def test_server_is_idle_only_when_every_worker_is(server: Running) -> None:
    with ExitStack() as clients:
        asked = [clients.enter_context(httpx.Client(base_url=server.data)) for _ in range(12)]
        for client in asked:
            client.get("/v2")
        while asked:
            assert server.monitor().idle == 0
            asked.pop().close()
    wait_for_idle(server)


def test_statistics_are_of_all_workers_whichever_answers(server: Running) -> None:
    asyncio.run(_some(server))
    for number in range(24):  # each over a connection of its own, so that every worker is asked
        path = ("/v2/models/m/stats", "/v2/models/stats")[number % 2]
        stats = httpx.get(f"{(server.data, server.direct)[number % 3 == 0]}{path}").json()["model_stats"][0]
        assert stats["inference_count"] == stats["inference_stats"]["success"]["count"] == 300
        assert stats["inference_stats"]["queue"]["count"] == 300
        assert stats["last_inference"] > 1_600_000_000_000


def test_no_worker_is_ready_before_all_are(tmp_path: Path) -> None:
    folder = bare(tmp_path / "m", linear())
    model = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")  # the lead waits for somebody to write it
    with serving(folder, "--workers", "3", "--threads", "1", ready=False) as server, ExitStack() as clients:
        stopped, _ = wait_for_children(server, 2)
        os.kill(stopped, signal.SIGSTOP)
        with (folder / "model.onnx").open("wb") as pipe:
            (tmp_path / "model.onnx").write_bytes(model)
            (tmp_path / "model.onnx").rename(folder / "model.onnx")  # what the others will find
            pipe.write(model)
        asked = [clients.enter_context(httpx.Client(base_url=server.data)) for _ in range(24)]
        for client in asked:
            wait_for_status(client, "/v2/models/m", 200)  # so whichever worker this is has loaded the model
        assert {client.get("/v2/health/ready").status_code for client in asked} == {503}
        assert {client.get("/v2/models/m/ready").status_code for client in asked} == {503}
        os.kill(stopped, signal.SIGCONT)
        server.wait_until_ready()
        assert {client.get("/v2/health/ready").status_code for client in asked} == {200}


def test_metrics_are_of_all_workers(server: Running) -> None:
    asyncio.run(_some(server))
    metrics = httpx.get(f"{server.admin}/metrics").text
    assert "modelward_batch_rows_sum{" in metrics
    assert "modelward_workers 3.0" in metrics
    assert any(line.startswith("modelward_requests_total{") and line.endswith(" 300.0") for line in metrics.split("\n"))


async def test_acknowledged_setting_is_in_force_in_every_worker(server: Running, operator: Operator) -> None:
    async with candidate("ok") as other:
        operator.split(server, other.port, 100)
        answers = await load(server, 300, connections=30)
        assert answers.revisions == {"r2": 300}
        assert server.monitor().epoch == 1
        operator.split(server, None, 0)
        assert (await load(server, 300, connections=30)).revisions == {"r1": 300}
    assert operator.push(server, operator.setting(9, 10, epoch=1)).status_code == 409


async def test_failures_open_the_breaker_over_all_workers_together(server: Running, operator: Operator) -> None:
    async with candidate("error") as bad:
        operator.split(server, bad.port, 10)
        answers = await load(server, 1000, connections=30, rate=300)
    assert answers.revisions == {"r1": 1000}
    assert not answers.errors
    assert 5 <= bad.seen < 5 * WORKERS
    assert server.monitor().forwards["r2"].breaker_open


async def test_sigterm_drains_every_worker_without_an_error(server: Running) -> None:
    running = asyncio.create_task(load(server, 400, connections=12, rate=1000))
    await asyncio.sleep(0.2)
    server.terminate()
    answers = await running
    assert answers.statuses == {200: 400}
    assert not answers.errors
    assert await asyncio.to_thread(server.process.wait, 10) == 0


@pytest.mark.parametrize("which", range(WORKERS - 1))
def test_death_of_a_worker_ends_the_server_with_its_code(server: Running, which: int) -> None:
    workers = children(server)
    assert len(workers) == WORKERS - 1
    os.kill(workers[which], signal.SIGKILL)
    assert server.process.wait(10) == 128 + signal.SIGKILL
    assert "a worker ended with 137" in server.log.read_text()


def test_workers_do_not_outlive_the_lead(server: Running) -> None:
    workers = children(server)
    server.process.kill()
    server.process.wait(10)
    for worker in workers:
        wait_until_gone(worker)


def test_further_worker_costs_little_memory(tmp_path: Path) -> None:
    folder, digest = published(tmp_path / "model")
    sizes = {}
    for workers in (1, 2, 4):
        with serving(folder, "--digest", digest, "--workers", str(workers)) as server:
            assert len(children(server)) == workers - 1
            sizes[workers] = memory_mb(server.process.pid, "Pss_Anon")
    assert sizes[2] - sizes[1] <= 20
    assert (sizes[4] - sizes[1]) / 3 <= 20


def test_one_worker_is_one_process(stable: Running) -> None:
    assert children(stable) == []


def test_model_that_cannot_be_proven_is_no_loop_of_deaths(tmp_path: Path) -> None:
    folder, digest = published(tmp_path / "model")
    (folder / "model.onnx").write_bytes(b"changed")
    with serving(folder, "--digest", digest, "--workers", "2", ready=False) as server:
        wait_for_reason(server, "DigestMismatch")
        assert len(children(server)) == 1  # it was forked, and waits
        server.terminate()
        assert server.process.wait(10) == 1


async def _some(server: Running) -> None:
    await load(server, 300, connections=30)


def wait_for_children(server: Running, count: int, seconds: float = 10.0) -> list[int]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if len(found := children(server)) == count:
            return found
        time.sleep(0.02)
    raise AssertionError(server.log.read_text())


def wait_for_status(client: httpx.Client, path: str, status: int, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if client.get(path).status_code == status:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise AssertionError(path)


def wait_until_gone(pid: int, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.02)
    raise AssertionError(f"{pid} lives")


def wait_for_reason(server: Running, reason: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{server.admin}/readyz").json()["reason"] == reason:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise AssertionError(server.log.read_text())


def wait_for_idle(server: Running, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not server.monitor().idle:
        assert time.monotonic() < deadline
        time.sleep(0.02)
