"""What the user sees while something takes its time. All of it goes to stderr: stdout carries results."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def say(message: str) -> None:
    """One line for the user."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Announce `what`, then how long it took."""
    say(f"{what} …")
    start = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - start:.1f} s")


def run(command: Sequence[str | Path], *, stdin: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed; a failure ends the program with the command's own words."""
    done = subprocess.run([str(word) for word in command], input=stdin, env=env, capture_output=True, text=True)
    if done.returncode:
        line = " ".join(str(word) for word in command)
        words = done.stderr[-4000:] + done.stdout[-2000:]
        raise SystemExit(f"this command failed with exit status {done.returncode}:\n  {line}\n{words}")
    return done.stdout


def wait_for(what: str, probe: Callable[[], T], seconds: float, hint: str = "") -> T:
    """Ask `probe` until it answers with something true; give up with a clear message after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: still not so after {seconds:.0f} s. {hint}".strip())
        time.sleep(0.1)
    return answer
