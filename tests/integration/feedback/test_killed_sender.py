"""A worker killed in the middle of sending: nothing is sent twice, nothing is lost, and what cannot be known is seen."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from services.feedback.providers.aliyun import AliyunSms
from services.feedback.providers.fake_sms import FakeAliyun, FakeGateway, FakeTencent
from services.feedback.providers.gateway import GatewaySms
from services.feedback.providers.tencent import TencentSms
from shared.clock import RealClock
from tests.integration.feedback.conftest import NOW, SEALING, SIGNING, House, begun, key
from tests.integration.feedback.providers import PHONE, client_of, connected, ledger, register

SIGNATURE, SECRET = "坪山民生诉求", "secret-of-the-gateway"


@dataclass
class Silent:
    """A provider that takes messages and never answers."""

    heard: asyncio.Event = field(default_factory=asyncio.Event)
    bodies: list[bytes] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        self.bodies.append(await reader.readexactly(int(lines[b"content-length"])))
        self.heard.set()
        await reader.read()  # until the caller is gone
        writer.close()


@asynccontextmanager
async def silent() -> AsyncIterator[tuple[Silent, str]]:
    provider = Silent()
    door = await asyncio.start_server(provider.talk, "127.0.0.1", 0)
    try:
        yield provider, f"http://127.0.0.1:{door.sockets[0].getsockname()[1]}"
    finally:
        door.close()


async def killed_while_sending(house: House, nats_url: str, **settings: str) -> bytes:
    """A real worker process, on the same database, killed with the provider's answer still outstanding."""
    async with silent() as (provider, url):
        own = house.context.settings
        environment = {
            "FEEDBACK_DATABASE_URL": own.database_url.get_secret_value(),
            "FEEDBACK_NATS_URL": nats_url,
            "FEEDBACK_BUS_PREFIX": own.bus_prefix,
            "FEEDBACK_TOKEN_KEYS": json.dumps({"keys": [SIGNING.as_dict(private=False)]}),
            "FEEDBACK_LOOK_UP_KEY": key("l"),
            "FEEDBACK_SEAL_KEY": json.dumps(SEALING.as_dict(private=True)),
            "FEEDBACK_VAULT_KEYS": f"a:{key('a')}",
            "FEEDBACK_VAULT_CURRENT": "a",
            "FEEDBACK_PHOTOS_URL": "memory://",
            "FEEDBACK_CLOCK": f"accelerated:{RealClock().now().timestamp()}:{NOW.isoformat()}:1",
            "FEEDBACK_SMS_URL": url,
            "FEEDBACK_SMS_SIGNATURE": SIGNATURE,
            **settings,
        }
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.feedback",
            "worker",
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await asyncio.wait_for(provider.heard.wait(), 60)
        finally:
            worker.send_signal(signal.SIGKILL)
            await worker.wait()
        return provider.bodies[0]


async def waiting(house: House) -> None:
    case = await begun(house)
    await house.contact(case.citizen_id, phone=PHONE)
    await register(house, "sms", accepted="SMS_1")


async def test_a_gateway_gets_the_message_of_a_dead_worker_again_under_the_same_id(house: House, nats_url: str) -> None:
    """INVARIANT: exactly once at a receiver that knows the notice's id, whatever dies in between."""
    await waiting(house)
    first = await killed_while_sending(house, nats_url, FEEDBACK_SMS_PROVIDER="gateway", FEEDBACK_SMS_SECRET=SECRET)
    [row] = await house.rows("SELECT state, notice_id FROM notices")
    assert row.state == "sending"
    house.clock.advance(minutes=3)
    fake = FakeGateway(secret=SECRET, sent={str(row.notice_id): {}})
    async with client_of(fake.app()) as http:
        messenger = GatewaySms(
            http, url="http://provider.test/sms", secret=SECRET, signature=SIGNATURE, signed_at=RealClock().now
        )
        await connected(house, sms=messenger).run_once()
    assert json.loads(first)["id"] == str(row.notice_id)
    assert (fake.asked, list(fake.sent)) == (1, [str(row.notice_id)])
    assert await ledger(house) == [("accepted:1", "sent", "sms", "")]
    assert [event.type for event in await house.emitted()] == ["notice.sent.v1"]


@pytest.mark.parametrize("taken", [True, False])
async def test_alibaba_is_asked_what_became_of_the_message_of_a_dead_worker(
    house: House, nats_url: str, *, taken: bool
) -> None:
    """INVARIANT: where the provider can be asked, nothing is sent twice and nothing is lost."""
    await waiting(house)
    await killed_while_sending(
        house,
        nats_url,
        FEEDBACK_SMS_PROVIDER="aliyun",
        FEEDBACK_SMS_KEY_ID="testId",
        FEEDBACK_SMS_SECRET="testSecret",
    )
    [row] = await house.rows("SELECT state, notice_id FROM notices")
    fake = FakeAliyun(templates={"SMS_1": ("case_no", "due")})
    if taken:
        fake.sent.append({"PhoneNumbers": PHONE, "OutId": str(row.notice_id)})
    async with client_of(fake.app()) as http:
        messenger = AliyunSms(
            http, key_id="testId", secret="testSecret", signature=SIGNATURE, signed_at=RealClock().now
        )
        loop = connected(house, sms=messenger)
        for _ in range(3):
            house.clock.advance(minutes=3)
            await loop.run_once()
    assert [sent["OutId"] for sent in fake.sent] == [str(row.notice_id)]
    assert (await ledger(house))[0][1:3] == ("sent", "sms")


async def test_where_nobody_can_tell_a_dead_workers_message_is_unknown_and_not_sent_again(
    house: House, nats_url: str
) -> None:
    """INVARIANT: at most once where the provider neither knows our id nor can be asked; and it is seen."""
    await waiting(house)
    await killed_while_sending(
        house,
        nats_url,
        FEEDBACK_SMS_PROVIDER="tencent",
        FEEDBACK_SMS_KEY_ID="AKIDtest",
        FEEDBACK_SMS_SECRET="s",
        FEEDBACK_SMS_APP_ID="1400006666",
    )
    fake = FakeTencent(templates={"SMS_1": 2})
    async with client_of(fake.app()) as http:
        messenger = TencentSms(
            http, key_id=fake.key_id, secret=fake.secret, signature=SIGNATURE, app_id="1", signed_at=RealClock().now
        )
        loop = connected(house, sms=messenger)
        for _ in range(3):
            house.clock.advance(minutes=3)
            await loop.run_once()
    assert fake.sent == []
    assert await ledger(house) == [("accepted:1", "unknown", "sms", "its sender did not come back")]
    [event] = await house.emitted()
    assert (event.type, event.data.state, event.data.informs) == ("notice.failed.v1", "unknown", "acceptance")
