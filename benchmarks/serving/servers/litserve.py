"""LitServe with its fast queue between the process that listens and the one that runs the model."""

from pathlib import Path
from typing import Any

from litserve import LitAPI, LitServer

from . import arguments
from .scoring import Scorer, tensor


class Api(LitAPI):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def setup(self, device: str) -> None:  # noqa: ARG002
        self.scorer = Scorer(self.folder)

    def decode_request(self, request: dict[str, Any]) -> dict[str, Any]:
        return {one["name"]: tensor(one["datatype"], one["shape"], one["data"]) for one in request["inputs"]}

    def predict(self, x: dict[str, Any]) -> dict[str, Any]:
        return self.scorer.answer(x)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


def main() -> None:
    folder, port = arguments()
    server = LitServer(Api(folder), accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(host="127.0.0.1", port=port, num_api_servers=1, generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    main()
