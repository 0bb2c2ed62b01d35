"""A handler as one writes it by hand: FastAPI on uvicorn with uvloop and httptools, the body checked by pydantic."""

from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from . import arguments
from .scoring import Scorer


class Input(BaseModel):
    name: str
    datatype: str
    shape: list[int]
    data: list[float | str | None]


class Request(BaseModel):
    inputs: list[Input]


def main() -> None:
    folder, port = arguments()
    scorer, app = Scorer(folder), FastAPI()

    @app.post("/v2/models/m/infer")
    async def infer(request: Request) -> dict[str, Any]:
        return scorer.answer([one.model_dump() for one in request.inputs])

    uvicorn.run(
        app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )


if __name__ == "__main__":
    main()
