"""Where a source may be: not on this machine nor on its link, where services trust whoever reaches them, as a cloud's
metadata service does. What counts is the address that is connected to, whatever name or redirect led there.
"""

import ipaddress
import socket
from contextlib import suppress
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_METADATA = {ipaddress.ip_address(each) for each in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")}
"""Of clouds that have it elsewhere."""


class AddressRefused(Exception):
    """One sentence for a person."""


def check(host: str, address: str) -> None:
    """Raise AddressRefused where `host`, which is at `address`, is no place for a source."""
    found = _plain(ipaddress.ip_address(address.partition("%")[0]))
    kinds = {
        "a loopback address": found.is_loopback,
        "a link-local address": found.is_link_local,
        "the address of a cloud's metadata service": found in _METADATA,
        "no address of a host": found.is_unspecified or found.is_multicast,
    }
    kind = next((kind for kind, true in kinds.items() if true), None)
    if kind:
        what = f"{host} is at {address}, {kind}" if host != address else f"{address} is {kind}"
        raise AddressRefused(
            f"{what}, and sources may not be there: name another host, or ask who installed Modelward to set the "
            "chart's sources.allowLocalAddresses"
        )


def look_up(host: str) -> None:
    """Raise AddressRefused where an address of `host` is no place for a source, before anything is connected to."""
    with suppress(socket.gaierror):
        for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
            check(host, str(address[0]))


def connect(host: str, port: int, timeout: float, local: bool) -> socket.socket:
    """To the first address of `host` that answers; `local`: any address will do."""
    last: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if not local:
            check(host, str(address[0]))
        made = socket.socket(family, kind, protocol)
        made.settimeout(timeout)
        try:
            made.connect(address)
        except OSError as error:
            made.close()
            last = error
        else:
            return made
    raise last or OSError(f"{host} has no address")


def guarded_socket(info: Any) -> socket.socket:
    """A socket factory of aiohttp: asked with each address before it is connected to."""
    family, kind, protocol, _, address = info
    check(str(address[0]), str(address[0]))
    return socket.socket(family, kind, protocol)


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    within = address in _NAT64 or (address in _COMPATIBLE and int(address) > 1)
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if within else address
