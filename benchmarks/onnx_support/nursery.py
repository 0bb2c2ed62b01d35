"""Server processes in milliseconds: forks of one that has imported all, and serves each as `modelward-server` does.

`python -m benchmarks.onnx_support.nursery` reads a line of arguments as JSON, and writes the process id of the server
that has them.
"""

import gc
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]


class Nursery:
    """The process that forks, and its children."""

    def __init__(self) -> None:
        self._one_at_a_time = Lock()

    def __enter__(self) -> Self:
        environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT}/operator:{ROOT}/serving"}
        command = [sys.executable, "-m", "benchmarks.onnx_support.nursery"]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def start(self, folder: Path, *arguments: str) -> int:
        """The server's process id. Its log is beside the folder."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._one_at_a_time:
            self._process.stdin.write(json.dumps([str(folder), *arguments]) + "\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())

    @staticmethod
    def end(pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def main() -> None:
    from modelward_contracts.manifests import Batching
    from modelward_contracts.wire import sha256
    from modelward_onnx.rows import prove_bytes
    from modelward_serving.__main__ import _run
    from modelward_serving.model.plan import make_plan
    from modelward_serving.model.together import Proven
    from modelward_serving.process.options import parse_options
    from modelward_serving.process.reporting import configure_logging

    def serve(arguments: list[str]) -> int:
        """As `modelward_serving.__main__` does, but that the proof is made here, where all is imported."""
        options = parse_options(arguments)
        log = os.open(f"{options.folder}.log", os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 2)
        configure_logging()
        model = (options.folder / "model.onnx").read_bytes()
        proof = prove_bytes(model)
        batching = Batching(rows_independent=proof.independent, reason=proof.reason)
        plan = make_plan(options.workers, options.threads, len(model))
        return _run(options, plan, Proven(model=sha256(model), batching=batching))

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    gc.collect()
    gc.freeze()  # a child's collector would write to every page, and unshare it
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                os._exit(serve(json.loads(line)))
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
