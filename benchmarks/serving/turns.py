"""The servers take turns, so that a slow minute of the machine hits all of them."""

import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from .environments import environment
from .measure import Case, Sample, Wrong, first_answer, measure, require_right
from .models import Published, bare, dense, mlp, pipeline
from .process import free_port, running
from .requests import answer_bytes, infer
from .servers import Server

CASES = (
    Case("floats30-c16", "floats30", 16),
    Case("floats30-c1", "floats30", 1),
    Case("floats30-traced-c16", "floats30", 16, traced=True, only=("echo", "modelward", "fastapi")),
    Case("floats30-constant", "floats30", 16, share=0.5),
    Case("floats784-c16", "floats784", 16),
    Case("floats784-binary-c16", "floats784", 16, binary=True),
    Case("pipeline-c16", "pipeline", 16),
    Case("mlp-c32", "mlp", 32, binary=True, only=("echo", "modelward", "modelward-unbatched")),
)


class Turns:
    """Gathers samples by case and server, and starts by server."""

    def __init__(self, servers: Sequence[Server], cases: Sequence[Case], seconds: int, home: Path) -> None:
        self.servers, self.cases, self.seconds, self.home = list(servers), cases, seconds, home
        self.samples: dict[str, dict[str, list[Sample]]] = {case.name: defaultdict(list) for case in cases}
        self.starts: dict[str, list[float]] = defaultdict(list)
        self._models: dict[str, Published] = {}

    def round(self) -> None:
        """A server that fails is left out from then on, with what it said; the others go on."""
        for asked in dict.fromkeys(case.asks for case in self.cases):
            for server in list(self.servers):
                try:
                    if cases := [case for case in self.cases if case.asks == asked and case.fits(server)]:
                        self._turn(server, *asked, cases)
                except (Wrong, RuntimeError, OSError) as error:
                    print(f"{server.name} is left out: {error}", file=sys.stderr)
                    self.servers.remove(server)

    def _turn(self, server: Server, model: str, binary: bool, traced: bool, cases: Sequence[Case]) -> None:
        published = self.model(model, server.bare)
        request = infer(server.path, published, binary, traced)
        port, log = free_port(), self.home / f"{server.name}.log"
        sizes = (len(request), answer_bytes(published))
        python = environment(server.requirements)
        began = time.perf_counter()
        with running(server.command(python, published.folder, (port, free_port()), sizes), log) as process:
            body, seconds = first_answer(process, port, request, log, began)
            if not server.name.startswith("echo"):
                require_right(body, published)
            if model == "floats30":
                self.starts[server.name].append(seconds)
            for case in cases:
                sample = measure(process, port, request, case, self.seconds)
                self.samples[case.name][server.name].append(sample)
                print(f"{server.name:22} {case.name:22} {sample.cpu_us:8.1f} µs", file=sys.stderr)

    def model(self, name: str, alone: bool = False) -> Published:
        if alone:
            key = f"{name}-bare"
            if key not in self._models:
                self._models[key] = bare(self.model(name), self.home / key)
            return self._models[key]
        if name not in self._models:
            self._models[name] = make(name, self.home / name)
        return self._models[name]


def make(name: str, folder: Path) -> Published:
    if name == "pipeline":
        return pipeline(folder)
    if name == "mlp":
        return mlp(folder, 512, hidden=2048, classes=128)
    return dense(folder, 30, classes=2) if name == "floats30" else dense(folder, 784, classes=10)
