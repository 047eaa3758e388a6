"""What an operator meets when starting, stopping and starting again."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.eventually import eventually
from tests.support.system import ROOT, RunningSystem

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


@pytest.mark.timeout(240)
def test_data_outlives_ctrl_c_and_a_killed_supervisor(tmp_path: Path) -> None:
    system = RunningSystem(tmp_path / "var")
    try:
        system.start()
        case = httpx.post(
            f"{system.url}/v1/letters", json={"text": "和平社区门口的路灯坏了三天。"}, trust_env=False
        ).json()
        assert system.signal(signal.SIGINT) == 0
        assert eventually(lambda: system.leftovers() == [])

        system.start()
        assert looked_up(system, case)
        assert system.process is not None
        started = set(system.state["pids"].values())
        system.process.kill()  # the supervisor alone: what it started ends by itself
        system.process.wait()
        assert eventually(lambda: not any(psutil.pid_exists(pid) for pid in started))

        system.start()
        assert looked_up(system, case)
    finally:
        system.stop()


def looked_up(system: RunningSystem, case: dict[str, str]) -> bool:
    def look() -> bool:
        headers = {"X-Lookup-Code": case["look_up_code"]}
        answer = httpx.get(f"{system.url}/v1/progress/{case['case_no']}", headers=headers, trust_env=False)
        return answer.status_code == 200

    return eventually(look, seconds=20)


def refused(environment: dict[str, str], *command: str) -> str:
    """The one line a start ends with."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.standalone.up", *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("Cannot start")]
    return line


def test_a_taken_port_is_named_with_the_setting_that_moves_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused({"HUYING_HOME": str(tmp_path / "var"), "HUYING_PORT": str(port)})
    assert str(port) in line
    assert "HUYING_PORT" in line


def test_a_var_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    line = refused({"HUYING_HOME": str(tmp_path / "var")})
    assert "HUYING_HOME" in line


def test_a_setting_that_is_no_number_is_named(tmp_path: Path) -> None:
    assert "HUYING_PORT" in refused({"HUYING_HOME": str(tmp_path / "var"), "HUYING_PORT": "eighty"})


def test_a_python_that_is_too_old_is_told_so_by_make(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    # An interpreter that says it is 3.9: the Makefile asks it before anything is installed.
    old.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = (3, 9, 1); exec(sys.argv[1])" "$2"\n'
    )
    old.chmod(0o755)
    copy = tmp_path / "clone"
    copy.mkdir()
    (copy / "Makefile").write_text((ROOT / "Makefile").read_text("utf-8"))
    done = subprocess.run(
        ["make", "install", f"PYTHON={old}"], cwd=copy, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "Python 3.12 or newer is needed" in done.stderr + done.stdout
