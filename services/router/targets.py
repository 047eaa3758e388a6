"""Where webhooks may go: an address chosen by a user must not become a way into our own network (SSRF)."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from shared.errors import FieldError, InvalidInput

MAX_URL = 500
LOOK_UP_SECONDS = 3.0


class TargetRefused(InvalidInput):
    """This address cannot be used for a webhook."""

    zh = "回调地址不可用"


class HostUnknown(TargetRefused):
    """The host of this address is not known."""

    zh = "找不到回调地址的主机"


@dataclass(frozen=True, slots=True)
class Target:
    """An address whose host was looked up and found allowed; the connection goes to `ip` and nowhere else."""

    url: str
    host: str
    """What the Host header and the certificate must say."""
    ip: str

    @property
    def pinned(self) -> str:
        """The same address with the host replaced by the IP, so that a second look-up cannot answer differently."""
        parts = urlsplit(self.url)
        place = f"[{self.ip}]" if ":" in self.ip else self.ip
        return parts._replace(netloc=place if parts.port is None else f"{place}:{parts.port}").geturl()

    @property
    def host_header(self) -> str:
        port = urlsplit(self.url).port
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if port is None else f"{name}:{port}"


def _refused(detail: str, zh: str) -> TargetRefused:
    return TargetRefused(detail, fields=(FieldError("/url", detail, zh),))


def check(url: str, *, private: bool) -> SplitResult:
    """What can be said without asking the network. `private` allows http and inner addresses."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _refused("is not an address", "地址格式不正确") from None
    if not host or len(url) > MAX_URL or not url.isascii() or not url.isprintable():
        raise _refused("is not an address", "地址格式不正确")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused("must not hold a login or a fragment", "地址中不得包含账号或片段")
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise _refused("must begin with https", "地址须以 https 开头")
    if (ip := literal(host)) is not None:
        _must_be_allowed([ip], parts.scheme, private=private)
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


def _must_be_allowed(ips: Sequence[str], scheme: str, *, private: bool) -> None:
    if not ips or not all(allowed(ip, private=private) for ip in ips):
        raise _refused("leads to an address that is not allowed", "该地址不允许访问")
    if scheme == "http" and any(ipaddress.ip_address(ip.partition("%")[0]).is_global for ip in ips):
        raise _refused("must begin with https outside the own network", "外网地址须以 https 开头")


async def admit(url: str, *, private: bool) -> None:
    """At registration: what would be refused at every delivery is refused at once, plain http to a public host too.

    A host that is not known yet, or whose name server does not answer, may be known when the first message comes.
    """
    parts = check(url, private=private)
    if parts.scheme != "http":
        return
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            ips = await _look_up(parts)
    except (HostUnknown, TimeoutError):
        return
    _must_be_allowed(ips, parts.scheme, private=private)


def allowed(ip: str, *, private: bool) -> bool:
    """Public addresses; with `private` inner ones too, but never unspecified, multicast or link-local (metadata)."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_unspecified or address.is_multicast or address.is_link_local:
        return False
    return address.is_global or (private and (address.is_private or address.is_loopback))


async def resolve(url: str, *, private: bool) -> Target:
    """Look the host up; every address it has must be allowed."""
    parts = check(url, private=private)
    ips = await _look_up(parts)
    _must_be_allowed(ips, parts.scheme, private=private)
    return Target(url, parts.hostname or "", ips[0])


async def _look_up(parts: SplitResult) -> list[str]:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise HostUnknown(
            "the host is not known", fields=(FieldError("/url", "the host is not known", "找不到该主机"),)
        ) from None
    return [str(info[4][0]) for info in found]
