"""The servers of a standalone system keep what they were told, through every way they can end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import nats
import nats.js.errors
import psutil
import pytest

from deploy.standalone import installation
from deploy.standalone.home import Refusal
from deploy.standalone.nats import Nats
from deploy.standalone.ports import free_port
from deploy.standalone.postgres import Postgres
from deploy.standalone.roles import ensure_roles

SMALL = {"shared_buffers": "64MB"}


def a_postgres(folder: Path) -> Postgres:
    return Postgres(folder / "postgres", free_port(), password="p@ss/word", log=folder / "postgres.log", settings=SMALL)


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as a first start and a clean stop leave it."""
    server = a_postgres(tmp_path_factory.mktemp("first"))
    server.start()
    server.stop()
    return server.data_dir


@pytest.fixture
def postgres(first_start: Path, tmp_path: Path) -> Iterator[Postgres]:
    shutil.copytree(first_start, tmp_path / "postgres")  # as root: root's now, so that `start` must give it back
    server = a_postgres(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Nats]:
    server = Nats(tmp_path / "nats", free_port(), log=tmp_path / "nats.log", user="huying", password="pass-word_1")
    server.start()
    yield server
    server.kill()


async def ask(url: str, *statements: str) -> object:
    """The first value of the last statement."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def publish(url: str, *, replicas: int = 1, patient_with: Nats | None = None) -> int:
    """Publishes one acknowledged message; returns its place in the stream.

    A cluster whose leader has just died answers when it has elected another: `patient_with` is a node to ask meanwhile.
    """
    link = await nats.connect(url, allow_reconnect=False)
    try:
        manager = link.jsm()
        while True:
            try:
                if "KEPT" not in [stream.config.name for stream in await manager.streams_info()]:
                    await manager.add_stream(name="KEPT", subjects=["kept.>"], num_replicas=replicas)
                return (await link.jetstream().publish("kept.one", b"said", timeout=1)).seq
            except (nats.errors.TimeoutError, nats.js.errors.Error):
                if patient_with is None:
                    raise
                patient_with.wait()
    finally:
        await link.close()


async def test_postgres_keeps_rows_over_kill_and_restart(postgres: Postgres) -> None:
    await ask(postgres.url(), "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1) RETURNING n")
    postgres.kill()
    assert not postgres.running
    postgres.start()
    assert await ask(postgres.url(), "INSERT INTO kept VALUES (2)", "SELECT count(*) FROM kept") == 2
    postgres.restart()
    assert await ask(postgres.url(), "SELECT count(*) FROM kept") == 2


async def test_postgres_answers_only_after_the_commit_is_on_disk(postgres: Postgres) -> None:
    """INVARIANT: nothing acknowledged is lost.

    Breaks when someone trades fsync or synchronous_commit for speed.
    """
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await ask(postgres.url(), f"SHOW {setting}") == "on"


async def test_postgres_never_runs_as_root_even_below_a_closed_folder(postgres: Postgres) -> None:
    postgres.data_dir.parent.chmod(0o700)
    assert psutil.Process(postgres.pid).uids().effective != 0
    postgres.restart()
    assert await ask(postgres.url(), "SELECT pg_reload_conf()") is True


async def test_postgres_wants_the_password(postgres: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(postgres.url(password="guess"), "SELECT 1")


async def test_a_server_that_outlived_its_supervisor_is_replaced(postgres: Postgres, tmp_path: Path) -> None:
    await ask(postgres.url(), "CREATE TABLE kept (n int)", "SELECT 1")
    next_run = a_postgres(tmp_path)
    next_run.start()
    try:
        assert not postgres.running
        assert await ask(next_run.url(), "SELECT count(*) FROM kept") == 0
    finally:
        next_run.kill()


async def test_killing_the_supervisor_leaves_data_that_the_next_one_takes_over(
    first_start: Path, tmp_path: Path
) -> None:
    shutil.copytree(first_start, tmp_path / "postgres")
    program = f"""
