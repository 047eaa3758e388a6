"""Owns how a server runs as our child: its account, its log, its end, and what an earlier run left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from deploy.standalone import launch
from deploy.standalone.home import Refusal

POLL_SECONDS = 0.01
LOG_LIMIT = 20 * 1024 * 1024
# A server must not change with the language or the libpq settings of a shell. The library path stays, because some
# builds of Python, which launches the server, find their own library only through it.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"} | {
    name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ
}


@dataclass(frozen=True, slots=True)
class Account:
    """The system account a server runs as when we are root."""

    uid: int
    gid: int


def command(argv: Sequence[str | Path], account: Account | None, death_signal: signal.Signals) -> list[str]:
    """`argv` behind the launcher that changes the account and ties its life to this process."""
    uid, gid = (account.uid, account.gid) if account else (launch.KEEP_USER, launch.KEEP_USER)
    words = [str(word) for word in (os.getpid(), int(death_signal), uid, gid, *argv)]
    return [sys.executable, "-I", "-S", launch.__file__, *words]


class Child:
    """A running server. It ends when the *thread* that started it ends (Linux), so start it from one that lasts."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process, self._log = process, log

    @classmethod
    def spawn(
        cls,
        argv: Sequence[str | Path],
        *,
        cwd: Path,
        log: Path,
        death_signal: signal.Signals,
        account: Account | None = None,
        environment: Mapping[str, str] = ENVIRONMENT,
    ) -> Self:
        """Starts `argv` in a session of its own, so that a Ctrl-C in the terminal reaches only the supervisor."""
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_name(log.name + ".1"))
        with log.open("ab") as output:
            process = subprocess.Popen(
                command(argv, account, death_signal),
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                umask=0o077,
                start_new_session=True,
            )
        return cls(process, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], name: str, seconds: float) -> None:
        """Waits for `ready()`; a child that ends or stays mute is put away and refused with its last words."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.running and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
                continue
            ended = not self.running
            self.kill()
            reason = last_words(self._log) if ended else f"no answer within {seconds:.0f} s"
            raise Refusal(f"{name} did not start: {reason} (see {self._log})")

    def stop(self, *steps: tuple[signal.Signals, float]) -> None:
        """Sends each signal and waits its seconds, until the child is gone; kills what is left."""
        for number, seconds in steps:
            if not self.running:
                break
            self._process.send_signal(number)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
        self.kill()

    def kill(self) -> None:
        """Ends the child and all it started with SIGKILL, as a power cut would."""
        try:
            family = psutil.Process(self.pid).children(recursive=True) if self.running else []
        except psutil.NoSuchProcess:
            family = []
        if self.running:
            self._process.kill()
        self._process.wait()
        end(family)


def end(processes: Iterable[psutil.Process], *steps: tuple[signal.Signals, float]) -> None:
    """Stops processes that are not our children: each signal with its seconds to obey, then SIGKILL."""
    alive = list(processes)
    for number, seconds in (*steps, (signal.SIGKILL, 10.0)):
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        deadline = time.monotonic() + seconds
        while (alive := [process for process in alive if _lives(process)]) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def _lives(process: psutil.Process) -> bool:
    # Orphans stay zombies until process 1 collects them, which in a container may be late or never.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def last_words(log: Path) -> str:
    """The last line of a log that says what went wrong, for a one-line refusal."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()[-40:] if line.strip()]
    grave = [line for line in lines if "FATAL" in line or "PANIC" in line or "[FTL]" in line or "error:" in line]
    return (grave or lines or ["it wrote nothing"])[-1]
