"""The tour of the desk, as a newcomer runs it: a system of its own, and a file that says what was seen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.system import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


@pytest.mark.timeout(400)
@pytest.mark.slow
def test_the_tour_of_the_desk_shows_everything_a_work_order_can_do(tmp_path: Path) -> None:
    """INVARIANT: every action goes through the doors of a running system. Breaks when one of them is refused there."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.tour", "desk"],
        cwd=tmp_path,  # no system runs here, and what it writes stays here
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads((tmp_path / "build/tour/desk.json").read_text("utf-8"))
    assert [sentence for sentence, held in seen["checks"].items() if not held] == []
    assert len(seen["cases"]) >= 12
    assert {case["log_broken_at"] for case in seen["cases"].values()} == {None}
    assert not (tmp_path / "var").exists()
