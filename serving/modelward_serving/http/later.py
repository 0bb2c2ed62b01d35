"""Answers that may have to wait for other workers."""

import asyncio
from collections.abc import Callable, Coroutine

from .messages import Request


def later(answer: Callable[[Request], Coroutine[None, None, None]]) -> Callable[[Request], None]:
    tasks: set[asyncio.Task[None]] = set()

    async def guarded(request: Request) -> None:
        try:
            await answer(request)
        except (TimeoutError, EOFError, OSError):
            request.refuse(503, "a worker of this server does not answer")
        except Exception as error:  # as on the data path: a defect costs one request
            request.connection.port.failed(request, error)

    def start(request: Request) -> None:
        task = asyncio.get_running_loop().create_task(guarded(request))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return start
