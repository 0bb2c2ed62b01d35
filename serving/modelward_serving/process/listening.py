"""Opening ports, and what to say where that fails."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable

from modelward_serving.refusal import ModelError

BACKLOG = 2048


def bind_to(host: str | None) -> str | None:
    """Where to listen for `--host`. `::` means both families, as everywhere but in asyncio, which keeps IPv6 alone."""
    bare = host.removeprefix("[").removesuffix("]") if host is not None else None
    return None if bare in ("", "::") else bare


async def listen(
    factory: Callable[[], asyncio.Protocol], host: str | None, number: int, option: str, shared: bool, first: bool
) -> asyncio.Server:
    """`shared`: with other workers, of which this is the `first`. Raises `ModelError`."""
    loop, address = asyncio.get_running_loop(), bind_to(host)
    try:
        if shared and first:
            # Workers share by SO_REUSEPORT, which would join them to a server of somebody else's without a word.
            alone = await loop.create_server(factory, address, number, start_serving=False)
            alone.close()
            await alone.wait_closed()
        return await loop.create_server(factory, address, number, backlog=BACKLOG, reuse_port=shared or None)
    except OSError as error:
        raise _why(error, host, number, option) from error


def _why(error: OSError, host: str | None, number: int, option: str) -> ModelError:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return ModelError("AddressUnavailable", f"--host {host} is no address of this machine")
    if error.errno == errno.EADDRINUSE:
        return ModelError(
            "PortInUse", f"port {number} is in use already: stop what listens there, or choose another with {option}"
        )
    if error.errno == errno.EACCES:
        return ModelError("PortForbidden", f"port {number} is not for this user: choose one from 1024 on with {option}")
    return ModelError("PortUnavailable", f"port {number} ({option}) cannot be opened: {os.strerror(error.errno or 0)}")
