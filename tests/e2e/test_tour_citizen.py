"""The tour of the citizen on a running system, and a crawler that reads everything the public and citizens may read."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.eventually import eventually
from tests.support.system import ROOT, RunningSystem

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

NAME, PHONE, MAIL = "欧阳晓春", "13912345678", "chunxiao@example.org"
OTHER_NAME, OTHER_PHONE = "司徒建国", "13887654321"
INTERNAL = (
    "三定",
    "内部记录",
    "退件",
    "wrong_duty",
    "handling_note",
    "internal_note",
    "reasons",
    "confidence",
    "openid",
)
RULES = "/v1/catalogue"
"""The rules anybody may read, which name what units can do and speak of no case."""
_NUMBER = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")
_PARAMETER = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def toured(system: RunningSystem, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the tour wrote about its walk through the running system."""
    folder = tmp_path_factory.mktemp("tour")
    done = subprocess.run(
        [sys.executable, "-m", "deploy.tour", "citizen"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HUYING_HOME": str(system.home)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen: dict[str, Any] = json.loads((Path(folder) / "build/tour/citizen.json").read_text("utf-8"))
    return seen


@pytest.mark.timeout(300)
def test_the_tour_of_the_citizen_shows_what_it_promises(toured: dict[str, Any]) -> None:
    assert [sentence for sentence, held in toured["checks"].items() if not held] == []
    assert {"accepted", "replied", "reworked"} <= set(toured["notices"])
    assert toured["final"]["closed"]


class Crawler:
    """Reads every GET the public and one citizen have, with all values it knows for their parameters."""

    def __init__(self, http: httpx.Client, values: dict[str, list[str]]) -> None:
        self._http, self._values = http, values
        self.read: dict[str, str] = {}

    def walk(self, service: str, headers: dict[str, str], who: str) -> None:
        document = self._http.get(f"/{service}/openapi.json").json()
        for path, verbs in document["paths"].items():
            if (
                path.startswith("/v1/")
                and "get" in verbs
                and not path.startswith(RULES)
                and not path.endswith("/stream")
            ):
                for address in self._addresses(path):
                    answer = self._http.get(address, headers=headers)
                    assert answer.status_code < 500, address
                    if "json" in answer.headers.get("content-type", ""):
                        self.read[f"{who} {address}"] = answer.text

    def _addresses(self, path: str) -> Iterator[str]:
        names = _PARAMETER.findall(path)
        if not names:
            yield path
            return
        for value in self._values.get(names[0], [str(uuid4())]):
            yield path.replace("{" + names[0] + "}", value)


@pytest.mark.timeout(300)
def test_a_crawler_finds_nobody_and_nothing_internal(system: RunningSystem, toured: dict[str, Any]) -> None:
    """INVARIANT: what the public and citizens may read holds no number, name or openid but their own, no word of the
    units among themselves, and no other person's case.
    """
    with httpx.Client(base_url=system.url, timeout=30, trust_env=False) as http:
        mine, other = citizen(http, "mine"), citizen(http, "other")
        http.put("/v1/sessions/person", json={"name": OTHER_NAME, "phone": OTHER_PHONE}, headers=other)
        numbers = [submitted(http, who, text) for who, text in (
            (mine, f"楼道灯坏了，请联系{NAME}，电话{PHONE}，邮箱{MAIL}"), (other, "别人反映的事项，请勿公开"),
        )]  # fmt: skip
        code = {"X-Lookup-Code": numbers[0]["look_up_code"]}
        eventually(lambda: http.get(f"/v1/progress/{numbers[0]['case_no']}", headers=code).is_success, seconds=30)
    cases = [receipt["case_no"] for receipt in (*numbers, *toured["receipts"])]
    values = {"case_no": cases, "case_id": [receipt["case_id"] for receipt in numbers]}
    with httpx.Client(base_url=system.url, timeout=30, trust_env=False) as http:
        crawler = Crawler(http, values)
        for service in ("intake", "feedback", "router", "sla"):
            for who, headers in (("nobody", {}), ("code", code), ("citizen", mine)):
                crawler.walk(service, headers, who)
    mine_no, strangers = cases[0], cases[1:]
    assert any(mine_no in text for text in crawler.read.values())
    own = {key for key in crawler.read if key.startswith("citizen ") and key.endswith(f"/v1/cases/{mine_no}")}
    for key, text in crawler.read.items():
        if key not in own:  # what they sent themselves they read as they sent it
            assert not _NUMBER.search(text), key
            assert NAME not in text, key
            assert MAIL not in text, key
        assert [word for word in (*INTERNAL, OTHER_NAME, OTHER_PHONE) if word in text] == [], key
        assert "别人反映的事项" not in text, key
        assert [number for number in strangers if number in text] == [], key


def citizen(http: httpx.Client, name: str) -> dict[str, str]:
    session = http.post("/v1/sessions/wechat", json={"code": f"demo-{name}.{uuid4().hex[:8]}"})
    return {"Authorization": f"Bearer {session.json()['token']}"}


def submitted(http: httpx.Client, who: dict[str, str], text: str) -> dict[str, Any]:
    answer = http.post("/v1/cases", json={"text": text}, headers={**who, "Idempotency-Key": uuid4().hex})
    receipt: dict[str, Any] = answer.json()
    return receipt