import pathlib, signal
from deploy.standalone.postgres import Postgres
place = pathlib.Path({str(tmp_path)!r})
server = Postgres(place / "postgres", {free_port()}, password="p@ss/word", log=place / "log", settings={SMALL!r})
server.start()
print(server.pid, flush=True)
signal.pause()
"""
    supervisor = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with supervisor:
        assert supervisor.stdout
        orphan = psutil.Process(int(supervisor.stdout.readline()))
        supervisor.send_signal(signal.SIGKILL)
    next_run = a_postgres(tmp_path)
    next_run.start()
    try:
        assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
        assert await ask(next_run.url(), "SELECT 1") == 1
    finally:
        next_run.kill()


async def test_a_stale_pid_file_that_names_a_living_stranger_does_not_matter(postgres: Postgres) -> None:
    postgres.kill()
    lines = (postgres.data_dir / "postmaster.pid").read_text().splitlines()
    (postgres.data_dir / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:], ""]))
    postgres.start()
    assert await ask(postgres.url(), "SELECT 1") == 1


async def test_an_interrupted_first_start_is_begun_again(tmp_path: Path) -> None:
    half_made = tmp_path / "postgres.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    server = a_postgres(tmp_path)
    server.start()
    try:
        assert await ask(server.url(), "SELECT 1") == 1
    finally:
        server.kill()


def test_a_taken_port_is_refused_with_the_setting_to_change(postgres: Postgres, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for server in (
        Postgres(other / "postgres", postgres.port, password="x", log=other / "log"),
        Nats(other / "nats", postgres.port, log=other / "log"),
    ):
        name = "HUYING_POSTGRES_PORT" if isinstance(server, Postgres) else "HUYING_NATS_PORT"
        with pytest.raises(Refusal, match=rf"port {postgres.port} is taken.*set {name} to a free port"):
            server.start()


def test_a_server_that_cannot_start_is_refused_with_its_last_words(first_start: Path, tmp_path: Path) -> None:
    shutil.copytree(first_start, tmp_path / "postgres")
    server = Postgres(
        tmp_path / "postgres", free_port(), password="x", log=tmp_path / "log", settings={"jit": "perhaps"}
    )
    with pytest.raises(Refusal, match=r"PostgreSQL did not start: .*jit.* requires a Boolean value"):
        server.start()
    assert not server.running


def test_data_of_another_postgres_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(Refusal, match="made by PostgreSQL 16"):
        a_postgres(tmp_path).start()


async def test_binaries_only_their_owner_can_read_are_copied_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "CACHES", (tmp_path / "cache",))
    copy = installation._copied(installation._packaged())
    assert installation._copied(installation._packaged()) == copy
    assert all(path.is_symlink() or path.stat().st_mode & 0o004 for path in (tmp_path / "cache").rglob("*"))
    for name in ("initdb", "postgres"):
        assert b"18" in subprocess.run([copy / "bin" / name, "--version"], capture_output=True, check=True).stdout


async def test_a_service_owns_its_schema_and_sees_no_other(postgres: Postgres) -> None:
    urls = await ensure_roles(postgres, {"intake": "one", "router": "t'wo"})
    assert await ensure_roles(postgres, {"intake": "one", "router": "t'wo"}) == urls
    await ask(urls["intake"], "CREATE TABLE cases (n int)", "SELECT 1")
    assert await ask(urls["intake"], "SELECT count(*) FROM intake.cases") == 0
    for forbidden in ("SELECT count(*) FROM intake.cases", "CREATE TABLE intake.x ()", "CREATE TABLE public.x ()"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(urls["router"], forbidden)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(postgres.url("postgres", "router", "t'wo"), "SELECT 1")


async def test_nats_keeps_messages_over_kill_and_restart(bus: Nats) -> None:
    assert await publish(bus.url) == 1
    bus.kill()
    bus.start()
    assert await publish(bus.url) == 2
    bus.restart()
    assert await publish(bus.url) == 3


async def test_a_bus_that_outlived_its_supervisor_is_replaced(bus: Nats) -> None:
    await publish(bus.url)
    next_run = Nats(bus.store_dir, bus.port, log=bus.store_dir / "log", monitor_port=free_port())
    next_run.start()
    try:
        assert not bus.running
        assert await publish(next_run.url) == 2
    finally:
        next_run.kill()


def test_nats_wants_the_password(bus: Nats) -> None:
    with socket.create_connection(("127.0.0.1", bus.port), timeout=5) as link, link.makefile("rb") as lines:
        link.sendall(b'CONNECT {"user": "huying", "pass": "guess"}\r\nPING\r\n')
        assert b"Authorization Violation" in lines.read()


def test_a_nats_password_that_urls_would_change_is_not_accepted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no escaping"):
        Nats(tmp_path, free_port(), log=tmp_path / "log", user="huying", password="p@ss/word")


async def test_a_cluster_goes_on_when_one_of_three_nodes_dies(tmp_path: Path) -> None:
    with Nats.cluster(tmp_path) as cluster:
        victim, witness, _ = cluster.nodes
        assert await publish(victim.url, replicas=3, patient_with=witness) == 1
        victim.kill()
        # A message whose answer died with the leader may be there as well.
        assert await publish(witness.url, patient_with=witness) >= 2
