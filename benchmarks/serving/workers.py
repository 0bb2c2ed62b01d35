"""What each further worker of our server costs: its memory after some load, without what it shares with the others."""

import time
from pathlib import Path

from . import load
from .environments import environment
from .measure import WARM_UP, first_answer, require_right
from .models import Published
from .process import free_port, memory_mb, running, tree
from .requests import infer
from .servers import SERVERS

FURTHER, CONNECTIONS = 3, 32


def further_mb(published: Published, home: Path) -> float:
    return round((_memory_mb(published, home, 1 + FURTHER) - _memory_mb(published, home, 1)) / FURTHER, 2)


def _memory_mb(published: Published, home: Path, workers: int) -> float:
    server, port, log = SERVERS["modelward"], free_port(), home / f"workers-{workers}.log"
    command = server.command(environment(server.requirements), published.folder, (port, free_port()), (0, 0))
    request = infer(server.path, published, binary=False)
    began = time.perf_counter()
    with running([*command, "--workers", str(workers)], log) as process:
        body, _ = first_answer(process, port, request, log, began)
        require_right(body, published)
        if len(tree(process.pid)) != workers:
            raise RuntimeError(f"not {workers} workers: {log.read_text()[-2000:]}")
        load.closed(port, request, CONNECTIONS, WARM_UP)
        return memory_mb(process.pid)
