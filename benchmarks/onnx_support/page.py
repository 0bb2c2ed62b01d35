"""docs/onnx-support.md, and the verdicts behind it as JSON."""
from .verdict import Verdict
def write(verdicts: list[Verdict]) -> None:
    import json, dataclasses
    open("/tmp/verdicts.json","w").write(json.dumps([dataclasses.asdict(v) for v in verdicts],indent=0))
