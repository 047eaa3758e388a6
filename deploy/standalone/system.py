"""A whole system on one machine: servers, processes, environment; started, watched and stopped as one."""

import asyncio
import json
import os
import socket
import time
from pathlib import Path

import httpx

from deploy.standalone import environment
from deploy.standalone.home import Home, Refusal
from deploy.standalone.nats import Nats
from deploy.standalone.options import Options
from deploy.standalone.ports import refuse_if_taken
from deploy.standalone.postgres import Postgres
from deploy.standalone.processes import Processes
from deploy.standalone.roles import ensure_roles

READY_SECONDS = 60.0
BACKLOG = 2048


class System:
    """`start` returns when every service says it is ready; `revive` starts again whatever has died."""

    def __init__(self, home: Home, options: Options) -> None:
        self.home, self.options = home, options
        home.secrets.ensure(environment.SECRETS)
        self.postgres = Postgres(
            home.path / "postgres",
            options.postgres_port,
            password=home.secrets["postgres"],
            log=home.log("postgres"),
        )
        self.nats = Nats(
            home.path / "nats",
            options.nats_port,
            log=home.log("nats"),
            user="huying",
            password=home.secrets["nats"],
        )
        self.servers: dict[str, Postgres | Nats] = {"postgres": self.postgres, "nats": self.nats}
        self.processes: Processes | None = None
        self._listener: socket.socket | None = None

    @property
    def url(self) -> str:
        return f"http://{'127.0.0.1' if self.options.host == '0.0.0.0' else self.options.host}:{self.options.port}"  # noqa: S104

    @property
    def state_file(self) -> Path:
        """Where a running system is found by `make demo`: its address and the processes it consists of."""
        return self.home.path / "state.json"

    def start(self) -> None:
        """Raises `Refusal` with one line that says what to do."""
        refuse_if_taken(self.options.port, "HUYING_PORT", self.options.host)
        Processes.warm_up()  # imports the frameworks while the servers start
        self.nats.launch()
        self.postgres.start()
        self.nats.wait()
        urls = asyncio.run(
            ensure_roles(self.postgres, {name: self.home.secrets[f"postgres_{name}"] for name in environment.SERVICES})
        )
        given = environment.of(self.home, self.options, database_urls=urls, nats_url=self.nats.url, url=self.url)
        self.processes = running = Processes(given, self.home.log)
        if not running.run_to_end("migrate", "migrate"):
            raise Refusal(f"the database could not be prepared: see {self.home.log('migrate')}")
        self._listener = socket.create_server((self.options.host, self.options.port), backlog=BACKLOG)
        for number in range(1, self.options.web_processes + 1):
            running.start(f"web-{number}", "serve", self._listener)
        for name in environment.SERVICES:
            if name in environment.SWIFT:
                running.start(f"{name}-swift", "work", name, "swift")
            running.start(f"{name}-worker", "work", name, "rest" if name in environment.SWIFT else "all")
        self._wait()
        self.write_state()

    def _wait(self) -> None:
        """Until every service is ready; the web process answers for the database, the bus and itself."""
        deadline = time.monotonic() + READY_SECONDS
        waiting = set(environment.SERVICES)
        with httpx.Client(base_url=self.url, timeout=2, trust_env=False) as client:
            while waiting:
                for name in sorted(waiting):
                    try:
                        if client.get(f"/{name}/readyz").json()["status"] == "ready":
                            waiting.discard(name)
                    except (httpx.HTTPError, ValueError, KeyError):
                        break
                if waiting and time.monotonic() > deadline:
                    raise Refusal(f"{', '.join(sorted(waiting))} did not get ready: see {self.home.log('web-1')}")
                if waiting:
                    time.sleep(0.05)

    def write_state(self) -> None:
        assert self.processes is not None
        pids = {**self.processes.pids(), "supervisor": os.getpid()}
        pids |= {name: server.pid for name, server in self.servers.items() if server.running}
        state = {"url": self.url, "clock": self.options.clock, "pids": pids}
        temporary = self.state_file.with_suffix(".new")
        temporary.write_text(json.dumps(state, indent=2), encoding="utf-8")
        temporary.replace(self.state_file)

    def revive(self) -> list[str]:
        """Start again whatever has died; answers what that was."""
        dead: list[str] = []
        for name, server in self.servers.items():
            if not server.running:
                server.start()
                dead.append(name)
        if self.processes is not None:
            dead += self.processes.revive()
        if dead:
            self.write_state()
        return dead

    def stop(self) -> None:
        """Processes first, then the servers they talk to; harmless when repeated."""
        self.state_file.unlink(missing_ok=True)
        if self.processes is not None:
            self.processes.stop()
        if self._listener is not None:
            self._listener.close()
        self.nats.stop()
        self.postgres.stop()
