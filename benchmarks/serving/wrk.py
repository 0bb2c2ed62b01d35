"""wrk, the closed loop's client: it fills all connections at once, which a client in Python cannot.

wrk is Debian's and Ubuntu's package of that name. It sends the prebuilt request byte for byte; only a trace id, if
there is one, counts up.
"""

import json
import subprocess
import tempfile
from pathlib import Path

from localcluster import packages

from .load import Answered
from .requests import TRACE

SCRIPT = """
function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local whole = file:read("*a")
  file:close()
  wrk.format = function() return whole end
  local _, last = whole:find(arguments[2], 1, true)
  if not last then return end
  local before, after, number = whole:sub(1, last), whole:sub(last + 33), 0
  function request()  -- only where there is one does wrk ask for each request anew
    number = number + 1
    return before .. string.format("%032x", number) .. after
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local text = '{"requests": %d, "microseconds": %d, "failures": %d, "p50_us": %d, "p99_us": %d}'
  print(string.format(text, summary.requests, summary.duration, failures,
    latency:percentile(50), latency:percentile(99)))
end
"""


def install() -> None:
    """If it is missing."""
    packages.install({"wrk": "wrk"}, "the benchmark")


def closed(port: int, request: bytes, connections: int, seconds: int) -> Answered:
    """Each connection sends when it has its answer."""
    with tempfile.TemporaryDirectory(prefix="modelward-wrk-") as home:
        script, body = Path(home, "request.lua"), Path(home, "request")
        script.write_text(SCRIPT)
        body.write_bytes(request)
        command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-s", str(script)]
        command += [f"http://127.0.0.1:{port}/", "--", str(body), TRACE]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    said = json.loads(output.splitlines()[-1])
    return Answered(
        requests=said["requests"],
        seconds=said["microseconds"] / 1e6,
        failures=said["failures"],
        p50_ms=said["p50_us"] / 1e3,
        p99_ms=said["p99_us"] / 1e3,
    )
