"""What a command in a running container writes, through the API server's `exec`."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
from kubernetes.aio.stream import WsApiClient

from modelward.errors import Refused, Unavailable

from .kubernetes import path_of

_STDOUT, _STDERR, _ERROR = 1, 2, 3
_SAID = 500


async def output(configuration: Any, namespace: str, pod: str, command: Sequence[str]) -> AsyncIterator[bytes]:
    """As it comes. Raises Unavailable where the API server does not answer, Refused where the command fails or is not
    allowed."""
    client: Any = WsApiClient(configuration)  # type: ignore[no-untyped-call]
    query = [*(("command", word) for word in command), ("stdout", "true"), ("stderr", "true")]
    complaint = b""
    try:
        request = await client.param_serialize(
            "GET",
            path_of("v1", "Pod", namespace, pod, "exec"),
            query_params=query,
            header_params={"Accept": "*/*"},
            auth_settings=["BearerToken"],
        )
        answer = await client.call_api(*request, _preload_content=False)
        async with answer.response as socket:
            async for message in socket:
                channel, data = message.data[0], message.data[1:]
                if channel == _STDOUT:
                    yield data
                elif channel == _STDERR:
                    complaint = (complaint + data)[-_SAID:]
                elif channel == _ERROR:
                    _check(data, complaint, pod)
    except aiohttp.WSServerHandshakeError as error:
        raise Refused(str(error.status), f"the API server refused exec in pod {pod}: {error.message}") from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unavailable(f"exec in pod {pod}: {error or type(error).__name__}") from error
    finally:
        await client.close()


def _check(said: bytes, complaint: bytes, pod: str) -> None:
    status = json.loads(said)
    if status.get("status") != "Success":
        why = complaint.decode(errors="replace").strip() or status.get("message", "")
        raise Refused("ExecFailed", f"the command in pod {pod} failed: {why}")
