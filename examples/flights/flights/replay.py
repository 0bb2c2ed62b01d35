"""Clients of the flights model: raw flights as scoring requests at a constant rate, every error counted.

    python -m flights.replay --url http://127.0.0.1:8080 --rate 100 --duration 60 raw/2013-07.csv

One request a flight over keep-alive connections, in the order of the timetable, over and over. The load is open: a
request is due at its time whether or not earlier ones were answered, and its latency counts from then, so that a
stalled server cannot hide behind a stalled client. One JSON line a second, and a summary at the end or on SIGTERM;
exit status 1 if any request failed. Only the standard library.
"""

import argparse
import csv
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from flights.client import Client, RequestFailed
from flights.columns import ID, NUMERIC, TEXT
from flights.tally import Tally

Row = Mapping[str, str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Replay files until the duration or a signal ends it."""
    options = parse(arguments)
    rows = read_rows(options.files)
    if options.shuffle is not None:
        random.Random(options.shuffle).shuffle(rows)
    replay = Replay(options.url, options.model, rows, options.rate, options.connections)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: replay.stopping.set())
    summary = replay.run(options.duration)
    sys.exit(1 if summary["errors"] else 0)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="flights.replay", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="raw monthly CSV files")
    parser.add_argument("--url", required=True, help="of the server, without path")
    parser.add_argument("--model", default="flights", help="name in the request's path")
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--duration", type=float, help="seconds; without it, until a signal comes")
    parser.add_argument("--shuffle", type=int, metavar="SEED", help="in this random order: a minute is like the month")
    parser.add_argument("--connections", type=int, default=16, help="most requests under way at once")
    return parser.parse_args(arguments)


def read_rows(files: Iterable[Path]) -> list[Row]:
    """Flights in the order of files and lines, with what a request needs of each."""
    rows: list[Row] = []
    for path in files:
        with path.open(newline="") as file:
            rows += [{name: row[name] for name in (ID, *NUMERIC, *TEXT)} for row in csv.DictReader(file)]
    return rows


def body(rows: Sequence[Row]) -> bytes:
    """An Open Inference Protocol v2 request: one tensor a column, null or "" where a value is missing."""
    shape = [len(rows), 1]
    numbers = [
        tensor(name, "FP32", shape, [float(row[name]) if row[name] else None for row in rows]) for name in NUMERIC
    ]
    texts = [tensor(name, "BYTES", shape, [row[name] for row in rows]) for name in TEXT]
    return json.dumps({"id": rows[0][ID], "inputs": numbers + texts}).encode()


def tensor(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    """One input."""
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


class Replay:
    """The load: `run` until done, or `start`, look at `tally`, `use` other rows meanwhile, `stop`."""

    def __init__(self, url: str, model: str, rows: Sequence[Row], rate: float, connections: int = 16) -> None:
        self.url, self.path, self.rate = url, f"/v2/models/{model}/infer", rate
        self.tally = Tally()
        self.stopping = threading.Event()
        self._turn = threading.Lock()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(connections)]
        self.use(rows)

    def use(self, rows: Sequence[Row]) -> None:
        """Go on with these rows, from the first."""
        if not rows:
            raise ValueError("no rows to replay")
        self._rows: Iterator[Row] = cycle(rows)

    def run(self, duration: float | None = None, every: float = 1.0) -> dict[str, Any]:
        """Start, print a line every second, stop after the duration; returns the summary."""
        self.start()
        began = time.monotonic()
        while not self.stopping.wait(every) and (duration is None or time.monotonic() - began < duration):
            print(json.dumps(self.tally.interval()), flush=True)
        summary = self.stop()
        print(json.dumps(summary), flush=True)
        return summary

    def start(self) -> None:
        """The first request is due now."""
        self._due = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> dict[str, Any]:
        """Let what is under way end; returns the summary."""
        self.stopping.set()
        for thread in self._threads:
            thread.join()
        return self.tally.summary()

    def _work(self) -> None:
        """One client with one connection."""
        with Client(self.url) as client:
            while not self.stopping.is_set():
                due, row = self._next()
                if not self.stopping.wait(max(0.0, due - time.monotonic())):
                    self._send(client, due, row)
            self.tally.reconnected(client.reconnects)

    def _next(self) -> tuple[float, Row]:
        """The next request's time and row."""
        with self._turn:
            due, self._due = self._due, self._due + 1 / self.rate
            return due, next(self._rows)

    def _send(self, client: Client, due: float, row: Row) -> None:
        try:
            version = client.infer(self.path, body([row]))
        except RequestFailed as error:
            self.tally.failed(error.kind)
        else:
            self.tally.answered(version, time.monotonic() - due)


if __name__ == "__main__":
    main()
