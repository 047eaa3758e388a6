"""A reply connected to providers' stand-ins: their clients call the stand-in in this very process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette

from services.feedback.app import MANIFEST
from services.feedback.delivery import Delivery
from services.feedback.domain.notice import Channel
from services.feedback.messengers import Messenger
from tests.integration.feedback.conftest import House

PHONE = "13812345678"
OPENID = "oABCDEFG1234abcdefghijklmnop"


@asynccontextmanager
async def client_of(app: Starlette, base: str = "http://provider.test") -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as http:
        yield http


def connected(house: House, **ports: Messenger) -> Delivery:
    """A deliverer of this house with these messengers instead of its own."""
    own: Mapping[Channel, Messenger] = house.context.parts["messengers"]
    house.context.parts = {**house.context.parts, "messengers": {**own, **ports}}
    return deliverer(house)


def deliverer(house: House) -> Delivery:
    return next(loop for loop in MANIFEST.loops(house.context) if isinstance(loop, Delivery))


async def register(house: House, channel: str, provider: str = "", **templates: str) -> None:
    """Approve the catalogue's texts under the provider's ids."""
    admin = house.token("staff", "root", "admin")
    for template, provider_template in templates.items():
        body: dict[str, Any] = {"provider_template": provider_template, "kind": provider or "long_term"}
        answer = await house.http.put(f"/v1/notices/templates/{channel}/{template}", json=body, headers=admin)
        assert answer.status_code == 200, answer.text


async def ledger(house: House) -> list[tuple[str, str, str | None, str]]:
    rows = await house.rows("SELECT occurrence, state, channel, reason FROM notices ORDER BY occurrence")
    return [(row.occurrence, row.state, row.channel, row.reason) for row in rows]
