"""Owns TCP ports: finding a free one, and refusing a taken one in words that say what to change."""

import errno
import random
import socket

import psutil

from deploy.standalone.home import Refusal

# Below the range systems hand out to outgoing connections (32768 and up), so that none of those takes a port
# between our looking and the server's listening.
CANDIDATES = range(20_000, 32_768)
ATTEMPTS = 200


def taken(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could not listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return True
            raise
    return False


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on; random, so that parallel callers do not meet."""
    for port in random.SystemRandom().sample(CANDIDATES, ATTEMPTS):
        if not taken(port, host):
            return port
    raise Refusal(f"no free port between {CANDIDATES.start} and {CANDIDATES.stop - 1}: stop some servers first")


def refuse_if_taken(port: int, name: str, host: str = "127.0.0.1") -> None:
    """Raises `Refusal` when the port is taken; `name` is the setting that moves us to another one."""
    if taken(port, host):
        raise Refusal(f"port {port} is taken{_by_whom(port)}: stop that program, or set {name} to a free port")


def _by_whom(port: int) -> str:
    try:
        listeners = [
            c for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port and c.status == "LISTEN"
        ]
        if not listeners or listeners[0].pid is None:
            return ""
        return f" by {psutil.Process(listeners[0].pid).name()} (pid {listeners[0].pid})"
    except psutil.Error:  # another user's process, or a system that does not tell
        return ""
