"""BentoML as `bentoml serve` starts it: one worker, a method on the event loop, neither access log nor metrics.

A method that is not asynchronous runs in a thread, and adaptive batching waits for others: both took more CPU. uvicorn,
which it runs on, takes uvloop and httptools where they are installed; BentoML does not require them.
"""

import os
import sys
from pathlib import Path
from typing import Any

import bentoml
from bentoml_cli.cli import cli
from pydantic import BaseModel

from . import arguments
from .scoring import Scorer, tensor

FOLDER = "MODEL_FOLDER"


class Input(BaseModel):
    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


@bentoml.service(workers=1, logging={"access": {"enabled": False}}, metrics={"enabled": False})
class Service:
    def __init__(self) -> None:
        self.scorer = Scorer(Path(os.environ[FOLDER]))

    @bentoml.api(route="/v2/models/m/infer")
    async def infer(self, inputs: list[Input]) -> dict[str, Any]:
        return self.scorer.answer({one.name: tensor(one.datatype, one.shape, one.data) for one in inputs})


def main() -> None:
    folder, port = arguments()
    os.environ |= {FOLDER: str(folder), "BENTOML_DO_NOT_TRACK": "True"}
    sys.argv = ["bentoml", "serve", f"{__package__}.bentoml:Service", "--host", "127.0.0.1", "--port", str(port)]
    cli()


if __name__ == "__main__":
    main()
