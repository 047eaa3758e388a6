"""Owns the PostgreSQL and NATS one test run shares: started on first request, in the process that started pytest.

The workers of pytest-xdist reach that process over a Unix socket named in the environment. So a run that needs no
server starts none, and the servers end with the run, also when it is killed (see `deploy.standalone.launch`).
"""

import os
import shutil
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from deploy.standalone.nats import Nats
from deploy.standalone.ports import free_port
from deploy.standalone.postgres import Postgres

SOCKET = "TEST_SERVERS_SOCKET"
GIVEN = {"postgres": "TEST_POSTGRES_URL", "nats": "TEST_NATS_URL"}
START_SECONDS = 60
# The shared data does not outlive the run. The first four, with STRATEGY FILE_COPY, make the copy of a template and its
# drop nine times as fast (about 20 ms against 190). What must survive `kill -9` or a power cut is tested on servers
# of its own, with everything on.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    "log_min_error_statement": "error",
    "log_error_verbosity": "default",
}


def server_url(name: str) -> str:
    """The address of the run's "postgres" (as superuser) or "nats", which is started if it is not."""
    if given := os.environ.get(GIVEN[name]):
        return given
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(START_SECONDS)
        link.connect(os.environ[SOCKET])
        link.sendall(f"{name}\n".encode())
        with link.makefile(encoding="utf-8") as answer:
            state, _, text = answer.read().partition(" ")
    if state != "ok":
        raise RuntimeError(f"the tests need {name}, which did not start: {text}")
    return text


class SharedServers:
    """The serving side, held by pytest's first process from `open` to `close`."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="huying-tests-"))
        self._urls: dict[str, str] = {}
        self._stops: list[Callable[[], None]] = []
        self._door = _Door(str(self._folder / "socket"), self._answer)
        # One thread answers all, one after another: two workers that ask at once start one server, and its
        # life is tied to a thread that lasts as long as the run.
        self._thread = threading.Thread(target=self._door.serve_forever, args=(0.05,), name="test servers", daemon=True)

    def open(self) -> None:
        self._thread.start()
        os.environ[SOCKET] = str(self._folder / "socket")

    def close(self) -> None:
        os.environ.pop(SOCKET, None)
        self._door.shutdown()
        self._thread.join()
        self._door.server_close()
        for stop in self._stops:
            stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answer(self, name: str) -> str:
        try:
            if name not in self._urls:
                self._urls[name] = {"postgres": self._postgres, "nats": self._nats}[name]()
        except Exception as error:
            return f"failed {error!r}"
        return f"ok {self._urls[name]}"

    def _postgres(self) -> str:
        place, log = self._folder / "postgres", self._folder / "postgres.log"
        server = Postgres(place, free_port(), password="test", log=log, settings=SETTINGS)
        server.start()
        self._stops.append(server.kill)
        return server.url()

    def _nats(self) -> str:
        server = Nats(self._folder / "nats", free_port(), log=self._folder / "nats.log")
        server.start()
        self._stops.append(server.kill)
        return server.url


class _Door(socketserver.UnixStreamServer):
    def __init__(self, path: str, answer: Callable[[str], str]) -> None:
        super().__init__(path, _Request)
        self.answer = answer


class _Request(socketserver.StreamRequestHandler):
    server: _Door

    def handle(self) -> None:
        self.wfile.write(self.server.answer(self.rfile.readline().decode().strip()).encode())
