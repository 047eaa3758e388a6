"""The house rules, as tests: the same rooms everywhere, nothing too large, nothing unnamed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("intake", "router", "sla", "feedback")
ROOMS = (
    "README.md",
    "__init__.py",
    "__main__.py",
    "app.py",
    "settings.py",
    "store.py",
    "consumers.py",
    "migrations",
)
EITHER = (("domain.py", "domain"), ("usecases.py", "usecases"), ("api.py", "api"), ("tables.py", "tables"))
BANNED = {"utils", "helpers", "common", "misc", "manager", "base", "constants"}
LONGEST = 400
CODE = sorted(
    path
    for folder in ("services", "shared", "contracts", "deploy", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if "versions" not in path.parts
)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_rooms(service: str) -> None:
    house = ROOT / "services" / service
    assert [room for room in ROOMS if not (house / room).exists()] == []
    assert [pair for pair in EITHER if not any((house / room).exists() for room in pair)] == []


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    long = {str(p.relative_to(ROOT)): n for p in CODE if (n := len(p.read_text("utf-8").splitlines())) > LONGEST}
    assert long == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [str(p.relative_to(ROOT)) for p in CODE if p.stem in BANNED or p.parent.name in BANNED] == []


def test_every_module_opens_with_what_it_owns() -> None:
    silent = [
        str(p.relative_to(ROOT))
        for p in CODE
        if p.read_text("utf-8").strip() and not p.read_text("utf-8").lstrip().startswith(('"""', "'''"))
    ]
    assert [name for name in silent if "/migrations/" not in name] == []


def test_the_services_never_sleep_but_in_their_loops_and_tests_never_do() -> None:
    sleeping = re.compile(r"\b(time|asyncio)\.sleep\((?!0\))")
    found = [
        str(p.relative_to(ROOT))
        for p in CODE
        if sleeping.search(p.read_text("utf-8")) and p.relative_to(ROOT).parts[0] in ("services", "tests")
    ]
    # The end-to-end suite waits for other processes in one place, and the load of the benches is paced.
    assert [f for f in found if not f.startswith(("tests/support/eventually.py", "tests/bench/"))] == []


def test_no_committed_text_names_a_registry_or_a_path_of_one_machine() -> None:
    suspects = [*ROOT.glob("*.lock"), *ROOT.glob("*.toml"), ROOT / "Makefile", ROOT / "README.md"]
    bad = re.compile(r"https?://[^ ]*(pypi|npmjs|debian)|/(root|home/[a-z]+)/")
    assert [p.name for p in suspects if p.exists() and bad.search(p.read_text("utf-8"))] == []
