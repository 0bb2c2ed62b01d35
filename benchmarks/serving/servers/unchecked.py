"""How little a server in Python can cost on a machine: it parses, runs a turn's requests together, and answers.

Nothing is checked, counted or watched, and a bad request fails its neighbours. What ours costs beyond this is the price
of all that; what this costs beyond the echo is Python's and onnxruntime's.
"""

import asyncio
from typing import Any

import httptools
import numpy as np
import onnxruntime
import orjson
import uvloop

from . import arguments
from .scoring import Scorer

OPTIONS = onnxruntime.RunOptions()
DTYPES = {"tensor(float)": np.float32, "tensor(string)": object}


class Batch:
    def __init__(self, scorer: Scorer, loop: asyncio.AbstractEventLoop) -> None:
        self._session, self._outputs, self._loop = scorer.session, scorer.names, loop
        self._inputs = [(one.name, DTYPES[one.type], one.shape[1:]) for one in scorer.session.get_inputs()]
        self._waiting: list[tuple[Unchecked, list[Any]]] = []

    def add(self, connection: "Unchecked", values: list[Any]) -> None:
        self._waiting.append((connection, values))
        if len(self._waiting) == 1:
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, []
        columns = zip(*[values for _, values in waiting], strict=True)
        feeds = {
            name: np.array(column, dtype).reshape(-1, *shape)
            for (name, dtype, shape), column in zip(self._inputs, columns, strict=True)
        }
        outputs = self._session.run(self._outputs, feeds, OPTIONS)
        texts = [
            orjson.dumps(values.reshape(len(waiting), -1), option=orjson.OPT_SERIALIZE_NUMPY)[2:-2].split(b"],[")
            for values in outputs
        ]
        tensor = ",".join(
            f'{{"name":"{name}","shape":[1,{values[0].size}],"datatype":"FP32","data":[%b]}}'
            for name, values in zip(self._outputs, outputs, strict=True)
        )
        reply = f'{{"model_name":"m","outputs":[{tensor}]}}'.encode()
        for (connection, _), *row in zip(waiting, *texts, strict=True):
            connection.answer(reply % tuple(row))


class Unchecked(asyncio.Protocol):
    def __init__(self, batch: Batch) -> None:
        self._batch, self._parser, self._body = batch, httptools.HttpRequestParser(self), b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        self._batch.add(self, [tensor["data"] for tensor in orjson.loads(body)["inputs"]])

    def answer(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % len(body) + body)


async def serve() -> None:
    folder, port = arguments()
    loop = asyncio.get_running_loop()
    batch = Batch(Scorer(folder), loop)
    server = await loop.create_server(lambda: Unchecked(batch), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
