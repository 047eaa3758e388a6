"""One attempt to bring messages to an endpoint: to the address that was checked, and whatever it answers within a time."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpx

from services.router import targets
from services.router.signing import headers
from services.router.targets import Policy, Target
from shared.errors import DomainError

GONE = 410
LOOK_UPS = 32
"""Names looked up at once: one whose name server is silent holds a thread for longer than we wait."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt."""

    status: int | None
    error: str
    final: bool = False
    """True when no later attempt can go better."""

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004  HTTP's "success"

    @property
    def gone(self) -> bool:
        return self.status == GONE


@dataclass(frozen=True, slots=True)
class Message:
    message_id: UUID
    body: str


class Poster:
    """Posts; holds the connections and the threads that look names up."""

    def __init__(self, *, timeout: float, policy: Policy, signed_at: Callable[[], datetime]) -> None:
        """`signed_at` is the real time, whatever clock the system runs by: receivers compare it with theirs."""
        self._timeout, self._policy, self._signed_at = timeout, policy, signed_at
        # Below any client: no redirect is followed, no cookie kept, no proxy asked, which would look the host up again.
        # No limit on connections either, for which one endpoint would wait because of another.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50, keepalive_expiry=5)
        self._wire = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
        self._look_ups = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="look-up")

    async def post(self, url: str, messages: Sequence[Message], keys: Sequence[str]) -> list[Outcome]:
        """All at once, after one look-up of the host. Takes at most twice the timeout."""
        try:
            async with asyncio.timeout(self._timeout):
                target = await targets.resolve(url, policy=self._policy, pool=self._look_ups)
        except DomainError as refused:
            return [Outcome(None, refused.detail)] * len(messages)
        except TimeoutError:
            return [Outcome(None, "TimeoutError")] * len(messages)
        return list(await asyncio.gather(*(self._one(target, message, keys) for message in messages)))

    async def _one(self, target: Target, message: Message, keys: Sequence[str]) -> Outcome:
        try:
            async with asyncio.timeout(self._timeout):
                return Outcome(await self._send(target, message, keys), "")
        except Exception as error:
            return Outcome(None, type(error).__name__)

    async def _send(self, target: Target, message: Message, keys: Sequence[str]) -> int:
        """To the first of its addresses that takes a connection; signed anew, with the time of this attempt."""
        signed = headers(message.message_id, message.body, keys, at=self._signed_at())
        for ip in target.ips[:-1]:
            try:
                return await self._ask(target, ip, message.body, signed)
            except httpx.ConnectError:
                continue
        return await self._ask(target, target.ips[-1], message.body, signed)

    async def _ask(self, target: Target, ip: str, body: str, signed: dict[str, str]) -> int:
        """The answer's status; its body is not read, whatever its length."""
        request = httpx.Request(
            "POST",
            target.pinned(ip),
            content=body,
            headers={**signed, "host": target.host_header},
            extensions={"sni_hostname": target.host, "timeout": httpx.Timeout(self._timeout).as_dict()},
        )
        answer = await self._wire.handle_async_request(request)
        try:
            return answer.status_code
        finally:
            await answer.aclose()

    async def close(self) -> None:
        self._look_ups.shutdown(wait=False, cancel_futures=True)
        await self._wire.aclose()
