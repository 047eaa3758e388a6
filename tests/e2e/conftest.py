"""One system per test module, started as its user would."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.system import RunningSystem


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    running = RunningSystem(Path(tmp_path_factory.mktemp("home")) / "var")
    try:
        running.start()
        yield running
    finally:
        running.stop()
