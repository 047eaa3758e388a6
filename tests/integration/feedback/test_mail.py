"""Mail leaves through a real SMTP conversation, and what the server says decides what happens next."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

import pytest

from services.feedback.domain.composing import Composed
from services.feedback.messengers import Message, Outcome
from services.feedback.providers.mail import MailServer, ReplyAddress, SmtpMessenger
from shared.ids import new_id
from tests.integration.feedback.conftest import NOW

KEY = b"k" * 32
CONTENT = Composed("诉求办理结果通知", "您的诉求已答复。", {})


class Server:
    """As much of RFC 5321 as a delivery needs; refuses addresses at `nowhere.test`."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                body = await reader.readuntil(b"\r\n.\r\n")
                if b"hangup@" in body:
                    break
                if b"full@" in body or b"busy@" in body:
                    writer.write(b"552 too much\r\n" if b"full@" in body else b"451 not now\r\n")
                    continue
                self.mails.append(message_from_bytes(body[:-3], policy=policy.default))
                writer.write(b"250 kept\r\n")
            elif verb == b"RCPT" and b"nowhere.test" in line:
                writer.write(b"550 no such mailbox\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 mail.test\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Server, Callable[[], SmtpMessenger]]]:
    server = Server()
    door = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    port = door.sockets[0].getsockname()[1]

    def messenger() -> SmtpMessenger:
        return SmtpMessenger(
            MailServer(
                host="127.0.0.1",
                port=port,
                starttls=False,
                user="",
                password="",
                sender="reply@huying.test",
                reply_to="answers@huying.test",
                key=KEY,
            )
        )

    try:
        yield server, messenger
    finally:
        door.close()
        await door.wait_closed()


def message(address: str, case_id: UUID | None = None) -> Message:
    return Message(new_id(), "mail", address, CONTENT, NOW, case_id=case_id)


async def test_a_mail_arrives_with_its_text_and_the_notices_id() -> None:
    async with serving() as (server, messenger):
        sent = message("li@example.test")
        assert await messenger().send([sent]) == [Outcome("sent")]
    mail = server.mails[0]
    assert (mail["Subject"], mail["To"]) == ("诉求办理结果通知", "li@example.test")
    assert mail["Message-ID"] == f"<{sent.notice_id}@huying.test>"
    assert mail.get_content().strip() == "您的诉求已答复。"


async def test_the_mails_of_a_case_are_one_conversation_and_an_answer_finds_its_case() -> None:
    case_id = new_id()
    async with serving() as (server, messenger):
        await messenger().send([message("li@example.test", case_id), message("li@example.test", case_id)])
    one, other = server.mails
    assert one["References"] == other["References"] == one["In-Reply-To"]
    assert one["Message-ID"] != other["Message-ID"]
    assert ReplyAddress("answers@huying.test", KEY).case_of(str(one["Reply-To"])) == case_id
    assert one["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(("name", "state"), [("full", "refused"), ("busy", "later"), ("hangup", "unknown")])
async def test_what_the_server_says_of_the_content_decides_what_happens_next(name: str, state: str) -> None:
    async with serving() as (_, messenger):
        [outcome] = await messenger().send([message(f"{name}@example.test")])
    assert outcome.state == state


async def test_what_was_not_begun_when_the_line_broke_was_not_sent() -> None:
    async with serving() as (server, messenger):
        outcomes = await messenger().send([message("hangup@example.test"), message("li@example.test")])
    assert [outcome.state for outcome in outcomes] == ["unknown", "later"]
    assert server.mails == []


async def test_a_refused_address_is_refused_and_the_others_still_get_theirs() -> None:
    async with serving() as (server, messenger):
        outcomes = await messenger().send([message("x@nowhere.test"), message("li@example.test")])
    assert [outcome.state for outcome in outcomes] == ["refused", "sent"]
    assert len(server.mails) == 1


async def test_an_address_that_would_write_headers_of_its_own_is_refused() -> None:
    async with serving() as (server, messenger):
        outcomes = await messenger().send([message("li@example.test\r\nBcc: all@example.test")])
    assert [outcome.state for outcome in outcomes] == ["refused"]
    assert server.mails == []


async def test_without_a_server_everything_waits() -> None:
    async with serving() as (_, messenger):
        closed = messenger()
    outcomes = await closed.send([message("li@example.test"), message("wang@example.test")])
    assert [outcome.state for outcome in outcomes] == ["later", "later"]
