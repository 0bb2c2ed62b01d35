"""BentoML as `bentoml serve` starts it: one worker, an asynchronous method (so that no thread is between), no access log.

uvicorn takes uvloop and httptools where they are installed; BentoML does not ask for them itself.
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
