"""Which addresses are public."""

import asyncio
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from anomaly.errors import UrlFailed, UrlRefused

Address = IPv4Address | IPv6Address

Permits = Callable[[Address], bool]
"""Whether an address may be connected to."""

# RFC 6052: an IPv4 address in its last 32 bits, which a translator on the way takes out again. And RFC 4291's
# oldest form, ::a.b.c.d.
_CARRIERS = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))

# What `ipaddress` of some versions takes for global: translators' own ranges (RFC 8215), segment routing
# (RFC 9602), documentation (RFC 9637).
_NOT_GLOBAL = (IPv6Network("64:ff9b:1::/48"), IPv6Network("5f00::/16"), IPv6Network("3fff::/20"))

# Public by its number, yet each virtual machine on Azure finds its own host's agent there.
_AGENTS = (IPv4Address("168.63.129.16"),)


def is_public(address: Address) -> bool:
    """Return whether an address can be reached from everywhere, and is one machine's.

    IPv6 addresses that carry an IPv4 one (mapped, 6to4, Teredo, NAT64) are as public as what they carry.
    The ranges are IANA's special-purpose registries, as `ipaddress` knows them.
    """
    carried = _carried(address)
    if carried:
        return all(map(is_public, carried))
    if isinstance(address, IPv6Address) and (
        address.is_site_local or any(address in each for each in _NOT_GLOBAL)
    ):
        return False
    return address.is_global and not address.is_multicast and address not in _AGENTS


def anywhere(address: Address) -> bool:
    """Return True: for those who know that only friends can ask."""
    return True


async def resolve(host: str, port: int, permits: Permits) -> str:
    """Return one address of `host` to connect to.

    Raises `UrlFailed` where the name has none, and `UrlRefused` where one of them is not permitted: a name
    that stands for both kinds is a trap. Neither message names an address.
    """
    if not 0 < port <= 65_535:
        raise UrlFailed(f"there is no port {port}; check the URL")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UrlFailed(f"the name {host!r} has no address; check the URL") from None
    texts = [str(entry[4][0]) for entry in found]
    # A zone (fe80::1%eth0) is of this machine alone; `ip_address` reads it, and finds it link-local.
    if not all(permits(ip_address(text)) for text in texts):
        raise UrlRefused(
            f"{host!r} is not at a public address, and this server fetches from public addresses only;"
            " send the photo itself, or ask the operator for ALLOW_PRIVATE_URLS=true"
        )
    return texts[0]


def _carried(address: Address) -> list[IPv4Address]:
    if isinstance(address, IPv4Address):
        return []
    teredo = address.teredo or ()
    last = IPv4Address(int(address) & 0xFFFFFFFF) if any(address in each for each in _CARRIERS) else None
    return [each for each in (address.ipv4_mapped, address.sixtofour, *teredo, last) if each is not None]
