"""The benchmark's arithmetic, and one run of it against the echo. Nothing here depends on how fast this machine is."""

import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

import httpx
import numpy as np
import pytest

from benchmarks.serving import bars, load, wrk
from benchmarks.serving.echo import answer_of
from benchmarks.serving.echo_and_run import EchoAndRun
from benchmarks.serving.measure import Case, Sample, Wrong, first_answer, measure, require_right
from benchmarks.serving.models import Published, dense
from benchmarks.serving.page import PARTS, rewritten
from benchmarks.serving.process import cpu_seconds, free_port, memory_mb, running
from benchmarks.serving.report import report, table, write
from benchmarks.serving.requests import TRACE, infer
from benchmarks.serving.servers import SERVERS

PUBLISHED = Published(
    Path("m"),
    {"n": np.array([[np.nan]], np.float32), "s": np.array([["a"]], object)},
    {"probabilities": np.array([[0.25, 0.75]], np.float32)},
)
NUMBERS = Published(Path("m"), {"x": np.array([[1, 2]], np.float32)}, {})


def sample(cpu_us: float, rate: float = 1.0) -> Sample:
    return Sample(cpu_us=cpu_us, rate=rate, p50_ms=1.0, p99_ms=2.0, memory_mb=10.0, failures=0)


@pytest.mark.parametrize(("q", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_quantile_is_a_value_that_was_seen(q: float, expected: int) -> None:
    assert load.quantile(list(range(100, 0, -1)), q) == expected


def test_ratio_pairs_rounds_so_that_a_slow_minute_hits_both() -> None:
    samples = {"c": {"modelward": [sample(10), sample(30), sample(11)], "other": [sample(50), sample(150), sample(55)]}}
    result = report(samples, {"other": [1.0, 3.0, 2.0]}, 3, 1, (0.0, 0.0, 0.0))
    assert result["cases"]["c"]["other"]["cpu_ratio"] == 5.0
    assert result["cases"]["c"]["modelward"]["cpu_us"] == 11
    assert result["cases"]["c"]["other"]["cpu_us_range"] == [50, 150]
    assert result["cold_start_seconds"] == {"other": 2.0}


def test_report_without_our_server_has_no_ratios(tmp_path: Path) -> None:
    result = report({"c": {"echo": [sample(5)]}}, {}, 1, 1, (0.0, 0.0, 0.0))
    write(result, tmp_path / "results" / "serving.json")
    assert "cpu_ratio" not in json.loads((tmp_path / "results" / "serving.json").read_text())["cases"]["c"]["echo"]
    assert "| echo | 5.0 |" in table(result)


def test_bars_are_told_for_what_was_measured() -> None:
    by_server = {"modelward": [sample(30)], "echo": [sample(12)], "fastapi": [sample(300)]}
    result = report({"floats30-c16": by_server}, {"modelward": [0.3]}, 1, 1, (0.0, 0.0, 0.0))
    told = {bar.what: (round(value, 2), verdict) for bar, value, verdict in bars.verdicts(result)}
    assert told == {
        "our CPU in the echo's": (2.5, "met"),
        "CPU of fastapi in ours": (10.0, "**missed**"),
        "memory of one worker, MB": (10.0, "met"),
        "process start to first right answer, s": (0.3, "met"),
    }
    assert "| ≥ 12 | 10.00 | **missed** |" in bars.table(result)


def test_batches_must_triple_the_rate_and_not_stretch_the_tail() -> None:
    def told(ours: Sample) -> list[str]:
        result = report({"mlp-c32": {"modelward": [ours], "modelward-unbatched": [sample(30)]}}, {}, 1, 1, (0.0,) * 3)
        return [verdict for _, _, verdict in bars.verdicts(result)]

    assert told(sample(10, rate=3.0)) == ["met", "met"]
    assert told(sample(10, rate=2.9)) == ["**missed**", "met"]
    assert told(replace(sample(10, rate=3.0), p99_ms=2.1)) == ["met", "**missed**"]


@pytest.mark.parametrize(("mb", "verdict"), [(20.0, "met"), (20.1, "**missed**")])
def test_further_worker_has_a_bar(mb: float, verdict: str) -> None:
    told = list(bars.verdicts({"cases": {}, "cold_start_seconds": {}, "further_worker_mb": mb}))
    assert [(bar.case, value, verdict) for bar, value, verdict in told] == [("workers", mb, verdict)]


def test_case_is_measured_only_where_it_says_something() -> None:
    def fitting(case: Case) -> set[str]:
        return {name for name, server in SERVERS.items() if case.fits(server)}

    assert fitting(Case("all", "x", 1)) == {*SERVERS}
    assert "fastapi" not in fitting(Case("binary", "x", 1, binary=True))
    assert fitting(Case("few", "x", 1, only=("echo", "fastapi"))) == {"echo", "fastapi"}


def test_bar_says_nothing_where_monitoring_seems_to_save_time() -> None:
    cases = {"floats30-c16": {"modelward-unmonitored": {"cpu_ratio": 1.16}}}
    assert [verdict for _, _, verdict in bars.verdicts({"cases": cases, "cold_start_seconds": {}})] == ["not shown"]


def test_missing_number_is_null_in_json() -> None:
    head, _, body = infer("/p", PUBLISHED, binary=False).partition(b"\r\n\r\n")
    assert [one["data"] for one in json.loads(body)["inputs"]] == [[None], ["a"]]
    assert b"content-length: %d" % len(body) in head


def test_binary_request_carries_numbers_as_they_lie_in_memory() -> None:
    request = infer("/p", NUMBERS, binary=True)
    assert request.endswith(np.array([1, 2], np.float32).tobytes())
    assert b'"binary_data_size":8' in request


def test_wrong_answer_is_refused() -> None:
    def answer(values: list[float]) -> bytes:
        return json.dumps({"outputs": [{"name": "probabilities", "data": values}]}).encode()

    require_right(answer([0.25, 0.75]), PUBLISHED)
    for wrong in ([0.75, 0.25], [0.25]):
        with pytest.raises(Wrong):
            require_right(answer(wrong), PUBLISHED)
    with pytest.raises(Wrong, match="no output 'probabilities'"):
        require_right(b"{}", PUBLISHED)


def test_echo_answers_have_the_size_asked_for() -> None:
    assert abs(len(answer_of(400)) - 400) < 4


class Written:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


def test_echo_and_run_runs_the_model_once_for_each_request_however_they_arrive() -> None:
    runs: list[int] = []
    echo, written = EchoAndRun(10, b"!", lambda: runs.append(1)), Written()
    echo.connection_made(cast(asyncio.Transport, written))
    for size, whole in ((4, 0), (5, 0), (1, 1), (25, 3), (5, 4)):
        echo.data_received(bytes(size))
        assert (len(runs), written.data) == (whole, b"!" * whole)


@pytest.mark.parametrize("head", [b"content-length: 12", b"Content-Type: x\r\nContent-Length: 12\r\nserver: y"])
def test_content_length_is_found_however_it_is_written(head: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n"
    assert load.content_length(answer, len(answer) - 4) == 12


def test_tiny_run_against_the_echo(tmp_path: Path) -> None:
    wrk.install()
    port, log, request = free_port(), tmp_path / "echo.log", infer("/p", NUMBERS, binary=False)
    command = SERVERS["echo"].command(Path(sys.executable), tmp_path, (port, 0), (len(request), 300))
    with running(command, log) as process:
        body, seconds = first_answer(process, port, request, log, time.perf_counter())
        assert not body.strip()
        assert seconds > 0
        for case in (Case("closed", "x", 4), Case("constant", "x", 4, share=0.2)):
            got = measure(process, port, request, case, 1)
            assert got.failures == 0
            assert got.rate > 0
            assert 0 < got.p50_ms <= got.p99_ms
        assert cpu_seconds(process.pid) > 0
        assert memory_mb(process.pid) > 1
    assert process.returncode is not None


async def test_traced_requests_differ_in_their_trace_id_alone() -> None:
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                seen.append(await reader.readexactly(len(request)))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    request = infer("/p", NUMBERS, binary=True, traced=True)
    begin = request.index(TRACE.encode()) + len(TRACE)
    wrk.install()
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        answered = await asyncio.to_thread(wrk.closed, server.sockets[0].getsockname()[1], request, 4, 1)
    assert answered.failures == 0
    assert len({one[begin : begin + 32] for one in seen}) == len(seen) > 4
    assert {one[:begin] + one[begin + 32 :] for one in seen} == {request[:begin] + request[begin + 32 :]}


@pytest.mark.parametrize(("name", "alone"), [("modelward", False), ("modelward-unbatched", True)])
def test_unbatched_server_runs_every_row_by_itself(tmp_path: Path, name: str, alone: bool) -> None:
    published = dense(tmp_path / "m", 30, classes=2)
    port, admin, log = free_port(), free_port(), tmp_path / "log"
    request = infer(SERVERS[name].path, published, binary=True)
    with running(SERVERS[name].command(Path(sys.executable), published.folder, (port, admin), (0, 0)), log) as process:
        body, _ = first_answer(process, port, request, log, time.perf_counter())
        require_right(body, published)
        assert load.closed(port, request, 16, 0.3).failures == 0
        lines = httpx.get(f"http://127.0.0.1:{admin}/metrics").text.splitlines()
    rows, runs = (
        next(float(line.split()[-1]) for line in lines if line.startswith(f"modelward_batch_rows_{part}{{"))
        for part in ("sum", "count")
    )
    assert (rows == runs) is alone


def test_page_gets_its_numbers_from_the_result_and_keeps_the_rest() -> None:
    result = report({"floats30-c16": {"modelward": [sample(30)], "echo": [sample(12)]}}, {}, 1, 1, (0.5, 0.0, 0.0))
    marks = "".join(f"<!-- {part}: from the result -->stale<!-- {part}: end -->\n" for part in PARTS)
    page = rewritten(f"before\n{marks}after\n", result)
    assert page.startswith("before\n")
    assert page.endswith("after\n")
    assert "stale" not in page
    assert "Of 2 bars 2 are met" in page
    assert "| echo | 12.0 | 0.40 |" in page
    assert rewritten(page, result) == page
    with pytest.raises(ValueError, match="no place for bars"):
        rewritten("nothing", result)


def test_monitoring_is_told_by_rows_a_batch() -> None:
    told = list(bars.verdicts({"cases": {}, "cold_start_seconds": {}, "monitoring_row_us": {"1": 1.2, "16": 0.5}}))
    assert [(bar.what, verdict) for bar, _, verdict in told] == [
        ("µs a row, 30 features, 1 a batch", "**missed**"),
        ("µs a row, 30 features, 16 a batch", "met"),
    ]
