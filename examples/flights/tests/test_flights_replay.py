"""The clients against servers that behave, fail, stall and hang up."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from flights.client import Client, RequestFailed
from flights.columns import ID, NUMERIC, TEXT
from flights.replay import Replay, body

ROWS = [{ID: str(number), **dict.fromkeys(NUMERIC, "1.5"), **dict.fromkeys(TEXT, "x")} for number in range(3)]
GOOD = json.dumps({"model_version": "1", "outputs": [{"name": "label"}]}).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    status, content, hang_up = 200, GOOD, False

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(request["id"])  # type: ignore[attr-defined]
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)
        self.close_connection = self.hang_up

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent."""


@contextmanager
def serving(**behaviour: Any) -> Iterator[tuple[str, list[str]]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Behaving", (Handler,), behaviour))
    server.seen = []  # type: ignore[attr-defined]
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.seen  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_request_tells_missing_numbers_and_texts_apart() -> None:
    request = json.loads(body([ROWS[0] | {"temp": "", "tailnum": ""}]))
    data = {tensor["name"]: (tensor["datatype"], tensor["shape"], tensor["data"]) for tensor in request["inputs"]}
    assert data["temp"] == ("FP32", [1, 1], [None])
    assert data["tailnum"] == ("BYTES", [1, 1], [""])
    assert data["distance"] == ("FP32", [1, 1], [1.5])
    assert request["id"] == "0"


def test_answers_are_counted_by_version_at_no_more_than_the_rate() -> None:
    with serving() as (url, seen):
        began = time.monotonic()
        summary = Replay(url, "flights", ROWS, rate=100, connections=2).run(duration=0.5, every=0.5)
        seconds = time.monotonic() - began
    assert summary["versions"] == {"1": summary["requests"]}
    assert summary["errors"] == {}
    assert 3 <= summary["requests"] <= 100 * seconds + 2
    assert seen[:3] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ({"status": 503}, "http_503"),
        ({"content": b"{"}, "bad_body"),
        ({"content": b'{"outputs": []}'}, "no_outputs"),
    ],
)
def test_bad_answers_are_failures_of_their_kind(behaviour: dict[str, Any], kind: str) -> None:
    with serving(**behaviour) as (url, _), Client(url) as client, pytest.raises(RequestFailed) as failure:
        client.infer("/v2/models/flights/infer", body(ROWS[:1]))
    assert failure.value.kind == kind


def test_server_that_is_not_there_is_refused() -> None:
    with serving() as (url, _):
        pass
    with Client(url) as client, pytest.raises(RequestFailed, match="refused"):
        client.infer("/", body(ROWS[:1]))


def test_idle_connection_that_the_server_closed_costs_no_request() -> None:
    with serving(hang_up=True) as (url, _), Client(url) as client:
        for _ in range(3):
            assert client.infer("/", body(ROWS[:1])) == "1"
            wait_for_goodbye(client)
        assert client.reconnects == 2


def wait_for_goodbye(client: Client) -> None:
    deadline = time.monotonic() + 5
    while not client.stale() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert client.stale()


def test_replay_goes_on_with_other_rows() -> None:
    with serving() as (url, seen):
        replay = Replay(url, "flights", ROWS[:1], rate=200, connections=1)
        replay.start()
        wait_until(lambda: "0" in seen)
        replay.use(ROWS[2:])
        wait_until(lambda: "2" in seen)
        replay.stop()
    assert seen.index("2") == seen.count("0")


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
