"""Text messages through a gateway of the district's own: one POST a message, signed, repeated safely (docs/notices.md)."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime

import httpx
import orjson

from services.feedback.domain.channel import Way
from services.feedback.messengers import Message, Outcome, answered

AT_ONCE = 20
_TOO_MANY, _CONFLICT, _SERVER = 429, 409, 500
_OLD = 300


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """As Standard Webhooks has it: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`."""
    told = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret.encode(), told, hashlib.sha256)).decode()


def genuine(secret: str, headers: dict[str, str], body: bytes, *, at: datetime) -> bool:
    """Whether the other side signed this within the last minutes."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(at.timestamp() - int(timestamp)) > _OLD:
        return False
    expected = signature(secret, message_id, int(timestamp), body)
    return any(hmac.compare_digest(expected, each) for each in headers.get("webhook-signature", "").split())


class GatewaySms:
    """The notice's id is `webhook-id` and `Idempotency-Key`: the gateway sends each id once, whatever is repeated."""

    way = Way(real=True)
    repeatable = True
    askable = False

    def __init__(
        self, http: httpx.AsyncClient, *, url: str, secret: str, signature: str, signed_at: Callable[[], datetime]
    ) -> None:
        self._http, self._url, self._secret = http, url, secret
        self._signature, self._signed_at = signature, signed_at

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        seats = asyncio.Semaphore(AT_ONCE)

        async def seated(message: Message) -> Outcome:
            async with seats:
                return await self._one(message)

        return await asyncio.gather(*map(seated, messages))

    async def ask(self, message: Message) -> Outcome | None:  # noqa: ARG002  a repetition says it
        return None

    async def _one(self, message: Message) -> Outcome:
        body = orjson.dumps(
            {
                "id": str(message.notice_id),
                "phone": message.point,
                "signature": self._signature,
                "text": message.content.body,
                "parameters": dict(message.content.parameters),
                "segments": message.content.segments,
            }
        )
        stamp, name = int(self._signed_at().timestamp()), str(message.notice_id)
        headers = {
            "content-type": "application/json",
            "idempotency-key": name,
            "webhook-id": name,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature(self._secret, name, stamp, body),
        }
        answer = await answered(lambda: self._http.post(self._url, content=body, headers=headers))
        if isinstance(answer, Outcome):
            return answer
        status = answer.status_code
        if answer.is_success or status == _CONFLICT:  # it has this id already
            return Outcome("sent", provider_id=f"gateway:{name}")
        passing = status == _TOO_MANY or status >= _SERVER
        return Outcome("later" if passing else "refused", f"HTTP {status}")
