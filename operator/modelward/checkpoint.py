"""Test only: die just before a named write, to prove that every gap between two writes can be crossed.

`MODELWARD_FAULT_CRASH_BEFORE="<verb> <Kind> <n>"` ends the process, as SIGKILL would, before the n-th such write since
its start; verbs are push, status, create, apply, delete and event (`create ModelVersion 1`, `status Dataset 2`). It is
refused unless MODELWARD_FAULTS=enabled, which no chart sets.
"""

import os
import sys
from collections.abc import Callable, Mapping

Checkpoint = Callable[[str, str], None]
"""Called with verb and kind before each write."""


def no_checkpoint(_verb: str, _kind: str) -> None:
    """Production."""


def from_environment(environment: Mapping[str, str]) -> Checkpoint:
    fault = environment.get("MODELWARD_FAULT_CRASH_BEFORE")
    if not fault:
        return no_checkpoint
    if environment.get("MODELWARD_FAULTS") != "enabled":
        raise ValueError("MODELWARD_FAULT_CRASH_BEFORE is for tests and needs MODELWARD_FAULTS=enabled: unset it")
    verb, kind, nth = fault.split()
    left = int(nth)

    def checkpoint(now_verb: str, now_kind: str) -> None:
        nonlocal left
        left -= (now_verb, now_kind) == (verb, kind)
        if left == 0:
            print(f'{{"message": "fault: crash before {fault}"}}', file=sys.stderr, flush=True)
            os._exit(137)

    return checkpoint
