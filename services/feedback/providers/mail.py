"""Mail by SMTP (RFC 5321, RFC 5322): one thread a case, and an address that leads an answer back to it."""

import asyncio
import base64
import hashlib
import hmac
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from uuid import UUID

from services.feedback.domain.channel import Way
from services.feedback.messengers import Message, Outcome

_SECONDS = 10.0
_ID_BYTES, _SEAL_BYTES = 16, 10
_TEMPORARY = range(400, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    host: str
    port: int
    starttls: bool
    user: str
    password: str
    sender: str
    reply_to: str = ""
    """Where answers go, with `+<token>` put before the @; empty asks for none."""
    key: bytes = b""
    """What the tokens are made under."""


class ReplyAddress:
    """`reply+<token>@…`: a mail sent there belongs to the case the token names, and nobody can make one up."""

    def __init__(self, address: str, key: bytes) -> None:
        self._name, _, self._domain = address.partition("@")
        self._key = key

    def of(self, case_id: UUID) -> str:
        token = base64.b32encode(case_id.bytes + self._seal(case_id.bytes)).decode().rstrip("=").lower()
        return f"{self._name}+{token}@{self._domain}"

    def case_of(self, address: str) -> UUID | None:
        """The case an answer was sent to; None for an address that is not one of ours."""
        name, _, token = address.partition("@")[0].partition("+")
        try:
            made = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
        except ValueError:
            return None
        known, seal = made[:_ID_BYTES], made[_ID_BYTES:]
        if name.lower() != self._name.lower() or len(made) != _ID_BYTES + _SEAL_BYTES:
            return None
        return UUID(bytes=known) if hmac.compare_digest(seal, self._seal(known)) else None

    def _seal(self, case_id: bytes) -> bytes:
        return hmac.digest(self._key, b"mail reply\0" + case_id, hashlib.sha256)[:_SEAL_BYTES]


class SmtpMessenger:
    """Mail through one server, in a thread: the standard library's client blocks."""

    way = Way(real=True)
    askable = False
    repeatable = False
    """The same Message-ID again is the same mail to a careful server, but SMTP promises nothing."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._reply = ReplyAddress(server.reply_to, server.key) if server.reply_to else None

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        return await asyncio.to_thread(self._deliver, messages)

    async def ask(self, message: Message) -> Outcome | None:  # noqa: ARG002  SMTP cannot be asked
        return None

    def _deliver(self, messages: Sequence[Message]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            with smtplib.SMTP(self._server.host, self._server.port, timeout=_SECONDS) as link:
                if self._server.starttls:
                    link.starttls(context=ssl.create_default_context())
                if self._server.user:
                    link.login(self._server.user, self._server.password)
                for message in messages:
                    outcomes.append(self._one(link, message))
                    if outcomes[-1].state == "unknown":
                        break  # the line is dead
        except (OSError, smtplib.SMTPException) as error:
            reason = type(error).__name__
        else:
            reason = "the line broke"
        # What was not begun was certainly not sent.
        return [*outcomes, *[Outcome("later", reason)] * (len(messages) - len(outcomes))]

    def _one(self, link: smtplib.SMTP, message: Message) -> Outcome:
        try:
            mail = self._written(message)
            link.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code = next((code for code, _ in error.recipients.values()), 0)
            return Outcome("later" if code in _TEMPORARY else "refused", f"SMTP {code}")
        except ValueError as error:
            return Outcome("refused", type(error).__name__)
        except smtplib.SMTPResponseException as error:
            return Outcome("later" if error.smtp_code in _TEMPORARY else "refused", f"SMTP {error.smtp_code}")
        except (OSError, smtplib.SMTPException) as error:
            return Outcome("unknown", type(error).__name__)
        return Outcome("sent")

    def _written(self, message: Message) -> EmailMessage:
        """Raises `ValueError` for an address that would write headers of its own."""
        mail = EmailMessage()
        domain = self._server.sender.rpartition("@")[2]
        mail["From"], mail["Subject"] = self._server.sender, message.content.title
        mail["To"] = message.point
        mail["Message-ID"] = f"<{message.notice_id}@{domain}>"
        if message.case_id is not None:
            # One root a case, so that a mail program shows its notices as one conversation in whatever order they come.
            root = f"<case.{message.case_id}@{domain}>"
            mail["In-Reply-To"], mail["References"] = root, root
            if self._reply is not None:
                mail["Reply-To"] = self._reply.of(message.case_id)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: holiday answers are not wanted
        mail.set_content(message.content.body)
        return mail
