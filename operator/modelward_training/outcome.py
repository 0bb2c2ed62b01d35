"""How a step ends: one clear sentence in the termination message, whatever happened, and the exit code that says
whether trying again can help.
"""

import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from modelward_contracts.reports import (
    MAX_REPORT,
    MAX_TERMINATION,
    NOT_NEEDED,
    PREFIX,
    Line,
    Progress,
    Report,
    Termination,
)
from modelward_contracts.store import (
    BlobMissing,
    DigestMismatch,
    Store,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from modelward_contracts.tasks import Commit
from modelward_contracts.wire import canonical

RETRY = os.EX_TEMPFAIL
"""75: the Job's pod failure policy retries it."""


class JobError(Exception):
    """Ends the step. The message is one sentence: what is wrong, where, and what to do."""

    def __init__(self, reason: str, message: str, retryable: bool = False, again: bool = False) -> None:
        """`retryable`: the Job tries it again within minutes. `again`: not the Job, but a later one."""
        super().__init__(message)
        self.reason, self.message, self.retryable, self.again = reason, message, retryable, again


@dataclass(frozen=True)
class Done:
    reason: str
    message: str
    report: str | None = None
    last: bool = False
    """The steps after this one are not needed."""
    commit: Commit | None = None
    """Of a training's fetch: what the script was taken from."""
    trial: dict[str, Any] | None = None
    """Of a trial's fetch: what it tries."""


def emit(line: Line) -> None:
    """One line of ours in the log."""
    print(PREFIX + canonical(line).decode(), flush=True)


def progress(message: str, fraction: float | None = None, metrics: dict[str, float] | None = None) -> None:
    emit(Progress(message=message, fraction=fraction, metrics=metrics or {}))


def report(store: Store, value: Report, reason: str, message: str) -> Done:
    """Store the report, print it as the last line, and answer with its digest."""
    data = canonical(value)
    if len(data) > MAX_REPORT:
        raise JobError(
            "ReportTooLarge", f"the report takes {len(data)} bytes, at most {MAX_REPORT} fit: use less columns"
        )
    digest = store.put_bytes(data).digest
    emit(value)
    return Done(reason, message, digest)


def run(work: Callable[[], object]) -> int:
    """Run a step, write its termination message, return its exit code."""
    try:
        done = work()
        assert isinstance(done, Done)
    except Exception as error:
        failure = _classify(error)
        if failure.reason == "InternalError":
            traceback.print_exc()
        return _fail(failure)
    said = Termination(
        result="Succeeded",
        reason=done.reason,
        message=done.message,
        report=done.report,
        commit=done.commit or msgspec.UNSET,
        trial=msgspec.UNSET if done.trial is None else done.trial,
    )
    _terminate(said)
    return NOT_NEEDED if done.last else 0


def _classify(error: Exception) -> JobError:
    match error:
        case JobError():
            return error
        case StoreFull():
            return JobError("StoreFull", str(error), retryable=True)
        case StoreDenied():
            return JobError("StoreDenied", str(error), retryable=True)
        case StoreUnavailable():
            return JobError("StoreUnavailable", str(error), retryable=True)
        case DigestMismatch():
            return JobError("DigestMismatch", f"{error}: restore them from a backup, or make the version again")
        case BlobMissing():
            return JobError("BlobMissing", f"{error}: it was removed, or this is another store")
        case StoreError():
            return JobError("StoreCorrupt", str(error))
        case MemoryError():
            return JobError("OutOfMemory", "the step ran out of memory: give it a larger memory limit")
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return JobError("VolumeFull", f"the working volume is full: {error}", retryable=True)
    return JobError("InternalError", f"unexpected {type(error).__name__}: {error}")


def _fail(error: JobError) -> int:
    print(f"{error.reason}: {error.message}", file=sys.stderr, flush=True)
    later = error.retryable or error.again
    _terminate(Termination(result="Failed", reason=error.reason, message=error.message, retryable=later))
    return RETRY if error.retryable else 1


def _terminate(termination: Termination) -> None:
    """The kubelet cuts what is longer, and a cut message is no JSON: shorten the sentence instead."""
    message = " ".join(termination.message.split())
    data = canonical(msgspec.structs.replace(termination, message=message))
    while len(data) > MAX_TERMINATION:
        message = message[: len(message) - max(1, (len(data) - MAX_TERMINATION) // 6)]
        data = canonical(msgspec.structs.replace(termination, message=message + "…"))
    path = Path(os.environ.get("MODELWARD_TERMINATION_LOG", "/dev/termination-log"))
    try:
        path.write_bytes(data)
    except OSError as error:  # outside a pod there is no such file; the log says the same
        print(f"no termination message at {path}: {error}", file=sys.stderr)


def answer_sigterm() -> None:
    """A thread waits for it, because the main one may sit in native code for minutes. All writes are atomic."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])

    def wait() -> None:
        signal.sigwait([signal.SIGTERM])
        os._exit(_fail(JobError("Terminated", "the step was told to stop before it was done", retryable=True)))

    threading.Thread(target=wait, name="sigterm", daemon=True).start()
