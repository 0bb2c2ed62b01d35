"""`python -m modelward_onnx.rows MODEL`: the proof as JSON, in a process of its own, whose memory ends with it."""

import sys
from pathlib import Path

from modelward_contracts.manifests import Batching
from modelward_contracts.wire import canonical, sha256

from .proof import prove_bytes

if __name__ == "__main__":
    data = Path(sys.argv[1]).read_bytes()
    proof = prove_bytes(data)
    told = {"model": sha256(data), "batching": Batching(rows_independent=proof.independent, reason=proof.reason)}
    sys.stdout.buffer.write(canonical(told))
