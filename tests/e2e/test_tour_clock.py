"""The tour of the stopwatch, as a newcomer runs it: a month in seconds, and a file that says what was seen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.system import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


@pytest.mark.timeout(120)
def test_the_tour_of_the_stopwatch_shows_what_it_promises(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.tour", "clock"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads((tmp_path / "build/tour/clock.json").read_text("utf-8"))
    assert [sentence for sentence, held in seen["checks"].items() if not held] == []
    assert len(seen["checks"]) == 15
    assert len(seen["lives"]) == 10
    assert seen["backlog"] > 0
