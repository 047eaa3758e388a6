"""Where webhooks may go: an address chosen by a user must not become a way into our own network (SSRF)."""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from shared.errors import FieldError, InvalidInput

MAX_URL = 500


class TargetRefused(InvalidInput):
    """This address cannot be used for a webhook."""

    zh = "回调地址不可用"


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
    return parts


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
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _refused("the host is not known", "找不到该主机") from None
    ips = [str(info[4][0]) for info in found]
    if not ips or not all(allowed(ip, private=private) for ip in ips):
        raise _refused("leads to an address that is not allowed", "该地址不允许访问")
    if parts.scheme == "http" and any(ipaddress.ip_address(ip.partition("%")[0]).is_global for ip in ips):
        raise _refused("must begin with https outside the own network", "外网地址须以 https 开头")
    return Target(url, host, ips[0])
