"""The clients of a demonstration, each speaking HTTP as the real one would."""

import asyncio
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from deploy.demo.messages import Message
from deploy.demo.pictures import VARIANTS, photo

CREATED, UNAUTHENTICATED, CONFLICT = 201, 401, 409
PATIENCE = 40
"""Times a client repeats what was answered with `Retry-After`."""


class Refused(Exception):
    """The system said no where the demonstration needed a yes; the text is the problem it gave."""


async def answered(http: httpx.AsyncClient, method: str, path: str, **call: Any) -> httpx.Response:
    """The answer; asks again after `Retry-After` as every client should. Raises `Refused`."""
    for _ in range(PATIENCE):
        answer = await http.request(method, path, **call)
        if answer.is_success:
            return answer
        if "Retry-After" not in answer.headers:
            break
        await asyncio.sleep(min(1.0, float(answer.headers["Retry-After"]) / 4))
    raise Refused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")


@dataclass
class Receipt:
    case_id: str
    case_no: str
    code: str


class Doors:
    """Submits messages: the mini-program with photos, the operator's desk, the mailbox."""

    def __init__(self, http: httpx.AsyncClient, operator_key: str, chance: random.Random) -> None:
        self._http, self._chance = http, chance
        self._operator = {"Authorization": f"Bearer {operator_key}"}

    async def submit(self, message: Message, number: int) -> Receipt:
        door = {"wechat": self._mini_program, "phone": self._call, "mailbox": self._letter}[message.door]
        answer = await door(message, number)
        body = answer.json()
        return Receipt(body["case_id"], body["case_no"], body["look_up_code"])

    def _form(self, message: Message) -> dict[str, Any]:
        form: dict[str, Any] = {"text": message.text}
        if message.title:
            form["title"] = message.title
        if message.area_code:
            form["place"] = {"area_code": message.area_code}
        return form

    async def _mini_program(self, message: Message, number: int) -> httpx.Response:
        code = f"demo-citizen{number % 40}.{uuid4().hex[:8]}"
        session = await answered(self._http, "POST", "/v1/sessions/wechat", json={"code": code})
        citizen = {"Authorization": f"Bearer {session.json()['token']}"}
        form = self._form(message)
        if message.with_photo:
            picture = photo(cleaned=False, variant=number % VARIANTS)
            sent = await answered(
                self._http,
                "POST",
                "/v1/attachments",
                files={"file": ("photo.jpg", picture, "image/jpeg")},
                headers=citizen,
            )
            form["attachments"] = [sent.json()["attachment_id"]]
        headers = {**citizen, "Idempotency-Key": uuid4().hex}
        return await answered(self._http, "POST", "/v1/cases", json=form, headers=headers)

    async def _call(self, message: Message, number: int) -> httpx.Response:
        form = self._form(message) | {
            "call_id": uuid4().hex,
            "caller": {"phone": f"138{self._chance.randrange(10**8):08d}", "name": f"市民{number % 90 + 10}"},
        }
        if message.hours_ago:
            form["received_at"] = (datetime.now(UTC) - timedelta(hours=message.hours_ago)).isoformat()
        headers = {**self._operator, "Idempotency-Key": uuid4().hex}
        return await answered(self._http, "POST", "/v1/calls", json=form, headers=headers)

    async def _letter(self, message: Message, number: int) -> httpx.Response:
        # One address may send only so many letters an hour; a demonstration has one address, a district has many.
        form = self._form(message) | {"sender": {"name": f"来信人{number % 90 + 10}"}}
        answer = await self._http.post("/v1/letters", json=form, headers={"Idempotency-Key": uuid4().hex})
        if answer.status_code == CREATED:
            return answer
        return await self._call(message, number)


class Desk:
    """A member of staff who is logged in, and logs in again when the session has run out."""

    def __init__(self, http: httpx.AsyncClient, login: str, password: str) -> None:
        self._http, self._who = http, {"login": login, "password": password}
        self._headers: dict[str, str] = {}

    async def log_in(self) -> None:
        answer = await answered(self._http, "POST", "/v1/staff/sessions", json=self._who)
        self._headers = {"Authorization": f"Bearer {answer.json()['token']}"}

    async def call(self, method: str, path: str, **call: Any) -> httpx.Response:
        if not self._headers:
            await self.log_in()
        try:
            return await answered(self._http, method, path, headers=self._headers, **call)
        except Refused as refused:
            if f": {UNAUTHENTICATED} " not in str(refused):
                raise
        await self.log_in()
        return await answered(self._http, method, path, headers=self._headers, **call)

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer = await self.call("GET", path, params=query)
        return dict(answer.json())

    async def post(self, path: str, body: object = None) -> dict[str, Any]:
        answer = await self.call("POST", path, **({} if body is None else {"json": body}))
        return dict(answer.json())

    async def upload(self, order_id: str, kind: str, picture: bytes) -> str:
        answer = await self.call(
            "POST",
            "/v1/photos",
            data={"order_id": order_id, "kind": kind},
            files={"file": (f"{kind}.jpg", picture, "image/jpeg")},
        )
        return str(answer.json()["photo_id"])
