"""Which addresses a stranger's URL may lead to: the public internet and nothing else.

Ranges are those of the IANA special-purpose address registries, written out because `is_global` of
the standard library changed its answers between patch releases of the same Python.
"""

import ipaddress
import socket
from collections.abc import Iterable
from typing import Final, TypeAlias

from moderator.errors import SettingsError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_REFUSED: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ipaddress.ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),  # also Alibaba's metadata, 100.100.100.200
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),  # Azure's host, in a public range
        ("169.254.0.0/16", "link-local or cloud metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),  # also Oracle's metadata, 192.0.0.192
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("fc00::/7", "private or cloud metadata"),  # fd00:ec2::254 is Amazon's
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
    )
)
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
# RFC 6052. A network without IPv4 reaches every IPv4 host through it: what it embeds counts.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def parse_networks(networks: Iterable[str]) -> tuple[Network, ...]:
    """Parse CIDRs; SettingsError names the one that is none."""
    parsed: list[Network] = []
    for network in networks:
        try:
            parsed.append(ipaddress.ip_network(network))
        except ValueError as err:
            raise SettingsError(
                f"{network!r} is not a network, such as 10.1.0.0/16: {err}"
            ) from err
    return tuple(parsed)


def literal(host: str) -> Address | None:
    """The address that a host spells out, in any way that resolvers accept: 127.1, 0x7f000001."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def refusal(address: Address, allowed: Iterable[Network] = ()) -> str | None:
    """Say in a word why `address` must not be connected to; None if it may be.

    `allowed` networks are exempt. An IPv4 address inside an IPv6 one counts as itself.
    """
    address = _embedded(address)
    if any(address in network for network in allowed):
        return None
    for network, what in _REFUSED:
        if address in network:
            return what
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return "not public"
    return None


def _embedded(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
