"""What is measured: how each server is installed and started. Its own file here says the rest.

These modules run in the environments of the servers they start, so they import nothing of ours.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

ONNXRUNTIME = "onnxruntime==1.32.0"


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    requirements: tuple[str, ...] = ()
    """Empty: the checkout's own environment."""
    path: str = "/v2/models/m/infer"
    binary: bool = False
    """Speaks the Open Inference Protocol's binary tensor extension."""
    bare: bool = False
    """Gets model.onnx alone: without manifest and profile ours does not monitor."""
    module: str = "modelward_serving"
    """What is run of ours; the others' modules lie here by their name."""

    def command(self, python: Path, folder: Path, ports: tuple[int, int], sizes: tuple[int, int]) -> list[str]:
        """`ports`: for requests, and for what a server has beside them."""
        port, admin_port = ports
        if self.name.startswith("modelward"):
            options = ["--host", "127.0.0.1", "--port", str(port), "--admin-port", str(admin_port)]
            options += ["--name", "m", "--threads", "1"]
            return [str(python), "-m", self.module, str(folder), *options]
        if self.name.startswith("echo"):
            module = f"benchmarks.serving.{self.name.replace('-', '_')}"
            return [str(python), "-m", module, str(port), *map(str, sizes), str(folder)]
        return [str(python), "-m", f"{__name__}.{self.name}", str(folder), str(port)]


SERVERS = {
    server.name: server
    for server in (
        Server("echo", binary=True),
        Server("echo-and-run"),
        Server("unchecked"),
        Server("modelward", binary=True),
        Server("modelward-unmonitored", binary=True, bare=True),
        Server("modelward-unbatched", binary=True, module="benchmarks.serving.unbatched"),
        Server(
            "fastapi",
            ("fastapi==0.165.0", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0", ONNXRUNTIME),
        ),
        # Its pool of workers dies on uvloop 0.22, its codecs on pandas 3.
        Server("mlserver", ("mlserver==1.7.1", "uvloop<0.22", "pandas<3", ONNXRUNTIME)),
        Server("kserve", ("kserve==0.21.0", ONNXRUNTIME), binary=True),
        Server("litserve", ("litserve==0.2.19", ONNXRUNTIME), path="/predict"),
        Server("bentoml", ("bentoml==1.4.39", "uvloop==0.23.0", "httptools==0.9.0", ONNXRUNTIME)),
    )
}


def arguments() -> tuple[Path, int]:
    """The model's folder and the port that a server's module was started with."""
    return Path(sys.argv[1]), int(sys.argv[2])
