"""Owns a real PostgreSQL that runs as our child from the binaries of a wheel, on 127.0.0.1 and one data folder."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psutil

from deploy.standalone.child import ENVIRONMENT, Account, Child, command, end
from deploy.standalone.home import Refusal, refusals
from deploy.standalone.installation import MAJOR, Installation, installation, own
from deploy.standalone.ports import refuse_if_taken

SUPERUSER = "postgres"
START_SECONDS = 120.0  # recovery after a crash replays up to max_wal_size of log
READY_LINE = 8  # postmaster.pid, eighth line: the state pg_ctl waits for
# SIGINT ends sessions and checkpoints (fast), SIGQUIT leaves the rest to recovery (immediate).
STOP_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0))
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    # An answered submission must survive a power cut: both stay on, whatever the default becomes.
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "pglz",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "effective_io_concurrency": "16",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # A failed statement may hold citizens' texts and numbers, and a log is not the place for them.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}


class Postgres:
    """One server. `start` makes the data folder at first, ends what a crashed run left, and returns when it serves."""

    def __init__(
        self,
        data_dir: Path,
        port: int,
        *,
        password: str,
        log: Path,
        settings: Mapping[str, str] | None = None,
        port_setting: str = "HUYING_POSTGRES_PORT",
    ) -> None:
        """`settings` go over the built-in ones; `port_setting` is named when the port is taken."""
        self.data_dir, self.port, self._password, self._log = data_dir.absolute(), port, password, log.absolute()
        self._settings = {**SETTINGS, **(settings or {}), "port": str(port)}
        self._port_setting = port_setting
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """Of the postmaster; only while running."""
        if self._child is None:
            raise RuntimeError("PostgreSQL is not started")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    def url(self, database: str = SUPERUSER, user: str = SUPERUSER, password: str | None = None) -> str:
        """A `postgresql://` address; without a password, the superuser's."""
        secret = quote(self._password if password is None else password, safe="")
        return f"postgresql://{quote(user, safe='')}:{secret}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def start(self) -> None:
        """Raises `Refusal`; harmless when it runs already."""
        if self.running:
            return
        with refusals(self.data_dir.parent):
            installed = installation(self.data_dir)
            self._end_leftover()
            refuse_if_taken(self.port, self._port_setting)
            if not (self.data_dir / "PG_VERSION").exists():
                self._initdb(installed)
            self._refuse_other_version()
            own(self.data_dir, installed.account)
            words = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
            self._child = Child.spawn(
                [installed.binary("postgres"), "-D", _named(self.data_dir, installed.account), *words],
                cwd=self.data_dir,
                log=self._log,
                death_signal=signal.SIGINT,
                account=installed.account,
            )
        self._child.wait_until(self._ready, "PostgreSQL", START_SECONDS)

    def stop(self) -> None:
        """Fast shutdown with a checkpoint; harmless when stopped."""
        if self._child is not None:
            self._child.stop(*STOP_STEPS)
            self._child = None

    def kill(self) -> None:
        """`kill -9` of the postmaster and all its processes; the next start recovers."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def _ready(self) -> bool:
        try:
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= READY_LINE and lines[0] == str(self.pid) and lines[READY_LINE - 1].strip() == "ready"

    def _end_leftover(self) -> None:
        """A supervisor that was killed leaves its server running where the system cannot tie their lives together."""
        try:
            postmaster = (self.data_dir / "postmaster.pid").read_text().partition("\n")[0]
        except FileNotFoundError:
            return
        leftover = list(_processes_in(self.data_dir))
        end((process for process in leftover if str(process.pid) == postmaster), *STOP_STEPS)
        end(process for process in leftover if str(process.pid) != postmaster)
        # Now nothing serves this folder. The number in the file may be another program's by now, and PostgreSQL
        # would refuse to start because of it.
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)

    def _refuse_other_version(self) -> None:
        version = (self.data_dir / "PG_VERSION").read_text().strip()
        if version != str(MAJOR):
            raise Refusal(
                f"{self.data_dir} was made by PostgreSQL {version}, and this is {MAJOR}: dump it with the old version, "
                "move the folder away, and restore"
            )

    def _initdb(self, installed: Installation) -> None:
        """Builds the folder beside its place, so that an interrupted first start leaves nothing half made."""
        fresh = self.data_dir.with_name(self.data_dir.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700, parents=True)
        own(fresh, installed.account)
        with tempfile.TemporaryFile() as secret:
            secret.write(f"{self._password}\n".encode())
            secret.flush()
            if installed.account:
                os.fchown(secret.fileno(), installed.account.uid, installed.account.gid)
            done = subprocess.run(
                command(
                    _initdb_words(installed, fresh, secret.fileno(), self._settings), installed.account, signal.SIGKILL
                ),
                cwd=fresh,
                env=ENVIRONMENT,
                pass_fds=[secret.fileno()],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            raise Refusal(f"initdb failed: {' '.join((done.stderr or done.stdout).split()[-40:])}")
        if self.data_dir.exists():
            self.data_dir.rmdir()  # an empty one; a full one without PG_VERSION is not ours to remove
        fresh.rename(self.data_dir)


def _initdb_words(installed: Installation, fresh: Path, secret: int, settings: Mapping[str, str]) -> list[str | Path]:
    words: list[str | Path] = [installed.binary("initdb"), "-D", _named(fresh, installed.account)]
    words += [f"--username={SUPERUSER}", f"--pwfile=/dev/fd/{secret}", "--auth=scram-sha-256", "--encoding=UTF8"]
    # The built-in provider knows Unicode's letters without the system's locales or ICU, and sorts by code point.
    words += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    return words if settings["fsync"] == "on" else [*words, "--no-sync"]


def _named(data_dir: Path, account: Account | None) -> str:
    """How the server names its folder. It starts inside it, and an account that is not ours may be unable to come
    from outside (a home below /root), so on Linux it is told `/proc/self/cwd`, which needs no way there."""
    return "/proc/self/cwd" if account and sys.platform == "linux" else str(data_dir)


def _processes_in(data_dir: Path) -> Iterator[psutil.Process]:
    place = str(data_dir.resolve())
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"] == "postgres" and process.cwd() == place:
                yield process
