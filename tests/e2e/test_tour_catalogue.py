"""The tour of the catalogue, as a newcomer runs it: a system of its own, and a file that says what was seen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.system import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


@pytest.mark.timeout(240)
def test_the_tour_of_the_catalogue_shows_what_it_promises(tmp_path: Path) -> None:
    """INVARIANT: a case keeps the version it was filed under. Breaks when a new version rewrites what was judged."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.tour", "catalogue"],
        cwd=tmp_path,  # no system runs here, and what it writes stays here
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads((tmp_path / "build/tour/catalogue.json").read_text("utf-8"))
    assert [sentence for sentence, held in seen["checks"].items() if not held] == []
    assert len(seen["checks"]) == 22
    named = {(one["sheet"], one["column"]) for one in seen["broken"]["mistakes"] if one["found"] and one["zh"]}
    assert named == {
        ("小类", "编码"),
        ("小类", "名称"),
        ("小类", "承办单位类别"),
        ("立结案标准", "时限"),
        ("立结案标准", "立案条件"),
    }
    before, after = seen["switch"]["before"], seen["switch"]["after"]
    assert {one["edition"] for one in before} == {seen["in_force"]}
    assert {one["edition"] for one in after} == {seen["version"]}
    assert seen["withdrawal"] == {"status": 409, "type": "urn:huying:problem:version-in-force"}
    assert not (tmp_path / "var").exists()
