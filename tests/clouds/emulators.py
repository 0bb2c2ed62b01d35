"""Azure's and Google's object stores on this machine, by emulators: azurite out of npm, fake-gcs-server out of Go."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving.process import free_port
from localcluster import parts, paths, progress
from localcluster.parts import Part

GCS = Part("fake-gcs-server", "github.com/fsouza/fake-gcs-server", Path(__file__).parent)
AZURITE = "azurite@3.35.0"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # everybody's


@dataclass(frozen=True)
class Cloud:
    """`environment`: of our own containers, for the store. `secret`: of a source's Secret."""

    protocol: str
    environment: dict[str, str]
    secret: dict[str, str]

    def filesystem(self) -> Any:
        """Nothing of it is cached."""
        import fsspec

        options = {"connection_string": self.secret[CONNECTION]} if self.secret else {"token": "anon"}
        return fsspec.filesystem(self.protocol, **options, skip_instance_cache=True, use_listings_cache=False)


CONNECTION = "AZURE_STORAGE_CONNECTION_STRING"


def connection(port: int, key: str = KEY) -> str:
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key};BlobEndpoint={endpoint};"


@contextmanager
def azure(folder: Path) -> Iterator[Cloud]:
    port, home = free_port(), _azurite()
    words = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--location", folder, "--blobPort", port]
    with _running(port, home / "node_modules" / ".bin" / "azurite-blob", *words):
        said = {CONNECTION: connection(port)}
        yield Cloud("az", said, said)


def _azurite() -> Path:
    home = paths.cache() / AZURITE
    if not (home / "node_modules").is_dir():
        progress.run(["npm", "install", "--silent", "--no-audit", "--no-fund", f"--prefix={home}", AZURITE])
    return home


@contextmanager
def google(folder: Path) -> Iterator[Cloud]:
    parts.build([GCS])
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = ["-scheme", "http", "-host", "127.0.0.1", "-port", port, "-external-url", url, "-filesystem-root", folder]
    with _running(port, GCS.path, *words, "-log-level", "error"):
        yield Cloud("gs", {"STORAGE_EMULATOR_HOST": url}, {})


@contextmanager
def _running(port: int, *command: str | Path | int) -> Iterator[None]:
    program = [shutil.which("setpriv") or "setpriv", "--pdeathsig", "KILL", *map(str, command)]
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        progress.wait_for(f"{command[0]} answers", lambda: _answers(port), 60)
        yield
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


if __name__ == "__main__":
    _azurite()
    parts.build([GCS])
