"""A server's life: what must hold before it is ready, and how it leaves."""

import asyncio
import json
import socket
import time
from pathlib import Path

import httpx
import pytest
from onnx import helper

from .models import FLOAT, bare, build, linear, published
from .processes import Running, load, serving


def reason_of(server: Running, seconds: float = 10.0) -> tuple[str, str]:
    """The readiness body, once the server knows why it will not be ready."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            reply = httpx.get(f"{server.admin}/readyz")
        except httpx.TransportError:
            time.sleep(0.02)
            continue
        body = reply.json()
        if body["reason"] != "Loading":
            assert reply.status_code == 503
            return body["reason"], body["message"]
        time.sleep(0.02)
    raise AssertionError(server.log.read_text())


def spoil(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes() + b" ")


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json", "profile.json", "golden.json"])
def test_changed_bytes_never_turn_ready(tmp_path: Path, name: str) -> None:
    folder, digest = published(tmp_path / "model")
    spoil(folder, name)
    with serving(folder, "--digest", digest, ready=False) as server:
        reason, message = reason_of(server)
        assert (reason, name in message) == ("DigestMismatch", True)
        assert httpx.get(f"{server.data}/v2/health/ready").status_code == 503
        assert server.infer().status_code == 503
        assert httpx.get(f"{server.admin}/healthz").status_code == 200
        assert not server.monitor().ready
        termination = json.loads(server.log.with_suffix(".termination").read_bytes())
        assert termination == {
            "message": message, "reason": reason, "report": None, "result": "Failed", "retryable": False,
            "serving": None,
        }  # fmt: skip
        assert reason in server.log.read_text()
        server.terminate()
        assert server.process.wait(10) == 1


def test_model_that_answers_differently_than_recorded_never_turns_ready(tmp_path: Path) -> None:
    folder, digest = published(tmp_path / "model", scale=1.0, recorded_scale=1.1)
    with serving(folder, "--digest", digest, ready=False) as server:
        reason, message = reason_of(server)
        assert reason == "GoldenMismatch"
        assert "'y'" in message


def test_file_that_is_no_model_never_turns_ready(tmp_path: Path) -> None:
    with serving(bare(tmp_path / "model", b"not ONNX"), ready=False) as server:
        assert reason_of(server)[0] == "InvalidModel"


def test_folder_without_a_manifest_is_refused_where_a_digest_is_asked_for(tmp_path: Path) -> None:
    with serving(bare(tmp_path / "model", linear()), "--digest", "sha256:" + "0" * 64, ready=False) as server:
        assert reason_of(server)[0] == "ManifestMissing"


async def test_sigterm_serves_on_through_the_drain_window_without_an_error(tmp_path: Path) -> None:
    folder, digest = published(tmp_path / "model")
    with serving(folder, "--digest", digest, "--drain-seconds", "1") as server:
        running = asyncio.create_task(load(server, 600, connections=4, rate=1000))
        await asyncio.sleep(0.2)
        server.terminate()
        answers = await running
        assert not answers.errors
        assert answers.statuses == {200: 600}
        assert await asyncio.to_thread(server.process.wait, 10) == 0


def test_draining_server_says_so_and_closes_its_connections(stable: Running) -> None:
    stable.terminate()
    deadline = time.monotonic() + 5
    while httpx.get(f"{stable.admin}/readyz").status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert httpx.get(f"{stable.admin}/readyz").json()["reason"] == "Draining"
    assert httpx.get(f"{stable.data}/v2/health/ready").status_code == 503
    assert httpx.get(f"{stable.admin}/healthz").status_code == 200
    assert stable.infer().headers["connection"] == "close"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_server_needs_to_write_nowhere(tmp_path: Path, workers: str) -> None:
    """Not even /tmp: the whole tree is read-only, in a mount namespace of its own."""
    folder, digest = published(tmp_path / "model")
    script = 'mount --make-rprivate / && mount -o remount,bind,ro / && ! touch "$0" 2> /dev/null && exec "$@"'
    unshare = ("unshare", "--map-root-user", "--mount", "sh", "-c", script, str(tmp_path / "written"))
    with serving(folder, "--digest", digest, "--workers", workers, "--drain-seconds", "0", within=unshare) as server:
        assert server.infer().status_code == 200
        assert httpx.get(f"{server.admin}/metrics").status_code == 200
        server.terminate()
        assert server.process.wait(10) == 0


def test_log_holds_no_payloads(stable: Running) -> None:
    secret = {"name": "x", "datatype": "FP32", "shape": [1, 3], "data": ["hunter2", 1, 2]}
    assert stable.infer({"inputs": [secret]}).status_code == 400
    assert stable.infer({"inputs": [secret | {"data": [31337.25, 1, 2]}]}).status_code == 200
    text = stable.log.read_text()
    assert all(json.loads(line)["level"] for line in text.splitlines())
    assert "hunter2" not in text
    assert "31337" not in text


def test_plan_is_shown_in_log_configuration_and_metrics(stable: Running) -> None:
    plan = httpx.get(f"{stable.data}/v2/models/m/config").json()["plan"]
    assert (plan["workers"], plan["spinning"]) == (1, False)
    logged = [json.loads(line) for line in stable.log.read_text().splitlines()]
    assert [line["plan"] for line in logged if "plan" in line] == [plan]
    assert f"modelward_threads {float(plan['intra_op_threads'])}" in httpx.get(f"{stable.admin}/metrics").text


def test_large_answer_reaches_a_slow_reader_whole_although_the_server_stops(tmp_path: Path) -> None:
    same = build([helper.make_node("Identity", ["x"], ["y"])], {"x": (FLOAT, ["n"])}, {"y": (FLOAT, ["n"])}, {})
    size = 16 << 20
    tensor = {"name": "x", "datatype": "FP32", "shape": [size // 4], "parameters": {"binary_data_size": size}}
    header = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    with serving(bare(tmp_path / "model", same), "--drain-seconds", "0") as server:
        head = f"POST {server.infer_path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(header) + size}\r\n"
        head += f"inference-header-content-length: {len(header)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(head.encode() + header + bytes(size))
            received = client.recv(1)
            server.terminate()
            time.sleep(0.5)
            while part := client.recv(1 << 20):
                received += part
        length = next(line for line in received[:500].split(b"\r\n") if line.startswith(b"content-length"))
        assert len(received.partition(b"\r\n\r\n")[2]) == int(length.split()[1]) > size
        assert server.process.wait(10) == 0


def test_monitor_counts_what_was_scored(stable: Running) -> None:
    row = {"name": "x", "datatype": "FP32", "shape": [4, 3], "data": [-1, 0, 0, 1, 0, 0, 2, 0, 0, None, 0, 0]}
    assert (
        stable.infer({"inputs": [row], "outputs": [{"name": "y", "parameters": {"binary_data": True}}]}).status_code
        == 200
    )
    assert stable.infer({"inputs": []}).status_code == 400
    snapshot = stable.monitor()
    signals = {signal.name: signal for signal in snapshot.signals}
    assert signals["a"].counts == [1, 1, 1, 1]
    assert signals["score"].counts == [1, 2, 1]
    assert signals["a"].reference == [1, 1, 1, 0]
    assert snapshot.scored == {"200": 1, "400": 1}
    assert sum(snapshot.latency.counts) == 1
    assert (snapshot.pod, snapshot.revision, snapshot.ready) == ("pod-r1", "r1", True)


def test_metrics_are_prometheus_text(stable: Running) -> None:
    stable.infer()
    text = httpx.get(f"{stable.admin}/metrics").text
    digest = stable.monitor().model
    assert f'modelward_requests_total{{code="200",digest="{digest}",model="m",version="1"}} 1.0' in text
    assert "modelward_request_duration_seconds_bucket" in text
    assert "modelward_ready 1.0" in text
