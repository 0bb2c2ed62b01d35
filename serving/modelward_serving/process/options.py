"""What a server is told on its command line."""

import argparse
import os
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from modelward_serving.http.limits import Limits
from modelward_serving.model.together import Wanted

MOST_BYTES = 2 << 30
_SHIFTS = {None: 0, "Ki": 10, "Mi": 20, "Gi": 30}


@dataclass(frozen=True, slots=True)
class Options:
    folder: Path
    name: str | None = None
    version: str = "1"
    host: str | None = None
    port: int = 8080
    direct_port: int | None = None
    admin_port: int | None = None
    digest: str | None = None
    deployment: str = ""
    revision: str = ""
    traffic_dir: Path | None = None
    drain_seconds: float = 5.0
    threads: int | None = None
    workers: int | None = None
    batching: Wanted = "auto"
    limits: Limits = field(default_factory=Limits)
    pod: str = ""


def parse_options(arguments: list[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(prog="modelward-server", description="Serve an ONNX model over HTTP.")
    add = parser.add_argument
    add(
        "folder",
        type=Path,
        metavar="DIR",
        help="holds model.onnx and, if there, manifest.json, profile.json, golden.json",
    )
    add("--name", help="name of the model in paths (default: the manifest's, else the folder's)")
    add("--version", default="1", help="version of the model in paths (default: 1)")
    add("--host", help="address to listen on; :: is all, of IPv4 too (default: all)")
    add("--port", type=int, default=8080, help="data port: what clients call (default: 8080)")
    add("--direct-port", type=int, help="port that never forwards: what other revisions call (default: off)")
    add("--admin-port", type=int, help="port for probes, metrics and traffic settings (default: off)")
    add("--digest", help="sha256:… that manifest.json must have")
    add("--deployment", default="", metavar="NAMESPACE/NAME", help="whose traffic settings to follow")
    add("--revision", default="", help="revision that this server is part of")
    add("--traffic-dir", type=Path, help="holds keys.pem and the last traffic setting")
    add("--drain-seconds", type=float, default=5.0, help="serve on for so long after SIGTERM (default: 5)")
    add("--threads", type=int, help="onnxruntime threads of a run (default: from the CPU quota)")
    add("--workers", type=int, help="processes that share the data port (default: from the CPU quota)")
    add(
        "--batching",
        choices=("auto", "off"),
        default="auto",
        help="run rows of several requests together where a row's answer is proven to be its own (default: auto)",
    )
    usual = Limits()
    size = partial(add, type=_bytes, metavar="BYTES")
    size("--max-body-bytes", default=usual.body_bytes, help="of a request; 64Mi is understood too (default: 64Mi)")
    size("--max-json-bytes", default=usual.json_bytes, help="of a request's JSON (default: 8Mi)")
    add("--max-rows", type=_positive, default=usual.rows, help="of a request to /predict (default: 10000)")
    add(
        "--max-receive-seconds",
        type=_seconds,
        default=usual.receive_seconds,
        help="from the first byte of a request to its last (default: 30)",
    )
    values = vars(parser.parse_args(arguments))
    ports = [port for port in (values["port"], values["direct_port"], values["admin_port"]) if port]
    if len(set(ports)) < len(ports):
        parser.error("--port, --direct-port and --admin-port must differ")
    limits = Limits(
        body_bytes=values.pop("max_body_bytes"),
        json_bytes=values.pop("max_json_bytes"),
        rows=values.pop("max_rows"),
        receive_seconds=values.pop("max_receive_seconds"),
    )
    return Options(**values, limits=limits, pod=os.environ.get("POD_NAME", ""))


def _bytes(text: str) -> int:
    """A number of bytes, as it is or as Kubernetes writes it."""
    found = re.fullmatch(r"([0-9]{1,12})(Ki|Mi|Gi)?", text)
    number = int(found[1]) << _SHIFTS[found[2]] if found else 0
    if not 1 <= number <= MOST_BYTES:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write bytes, or 512Ki, 64Mi, up to 2Gi")
    return number


def _positive(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 10**9):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds, up to a day's")
    return seconds
