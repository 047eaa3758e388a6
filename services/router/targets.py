"""Where webhooks may go: an address chosen by a user must not become a way into our own network (SSRF)."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Self
from urllib.parse import SplitResult, urlsplit

from shared.errors import FieldError, InvalidInput

MAX_URL = 500
LOOK_UP_SECONDS = 3.0
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""Leads to the IPv4 address in its last 32 bits (RFC 6052)."""


class TargetRefused(InvalidInput):
    """This address cannot be used for a webhook."""

    zh = "回调地址不可用"


class HostUnknown(TargetRefused):
    """The host of this address is not known."""

    zh = "找不到回调地址的主机"


@dataclass(frozen=True, slots=True)
class Policy:
    """Which addresses besides public ones webhooks may go to, and which they never do."""

    private: bool = False
    """All inner ones, for a system on one machine."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """These inner ones."""
    refused: tuple[IPv4Network | IPv6Network, ...] = ()
    """None of these, whatever else is allowed."""

    @classmethod
    def of(cls, *, private: bool, networks: Sequence[str], refused: Sequence[str]) -> Self:
        """Networks as they are written: `10.20.0.0/16`."""
        return cls(private, tuple(map(ip_network, networks)), tuple(map(ip_network, refused)))

    @property
    def http(self) -> bool:
        """Inside, plain http is allowed too."""
        return self.private or bool(self.networks)


@dataclass(frozen=True, slots=True)
class Target:
    """An address whose host was looked up and found allowed; the connection goes to one of `ips` and nowhere else."""

    url: str
    host: str
    """What the Host header and the certificate must say."""
    ips: tuple[str, ...]

    def pinned(self, ip: str) -> str:
        """The same address with the host replaced by the IP, so that a second look-up cannot answer differently."""
        parts = urlsplit(self.url)
        place = f"[{ip}]" if ":" in ip else ip
        return parts._replace(netloc=place if parts.port is None else f"{place}:{parts.port}").geturl()

    @property
    def host_header(self) -> str:
        port = urlsplit(self.url).port
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if port is None else f"{name}:{port}"


def _refused(detail: str, zh: str) -> TargetRefused:
    return TargetRefused(detail, fields=(FieldError("/url", detail, zh),))


def check(url: str, *, policy: Policy) -> SplitResult:
    """What can be said without asking the network."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _refused("is not an address", "地址格式不正确") from None
    if not host or len(url) > MAX_URL or not url.isascii() or not url.isprintable():
        raise _refused("is not an address", "地址格式不正确")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused("must not hold a login or a fragment", "地址中不得包含账号或片段")
    if parts.scheme != "https" and not (policy.http and parts.scheme == "http"):
        raise _refused("must begin with https", "地址须以 https 开头")
    if (ip := literal(host)) is not None:
        _must_be_allowed([ip], parts.scheme, policy=policy)
    return parts


def literal(host: str) -> str | None:
    """The address a host is when it is no name, in whatever spelling a resolver takes (`127.1`, `0x7f000001`)."""
    if f".{host.rstrip('.')}".endswith(".localhost"):  # RFC 6761: loopback, without asking
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def _must_be_allowed(ips: Sequence[str], scheme: str, *, policy: Policy) -> None:
    if not ips or not all(allowed(ip, policy=policy) for ip in ips):
        raise _refused("leads to an address that is not allowed", "该地址不允许访问")
    if scheme == "http" and any(_plain(ip).is_global for ip in ips):
        raise _refused("must begin with https outside the own network", "外网地址须以 https 开头")


async def admit(url: str, *, policy: Policy) -> None:
    """At registration: what would be refused at every delivery is refused at once, plain http to a public host too.

    A host that is not known yet, or whose name server does not answer, may be known when the first message comes.
    """
    parts = check(url, policy=policy)
    if parts.scheme != "http":
        return
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            ips = await _look_up(parts, None)
    except (HostUnknown, TimeoutError):
        return
    _must_be_allowed(ips, parts.scheme, policy=policy)


def _plain(ip: str) -> IPv4Address | IPv6Address:
    """The address a connection ends at: IPv4 in the clothes of IPv6 is IPv4."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def allowed(ip: str, *, policy: Policy) -> bool:
    """Public addresses and what the policy adds, but never unspecified, multicast or link-local ones (metadata)."""
    address = _plain(ip)
    if address.is_unspecified or address.is_multicast or address.is_link_local:
        return False
    if any(address in network for network in policy.refused):
        return False
    if any(address in network for network in policy.networks):
        return True
    # Site-local (RFC 3879) and IPv4-compatible addresses count as global for Python's ipaddress.
    odd = isinstance(address, IPv6Address) and (address.is_site_local or address.is_reserved)
    if address.is_global and not odd:
        return True
    return policy.private and (address.is_private or address.is_loopback)


async def resolve(url: str, *, policy: Policy, pool: Executor | None = None) -> Target:
    """Look the host up, once; every address it has must be allowed. `pool` is where the look-up waits."""
    parts = check(url, policy=policy)
    ips = await _look_up(parts, pool)
    _must_be_allowed(ips, parts.scheme, policy=policy)
    return Target(url, parts.hostname or "", tuple(dict.fromkeys(ips)))


async def _look_up(parts: SplitResult, pool: Executor | None) -> list[str]:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    ask = partial(socket.getaddrinfo, parts.hostname, port, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.get_running_loop().run_in_executor(pool, ask)
    except (OSError, UnicodeError):
        raise HostUnknown(
            "the host is not known", fields=(FieldError("/url", "the host is not known", "找不到该主机"),)
        ) from None
    return [str(info[4][0]) for info in found]
