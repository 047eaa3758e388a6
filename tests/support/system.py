"""A whole system started as its user would, in a folder and on ports of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from deploy.standalone.ports import free_port
from tests.support.eventually import eventually

ROOT = Path(__file__).resolve().parents[2]


class RunningSystem:
    """`python -m deploy.standalone.up` as a subprocess; without a trained model, which few tests need."""

    def __init__(self, home: Path, **options: str) -> None:
        self.home = home
        self.ports = {name: str(free_port()) for name in ("HUYING_PORT", "HUYING_POSTGRES_PORT", "HUYING_NATS_PORT")}
        given = {"HUYING_HOME": str(home), "ROUTER_LEARN_AT_START": "false", **self.ports, **options}
        self.environment = {**os.environ, **given}
        self.output = home.parent / f"{home.name}.out"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.standalone.up"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if wait:
            eventually(self._up, seconds=90)

    def _up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the system ended:\n{self.said()}")
        return self.state_file.exists()

    @property
    def state_file(self) -> Path:
        return self.home / "state.json"

    @property
    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.state_file.read_text("utf-8")))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['HUYING_PORT']}"

    @property
    def secrets(self) -> dict[str, str]:
        return dict(json.loads((self.home / "secrets.json").read_text("utf-8")))

    def said(self) -> str:
        """What it printed, and the last lines of its logs."""
        logs = sorted((self.home / "log").glob("*.log"))
        tails = [f"--- {log.name}\n{log.read_text('utf-8', 'replace')[-1500:]}" for log in logs]
        return "\n".join([self.output.read_text("utf-8", "replace")[-3000:], *tails])

    def kill(self, name: str) -> None:
        """`kill -9` one of its processes by name; the supervisor starts it again."""
        pid = self.state["pids"][name]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: self.state["pids"].get(name) not in (pid, None), seconds=60)

    def signal(self, number: signal.Signals) -> int:
        """Sends a signal to the supervisor and waits for its end; answers its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        self.process = None

    def leftovers(self) -> list[str]:
        """Processes that still work in its folder."""
        found = []
        for process in psutil.process_iter(["name", "cmdline"]):
            with contextlib.suppress(psutil.Error):
                if str(self.home) in " ".join(process.info["cmdline"] or []):
                    found.append(process.info["name"])
        return found
