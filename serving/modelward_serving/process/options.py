"""What a server is told on its command line."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path


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
    add("--host", help="address to listen on (default: all)")
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
    values = vars(parser.parse_args(arguments))
    return Options(**values, pod=os.environ.get("POD_NAME", ""))
