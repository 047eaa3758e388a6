"""The ports notices leave through: what a messenger promises, and the visible outbox that stands in for all of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

import httpx
from sqlalchemy.dialects.postgresql import insert as upsert

from services.feedback.contacts import masked
from services.feedback.domain.channel import Way
from services.feedback.domain.composing import Composed
from services.feedback.domain.notice import Channel
from services.feedback.store import Tx
from services.feedback.tables import outbox_messages
from shared.db import Begin


@dataclass(frozen=True, slots=True)
class Message:
    """One notice on its way; `notice_id` is what a provider may use to notice a repetition."""

    notice_id: UUID
    channel: Channel
    point: str
    """Telephone number, openid or mail address; empty for a unit's desk."""
    content: Composed
    at: datetime
    provider_template: str = ""
    """The id the provider gave the template on approval."""
    case_id: UUID | None = None
    case_no: str = ""
    citizen_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a provider said.

    `sent`: it has the message. `calling`: a clerk has it. `refused`: this person cannot be reached this way (WeChat
    43101: has declined). `later`: certainly not sent, try again. `unknown`: it may have the message, nobody can tell.
    """

    state: Literal["sent", "calling", "refused", "later", "unknown"]
    reason: str = ""
    """A code for the ledger; never holds a contact point."""
    provider_id: str | None = None
    """The provider's own number for the message."""
    spent: bool = False
    """The reader's consent is gone (WeChat 43101)."""


class Messenger(Protocol):
    way: Way
    repeatable: bool
    """Sending the same message again changes nothing, because the receiver knows `notice_id`."""

    askable: bool
    """The provider can be asked for what became of a message by `notice_id`."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """One outcome for each message, in order; never raises for a single one."""

    async def ask(self, message: Message) -> Outcome | None:
        """What became of a message whose sender died or was left without an answer; None when that cannot be known."""


class OutboxMessenger:
    """Writes what would be sent where staff can look at it. A repetition changes nothing."""

    way = Way()
    repeatable = True
    askable = False

    def __init__(self, begin: Begin[Tx]) -> None:
        self._begin = begin

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        async with self._begin() as tx:
            await tx.connection.execute(upsert(outbox_messages).on_conflict_do_nothing(), list(map(_row, messages)))
        return [Outcome("sent")] * len(messages)

    async def ask(self, message: Message) -> Outcome | None:  # noqa: ARG002  a repetition says it
        return None


class Desk:
    """A unit's notices lie on its desk (`GET /v1/notices/desk`) as soon as they are written: nothing leaves the house."""

    way = Way()
    repeatable = True
    askable = False

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        return [Outcome("sent")] * len(messages)

    async def ask(self, message: Message) -> Outcome | None:  # noqa: ARG002  a repetition says it
        return None


def _row(message: Message) -> dict[str, Any]:
    return {
        "notice_id": message.notice_id,
        "channel": message.channel,
        "recipient": masked(message.channel, message.point),
        "title": message.content.title,
        "body": message.content.body,
        "fields": dict(message.content.fields),
        "created_at": message.at,
    }


async def answered(call: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response | Outcome:
    """The provider's answer, or what its absence means: a connection never made took nothing with it."""
    try:
        return await call()
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        return Outcome("later", type(error).__name__)
    except httpx.HTTPError as error:
        return Outcome("unknown", type(error).__name__)


type Messengers = Mapping[Channel, Messenger]
