"""Where a source's host is, and whether it may be read: not the pod itself, nor its node or a metadata server."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from modelward_training.outcome import JobError

_NAT64 = IPv6Network("64:ff9b::/96")


def resolved(host: str, port: int, *, local: bool) -> list[str]:
    """The host's addresses, for the connection to be made to: a name could be another one's a moment later.

    `local`: loopback and link-local addresses are allowed, as the chart's values say.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise JobError("HostNotFound", f"the host {host!r} of the source has no address: {error}", True) from error
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    refused = [address for address in addresses if not local and is_local(address)]
    if refused:
        raise JobError(
            "AddressRefused",
            f"the host {host!r} of the source is {refused[0]}, an address of the pod or the node itself: name another "
            "host, or allow it in the chart's values (sources.allowLocalAddresses)",
        )
    return addresses


def is_local(text: str) -> bool:
    """Loopback, link-local (metadata servers of clouds too), or none at all; however it is written."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            address = address.ipv4_mapped
        elif address in _NAT64:
            address = IPv4Address(int(address) & 0xFFFFFFFF)
    return address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast
