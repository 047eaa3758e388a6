"""The service processes of a standalone system: forked from one warm process, watched, and started again when they die.

Importing the frameworks costs a second of CPU per process; a fork server that has imported them once, while the
database starts, makes the whole system start in the time of one. The supervisor itself imports none of them.
"""

import multiprocessing as mp
import pkgutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

ENTRY = "deploy.standalone.entry"
STOP_SECONDS = 15.0
REVIVE_SECONDS = (0.0, 0.2, 1.0, 5.0)
"""Rest before the first, second, … start in a row; the last one repeats."""
STEADY_SECONDS = 30.0
"""A process that has lived this long starts from the first rest again."""


def call(task: str, *arguments: object) -> None:
    """In the child: the function of that name in `ENTRY`, which the fork server has imported already."""
    pkgutil.resolve_name(f"{ENTRY}:{task}")(*arguments)


@dataclass
class Watched:
    """A process that should be running."""

    name: str
    arguments: tuple[Any, ...]
    process: ForkServerProcess | None = None
    started_at: float = 0.0
    deaths: int = 0

    def due(self, now: float) -> bool:
        """Dead, and rested long enough to be started again."""
        if self.process is None or self.process.is_alive():
            return False
        if now - self.started_at > STEADY_SECONDS:
            self.deaths = 0
        return now - self.started_at >= REVIVE_SECONDS[min(self.deaths, len(REVIVE_SECONDS) - 1)]


class Processes:
    """Starts, watches and stops the processes of one system."""

    def __init__(self, environment: Mapping[str, str], log_of: Callable[[str], Path]) -> None:
        self._context = mp.get_context("forkserver")
        self._context.set_forkserver_preload([ENTRY])
        self._environment, self._log_of = dict(environment), log_of
        self._watched: list[Watched] = []

    def run_to_end(self, name: str, task: str) -> bool:
        """One process that ends by itself; True when it ended well."""
        process = self._context.Process(target=call, args=(task, self._environment, self._log_of(name)), name=name)
        process.start()
        process.join()
        return process.exitcode == 0

    def start(self, name: str, task: str, *arguments: object) -> None:
        watched = Watched(name, (task, self._environment, self._log_of(name), *arguments))
        self._watched.append(watched)
        self._launch(watched)

    @staticmethod
    def warm_up() -> None:
        """Let the fork server begin to import."""
        mp.get_context("forkserver").set_forkserver_preload([ENTRY])
        forkserver.ensure_running()

    def pids(self) -> dict[str, int]:
        return {w.name: w.process.pid for w in self._watched if w.process is not None and w.process.pid is not None}

    def revive(self) -> list[str]:
        """Start again whatever has died; one that dies again and again rests longer each time. Answers their names."""
        now = time.monotonic()
        dead = [watched for watched in self._watched if watched.due(now)]
        for watched in dead:
            watched.deaths += 1
            self._launch(watched)
        return [watched.name for watched in dead]

    def _launch(self, watched: Watched) -> None:
        watched.process = self._context.Process(target=call, args=watched.arguments, name=watched.name)
        watched.process.start()
        watched.started_at = time.monotonic()

    def stop(self) -> None:
        """SIGTERM, a while to finish, then SIGKILL; harmless when repeated."""
        living = [w.process for w in self._watched if w.process is not None and w.process.is_alive()]
        self._watched.clear()
        for process in living:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in living:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
