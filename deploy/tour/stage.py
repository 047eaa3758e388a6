"""Owns the system a tour walks through: the one that runs here, or one of its own whose days are short."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from rich.console import Console

from deploy.standalone.home import home_path
from deploy.standalone.ports import free_port
from shared.clock import Clock, clock_from

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Nine in the morning in Shenzhen on a working Monday."""
RATE = 10_800
"""A day of the tour's own system is eight seconds; so the night in which a version begins can be waited for."""
START_SECONDS, STOP_SECONDS = 120.0, 60.0


class NotStarted(Exception):
    """The system of the tour did not start; the text says why."""


@dataclass(frozen=True, slots=True)
class Stage:
    url: str
    secrets: dict[str, str]
    clock: Clock
    own: bool
    """Made for the tour and gone afterwards."""


@contextmanager
def stage(console: Console, *, own: bool, rate: int = RATE) -> Iterator[Stage]:
    """`rate`: how much faster the clock of a system started for the tour runs."""
    running = home_path()
    if (running / "state.json").exists() and not own:
        state = orjson.loads((running / "state.json").read_bytes())
        yield Stage(state["url"], _secrets(running), clock_from(state["clock"]), own=False)
        return
    console.print(f"A system is started for this tour; its days last {86_400 // rate} seconds …", style="dim")
    with tempfile.TemporaryDirectory(prefix="huying-tour-") as folder, _started(Path(folder) / "var", rate) as made:
        yield made


@contextmanager
def _started(home: Path, rate: int) -> Iterator[Stage]:
    ports = {name: str(free_port()) for name in ("HUYING_PORT", "HUYING_POSTGRES_PORT", "HUYING_NATS_PORT")}
    clock = f"accelerated:{time.time()}:{MONDAY.isoformat()}:{rate}"
    environment = os.environ | ports | {"HUYING_HOME": str(home), "HUYING_CLOCK": clock}
    # The rules are sure of everything this tour says; a first model would only make its start longer.
    environment |= {"ROUTER_LEARN_AT_START": "false"}
    command = [sys.executable, "-m", "deploy.standalone.up"]
    output = home.with_suffix(".out")
    with output.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (home / "state.json").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"the system did not start: {output.read_text('utf-8', 'replace')[-500:]}")
            time.sleep(0.1)
        yield Stage(f"http://127.0.0.1:{ports['HUYING_PORT']}", _secrets(home), clock_from(clock), own=True)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """What it started ends with it, also when it has to be killed."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _secrets(home: Path) -> dict[str, str]:
    return dict(orjson.loads((home / "secrets.json").read_bytes()))
