"""One clock for a whole system: a file every process reads, moved on in steps or at a pace, never back."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.clock import main, span
from shared.clock import SharedClock, TimeRunsForward, clock_from, set_shared

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ASK = "import sys; from shared.clock import clock_from; print(clock_from(sys.argv[1]).now().isoformat())"


def test_every_process_sees_each_step_and_all_agree_to_the_second(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    set_shared(file, MONDAY)
    here = clock_from(f"shared:{file}")
    for step in (timedelta(), timedelta(hours=8), timedelta(days=30)):
        set_shared(file, here.now() + step)
        there = [
            subprocess.run([sys.executable, "-c", ASK, f"shared:{file}"], capture_output=True, text=True, check=True)
            for _ in range(2)
        ]
        assert {each.stdout.strip() for each in there} == {here.now().isoformat()}
    assert here.now() == MONDAY + timedelta(days=30, hours=8)


def test_it_stands_still_until_it_is_moved_and_runs_at_the_pace_it_is_given(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    set_shared(file, MONDAY)
    clock = SharedClock(file)
    assert clock.now() == clock.now() == MONDAY
    assert clock.seconds_until(MONDAY + timedelta(days=1)) == 1.0  # it may be moved on at any time
    assert clock.seconds_until(MONDAY) == 0.0
    set_shared(file, MONDAY, rate=60_000)
    assert clock.now() > MONDAY
    assert 0 < clock.seconds_until(clock.now() + timedelta(hours=1)) <= 0.06


def test_time_is_never_set_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "clock"
    assert main([str(file), "show"]) == 1
    assert main([str(file), "set", "2026-03-02T09:00"]) == 0
    assert main([str(file), "step", "1d2h30m"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2026-03-03T11:30:00+08:00"
    with pytest.raises(TimeRunsForward):
        set_shared(file, MONDAY)
    assert main([str(file), "set", "2026-03-02T09:00"]) == 1
    assert span("90s") == timedelta(seconds=90)
    assert SharedClock(file).now() == MONDAY + timedelta(days=1, hours=2, minutes=30)
