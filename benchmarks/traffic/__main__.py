"""`python -m benchmarks.traffic [--only forwarding,shields,quota]`: about two minutes, a core each."""

import argparse
import json
import os
import tempfile
from pathlib import Path

from benchmarks.serving.models import dense
from benchmarks.serving.process import CLIENT_CORE, ROOT
from benchmarks.serving.requests import infer

from .forwarding import forwarding
from .quota import quotas
from .servers import Operator
from .shields import shields

RESULT = ROOT / "benchmarks/results/traffic.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.traffic", description=__doc__)
    parser.add_argument("--only", default="forwarding,shields,quota")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    os.sched_setaffinity(0, {CLIENT_CORE})
    result = json.loads(options.out.read_text()) if options.out.exists() else {}
    with tempfile.TemporaryDirectory(prefix="modelward-bench-") as name:
        model, operator = dense(Path(name) / "model", 30, 2), Operator(Path(name) / "traffic")
        request = infer("/v2/models/m/infer", model, binary=False)
        cases = {
            "forwarding": lambda: forwarding(model.folder, operator, request, options.rounds, 1.0),
            "shields": lambda: shields(model.folder, operator, request),
            "quota": lambda: quotas(model.folder, operator, request, min(options.rounds, 3), rate=300.0),
        }
        for case in options.only.split(","):
            before = os.getloadavg()[0]
            result[case] = cases[case]() | {"load_average": [round(before, 2), round(os.getloadavg()[0], 2)]}
            print(json.dumps({case: result[case]}), flush=True)
            options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
