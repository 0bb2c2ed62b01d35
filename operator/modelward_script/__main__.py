"""`python -m modelward_script FILE`: run a script as `python FILE` would, from the root of what it came with.

Where it fails, the log's last line is one sentence with the place in the script: it becomes the run's message.
"""

import os
import runpy
import sys
import traceback
from pathlib import Path
from types import TracebackType

from modelward_training import limits


def main() -> None:
    script = Path(sys.argv[1])
    del sys.argv[0]
    sys.path[:1] = [str(script.parent), str(Path.cwd())]
    limits.cap_threads()
    try:
        runpy.run_path(str(script), run_name="__main__")
    except Exception as error:
        own = _own(error.__traceback__, Path.cwd())
        sys.stdout.flush()
        traceback.print_exception(type(error), error, own)
        print(_sentence(error, own, script), file=sys.stderr)
        sys.exit(1)


def _own(trace: TracebackType | None, root: Path) -> TracebackType | None:
    """Without what ran the script."""
    while trace and not trace.tb_frame.f_code.co_filename.startswith(f"{root}{os.sep}"):
        trace = trace.tb_next
    return trace


def _sentence(error: Exception, trace: TracebackType | None, script: Path) -> str:
    """`train.py, line 12: ValueError: …`: the last line of theirs, not of a library's."""
    root = f"{Path.cwd()}{os.sep}"
    frames = [frame for frame in traceback.extract_tb(trace) if frame.filename.startswith(root)]
    file, line = (frames[-1].filename, frames[-1].lineno) if frames else (str(script), None)
    what = " ".join(str(error).split())
    if isinstance(error, SyntaxError) and (error.filename or "").startswith(root):
        file, line, what = str(error.filename), error.lineno, error.msg
    place = file.removeprefix(root) + (f", line {line}" if line else "")
    return f"{place}: {type(error).__name__}" + (f": {what}" if what else "")


if __name__ == "__main__":
    main()
