"""Where a worker may connect to: the public internet, and what an administrator has named.

The guard judges the address that is about to be dialled, together with the host name it was found by. Nothing is resolved twice,
so a name that answers differently the second time (DNS rebinding) gains nothing by it.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# https://www.iana.org/assignments/iana-ipv4-special-registry
_SPECIAL = tuple(IPv4Network(text) for text in (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
    "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
))
# https://www.iana.org/assignments/iana-ipv6-special-registry; of IPv6 only 2000::/3 is given out at all. Teredo (in 2001::/23)
# and 6to4 (2002::/16) wrap an IPv4 address, and no provider lives there.
_UNICAST = IPv6Network("2000::/3")
_SPECIAL_UNICAST = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
_MAPPED = IPv6Network("::ffff:0:0/96")
# What a network without IPv4 makes of an IPv4 address: https://www.rfc-editor.org/rfc/rfc6052
_NAT64 = IPv6Network("64:ff9b::/96")

_LINK_LOCAL = (IPv4Network("169.254.0.0/16"), IPv6Network("fe80::/10"))
# Where clouds hand credentials to whoever asks, beyond 169.254.0.0/16: Amazon (instances, pods), Google, Scaleway, Alibaba,
# Oracle, Azure.
_METADATA = frozenset(ip_address(text) for text in (
    "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42", "100.100.100.200", "192.0.0.192", "168.63.129.16",
))

_HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


class Refused(OSError):
    """A connection that the guard does not permit."""

    def __init__(self, host: str) -> None:
        # One text for every address of a host, and without the address: it is nobody's business what a name resolves to in here.
        what = f"the address of {host!r} is private or reserved"
        super().__init__(f"{what}; an administrator may list it in TOKENROUTER_EGRESS_ALLOW")


class Guard:
    """Says which addresses may be dialled."""

    def __init__(self, allowed: Iterable[str] = (), bases: Iterable[str] = ()) -> None:
        """`allowed`: host names, `*.suffix`, addresses or networks. `bases`: URLs, see `naming`. Raises ValueError for an entry
        of `allowed` that is none of these."""
        self._allowed = [entry for text in allowed if (entry := text.strip().lower().rstrip("."))]
        self._networks = [network for entry in self._allowed if (network := _network(entry)) is not None]
        names = [_name(entry) for entry in self._allowed if _network(entry) is None]
        self._suffixes = tuple(name[1:] for name in names if name.startswith("*."))
        self._names = {*names, *(host for url in bases if _is_plain(host := _host(url)))}

    @classmethod
    def of(cls, setting: str) -> "Guard":
        """From the text of TOKENROUTER_EGRESS_ALLOW."""
        return cls(setting.split(","))

    def naming(self, urls: Iterable[str]) -> "Guard":
        """The guard for base URLs that an administrator wrote: an address, `localhost` or a name without dots, such as a compose
        service, means what it says. Of a longer name nobody can tell where it leads: it has to be allowed."""
        return Guard(self._allowed, urls)

    def permits(self, host: str, address: str) -> bool:
        """Whether `address`, found by the name `host`, may be dialled."""
        at = _meant(ip_address(address.partition("%")[0]))
        if at in _METADATA or any(at in network for network in _LINK_LOCAL):
            return any(at in network and _is_explicit(network) for network in self._networks)
        if _is_public(at):
            return True
        name = host.lower().rstrip(".")
        return name in self._names or name.endswith(self._suffixes) or any(at in network for network in self._networks)


def _is_public(address: Address) -> bool:
    """Python 3.11's own `is_global` takes some special ranges for public (CVE-2024-4032)."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL)
    return address in _UNICAST and not any(address in network for network in _SPECIAL_UNICAST)


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for."""
    if address in _MAPPED or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_explicit(network: Network) -> bool:
    """Whether who wrote this network must have had metadata or link-local addresses in mind: all of 100.64.0.0/10 is often
    allowed for a VPN, and holds Alibaba's metadata service."""
    return network.prefixlen == network.max_prefixlen or any(
        network.version == known.version and network.subnet_of(known) for known in _LINK_LOCAL  # type: ignore[arg-type]
    )


def _is_plain(host: str) -> bool:
    if _network(host) is not None:
        return True
    labels = host.split(".")
    # `2130706433` and `0x7f000001` are 127.0.0.1 in disguise; no administrator needs to write it so.
    if not labels[-1] or labels[-1][0].isdigit():
        return False
    return len(labels) == 1 or labels[-1] == "localhost"


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _host(url: str) -> str:
    """As aiohttp will dial it."""
    try:
        return (URL(url).raw_host or "").lower().rstrip(".")
    except ValueError:
        return ""


def _name(entry: str) -> str:
    wildcard = "*." if entry.startswith("*.") else ""
    try:
        name = URL.build(scheme="http", host=entry.removeprefix("*.")).raw_host or ""
    except ValueError:
        name = ""
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(f"TOKENROUTER_EGRESS_ALLOW: {entry!r} is neither a host name, *.suffix, an address nor a network")
    return wildcard + name
