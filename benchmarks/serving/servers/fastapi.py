"""A handler written by hand, on uvicorn with uvloop and httptools. Values are checked by numpy: the faster way."""

from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from . import arguments
from .scoring import Scorer, tensor


class Input(BaseModel):
    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class Request(BaseModel):
    inputs: list[Input]


def main() -> None:
    folder, port = arguments()
    scorer, app = Scorer(folder), FastAPI()

    @app.post("/v2/models/m/infer")
    async def infer(request: Request) -> dict[str, Any]:
        return scorer.answer({one.name: tensor(one.datatype, one.shape, one.data) for one in request.inputs})

    uvicorn.run(
        app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )


if __name__ == "__main__":
    main()
