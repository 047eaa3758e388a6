"""What each process of a standalone system does; imported once, by the fork server, and inherited by all of them."""

import multiprocessing as mp
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from multiprocessing import connection
from pathlib import Path

import uvicorn
import uvloop

from deploy.standalone.services import MANIFESTS, one_port
from shared import logs, worker
from shared.main import migrate_and_seed

NICE = 15
"""Of workers whose work may come a moment later than what a citizen is waiting for on the same cores."""


def begin(environment: Mapping[str, str], name: str, log_file: Path) -> None:
    """In the child: its own environment and log, and the end of its parent is its end."""
    threading.Thread(target=_end_with_supervisor, name="supervisor", daemon=True).start()
    os.environ.update(environment)
    descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    # Ctrl-C reaches the whole terminal group; the supervisor decides who stops when.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logs.configure(name, environment.get("HUYING_LOG_LEVEL", "INFO"))


def _end_with_supervisor() -> None:
    """The fork server lives as long as its children do, so its end tells nothing; the supervisor's own pipe does."""
    supervisor = mp.parent_process()
    if supervisor is not None:
        connection.wait([supervisor.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def serve(environment: Mapping[str, str], log_file: Path, listener: socket.socket) -> None:
    """A web process: every service's HTTP door on the shared listening socket."""
    begin(environment, "web", log_file)
    config = uvicorn.Config(
        one_port(), loop="uvloop", access_log=False, log_config=None, server_header=False, timeout_graceful_shutdown=3
    )
    uvloop.run(uvicorn.Server(config).serve(sockets=[listener]))


def work(environment: Mapping[str, str], log_file: Path, name: str, lane: worker.Lane) -> None:
    """A service's worker, or one lane of it: relay, consumers and timers."""
    begin(environment, name, log_file)
    if lane != "swift":
        os.nice(NICE)
        if sys.platform == "linux":
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    manifest = MANIFESTS[name]
    uvloop.run(worker.run(manifest, manifest.settings(), lane))


def migrate(environment: Mapping[str, str], log_file: Path) -> None:
    """Bring every schema to the newest version and load the shipped rule data."""
    begin(environment, "migrate", log_file)
    for manifest in MANIFESTS.values():
        uvloop.run(migrate_and_seed(manifest, manifest.settings()))
