"""The ports notices leave through: a visible outbox by default, mail by SMTP where a server is set."""

import asyncio
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Literal, Protocol
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert as upsert

from services.feedback.contacts import masked
from services.feedback.domain.notice import Channel, Composed
from services.feedback.store import Tx
from services.feedback.tables import outbox_messages
from shared.db import Begin

_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Message:
    """One notice on its way; `notice_id` is what a provider may use to notice a repetition."""

    notice_id: UUID
    channel: Channel
    point: str
    """Telephone number, openid or mail address."""
    content: Composed
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """`refused`: this person cannot be reached this way (WeChat 43101: has declined). `later`: try again."""

    state: Literal["sent", "refused", "later"]
    reason: str = ""
    """A code for the ledger; never holds a contact point."""


class Messenger(Protocol):
    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """One outcome for each message, in order; never raises for a single one."""


class OutboxMessenger:
    """Writes what would be sent where staff can look at it. A repetition changes nothing."""

    def __init__(self, begin: Begin[Tx]) -> None:
        self._begin = begin

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        async with self._begin() as tx:
            await tx.connection.execute(upsert(outbox_messages).on_conflict_do_nothing(), list(map(_row, messages)))
        return [Outcome("sent")] * len(messages)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    host: str
    port: int
    starttls: bool
    user: str
    password: str
    sender: str


class SmtpMessenger:
    """Mail through one server, in a thread: the standard library's client blocks."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        return await asyncio.to_thread(self._deliver, messages)

    def _deliver(self, messages: Sequence[Message]) -> list[Outcome]:
        try:
            with smtplib.SMTP(self._server.host, self._server.port, timeout=_SECONDS) as link:
                if self._server.starttls:
                    link.starttls(context=ssl.create_default_context())
                if self._server.user:
                    link.login(self._server.user, self._server.password)
                return [self._one(link, message) for message in messages]
        except (OSError, smtplib.SMTPException) as error:
            return [Outcome("later", type(error).__name__)] * len(messages)

    def _one(self, link: smtplib.SMTP, message: Message) -> Outcome:
        mail = EmailMessage()
        mail["From"], mail["Subject"] = self._server.sender, message.content.title
        try:
            mail["To"] = message.point
            # The same id again is the same mail to a careful server.
            mail["Message-ID"] = f"<{message.notice_id}@{self._server.sender.rpartition('@')[2]}>"
            mail.set_content(message.content.body)
            link.send_message(mail)
        except (smtplib.SMTPRecipientsRefused, ValueError) as error:
            return Outcome("refused", type(error).__name__)
        except (OSError, smtplib.SMTPException) as error:
            return Outcome("later", type(error).__name__)
        return Outcome("sent")


def messengers(begin: Begin[Tx], mail: MailServer | None) -> Mapping[Channel, Messenger]:
    """SMS and WeChat get adapters of their own when their providers are chosen; until then they are written down."""
    written_down = OutboxMessenger(begin)
    return {
        "wechat": written_down,
        "sms": written_down,
        "mail": SmtpMessenger(mail) if mail is not None else written_down,
    }
