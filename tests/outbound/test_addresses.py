import asyncio
from ipaddress import ip_address

import pytest

from anomaly.errors import UrlFailed, UrlRefused
from anomaly.outbound import anywhere, is_public
from anomaly.outbound.addresses import resolve


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_open_network_is_public(text: str) -> None:
    """What can be reached from everywhere is public, also in the clothes of IPv6."""
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse, not to bind
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::7f00:1",
        "::a00:1",
        "64:ff9b:1::a00:1",
        "fec0::1",
        "5f00::1",
        "168.63.129.16",
    ],
)
def test_an_address_of_few_is_not_public(text: str) -> None:
    """Loopback, private, link-local, shared, multicast and reserved ranges are refused, nested ones too."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "::1", "0"])
def test_every_way_to_write_loopback_is_refused(host: str) -> None:
    """What counts is the address that the system would connect to, however it was written."""
    with pytest.raises(UrlRefused) as refused:
        asyncio.run(resolve(host, 80, is_public))
    assert "ALLOW_PRIVATE_URLS" in str(refused.value)


def test_a_name_without_an_address_says_so() -> None:
    """A name that does not resolve is the caller's to mend."""
    with pytest.raises(UrlFailed, match="has no address"):
        asyncio.run(resolve("no-such-name.invalid", 80, is_public))


@pytest.mark.parametrize("port", [-1, 0, 70_000])
def test_a_port_that_there_is_not_says_so(port: int) -> None:
    """It is the caller's to mend, as a wrong name is."""
    with pytest.raises(UrlFailed, match="port"):
        asyncio.run(resolve("127.0.0.1", port, anywhere))


def test_anywhere_permits_loopback() -> None:
    """Who trusts every caller may let them fetch from the machine itself."""
    assert asyncio.run(resolve("127.0.0.1", 80, anywhere)) == "127.0.0.1"
