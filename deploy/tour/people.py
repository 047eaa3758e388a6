"""Owns who takes part in a tour, each speaking HTTP as they would: members of staff, and the telephone platform."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

UNAUTHENTICATED, UNKNOWN, CONFLICT, UNAVAILABLE = 401, 404, 409, 503
PATIENCE_SECONDS = 90.0


class Refused(Exception):
    """The system said no where the tour needed a yes; the text is what it said."""


class Official:
    """A member of staff, who logs in again when the session has run out."""

    def __init__(self, http: httpx.Client, login: str, password: str) -> None:
        self._http, self._who = http, {"login": login, "password": password}
        self._token = ""

    def ask(self, method: str, path: str, *, kind: str = "", **call: Any) -> httpx.Response:
        """Whatever the answer is; `kind` is the media type of the content that is sent."""
        answer = self._asked(method, path, kind, call) if self._token else None
        if answer is None or answer.status_code == UNAUTHENTICATED:
            self._token = str(_good(self._http.post("/v1/staff/sessions", json=self._who)).json()["token"])
            answer = self._asked(method, path, kind, call)
        return answer

    def _asked(self, method: str, path: str, kind: str, call: Mapping[str, Any]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}", **({"Content-Type": kind} if kind else {})}
        return self._http.request(method, path, headers=headers, **call)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        return dict(_good(self.ask("GET", path, params=query)).json())

    def post(self, path: str, body: object = None) -> dict[str, Any]:
        call: dict[str, Any] = {} if body is None else {"json": body}
        return dict(_good(self.ask("POST", path, **call)).json())

    def upload(self, order_id: str, kind: str, picture: bytes) -> str:
        """A photo beside an order or a task; waits until the reply has heard of it."""
        form: dict[str, Any] = {
            "data": {"order_id": order_id, "kind": kind},
            "files": {"file": ("photo.jpg", picture, "image/jpeg")},
        }
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := self.ask("POST", "/v1/photos", **form)).status_code in (UNKNOWN, CONFLICT, UNAVAILABLE):
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        return str(_good(answer).json()["photo_id"])

    def until(self, method: str, path: str, body: object) -> dict[str, Any]:
        """Once more while the answer is that news is still on its way (a photo that was just taken)."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := self.ask(method, path, json=body)).status_code == CONFLICT and time.monotonic() < deadline:
            if "photo" not in answer.json()["type"]:
                break
            time.sleep(0.2)
        return dict(_good(answer).json())

    def fetch(self, path: str, **query: Any) -> bytes:
        return _good(self.ask("GET", path, params=query)).content

    def find(self, path: str) -> dict[str, Any]:
        """Waits until it is there: what the register took reaches the desk a moment later."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := self.ask("GET", path)).status_code == UNKNOWN and time.monotonic() < deadline:
            time.sleep(0.1)
        return dict(_good(answer).json())


@dataclass(frozen=True, slots=True)
class Call:
    """A call to 12345, as its operator wrote it down."""

    text: str
    title: str
    area: str
    said: str | None
    """The category the operator chose."""
    change: str = ""
    """Which change of the catalogue it is about."""
    type_code: str | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Call":
        return cls(row["text"], row["title"], row["area"], row.get("said"), row.get("change", ""), row.get("type"))


class Platform:
    """The telephone platform of 12345, which posts calls with its key."""

    def __init__(self, http: httpx.Client, key: str) -> None:
        self._http, self._headers = http, {"Authorization": f"Bearer {key}"}

    def post(self, call: Call, number: int) -> dict[str, str]:
        """Answers the receipt: case id, case number and look-up code."""
        place = {"area_code": call.area} if call.area else {}
        form: dict[str, Any] = {"text": call.text, "title": call.title, "place": place}
        form |= {"type_code": call.type_code} if call.type_code else {}
        form |= {"category_code": call.said} if call.said else {}
        form |= {"call_id": uuid4().hex, "caller": {"phone": f"138{number:08d}", "name": "导览来电人"}}
        headers = {**self._headers, "Idempotency-Key": uuid4().hex}
        return dict(_good(self._http.post("/v1/calls", json=form, headers=headers)).json())


def _good(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise Refused(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
    return answer
