"""What a citizen who writes to the official account is answered: how their case stands, or how to submit one."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from contracts.numbers import NotACaseNumber, parse_case_number
from services.feedback.catalogue import ChatWords
from services.feedback.ledger import Report, reported
from services.feedback.lookups import Found, LookUps
from services.feedback.store import Tx
from services.feedback.tables import chat_messages
from shared.context import Context
from shared.errors import TooMany

KEPT = timedelta(hours=1)
"""WeChat repeats a message twice within some fifteen seconds; an hour is more than any queue of theirs."""
_LONGEST_NODES = 4
_WORD = re.compile(r"[A-Z0-9]+")
_CODE_LENGTH, _HALF_CODE = 8, 4
_LIKE_A_NUMBER = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wrote, as far as it is a question for a case."""

    number: str | None
    code: str | None


def read(text: str, *, prefix: str) -> Asked:
    """Number and code out of whatever stands around them; the number's check digits say where it ends."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).upper())
    spans = [(i, j) for length in range(1, 6) for i in range(len(words) - length + 1) for j in (i + length,)]
    span = next((each for each in spans if _is_number("".join(words[slice(*each)]), prefix)), None)
    if span is None:
        # Mistyped, but meant as a number: it finds nothing, like any other wrong one.
        digits = (i for i, word in enumerate(words) if sum(letter.isdigit() for letter in word) >= _LIKE_A_NUMBER)
        first = next(digits, None)
        if first is None:
            return Asked(None, None)
        span = (first, first + 1)
    rest = [*words[: span[0]], "", *words[span[1] :]]
    pairs = [one + other for one, other in pairwise(rest) if len(one) == len(other) == _HALF_CODE]
    codes = [word for word in rest if len(word) == _CODE_LENGTH] + pairs
    return Asked("".join(words[slice(*span)]), codes[0] if codes else None)


def _is_number(text: str, prefix: str) -> bool:
    try:
        parse_case_number(text, prefix=prefix)
    except NotACaseNumber:
        return False
    return True


class Chat:
    """Answers one pushed message, and the same again when WeChat repeats it."""

    def __init__(self, look_ups: LookUps, words: ChatWords, *, key: bytes, link: str, prefix: str) -> None:
        """`key` hides who wrote; `link` is where requests are submitted."""
        self._look_ups, self._words, self._key, self._link, self._prefix = look_ups, words, key, link, prefix

    async def answer(self, tx: Tx, message: Mapping[str, str], *, now: datetime) -> str:
        """The text to say; empty says nothing. A message that is being answered elsewhere waits for that answer."""
        key = self._key_of(message)
        fresh = upsert(chat_messages).values(key=key, answer="", received_at=now).on_conflict_do_nothing()
        if not (await tx.connection.execute(fresh)).rowcount:
            found = select(chat_messages.c.answer).where(chat_messages.c.key == key)
            return str((await tx.connection.execute(found)).scalar_one())
        said = await self._said(tx, message, now)
        if said:
            statement = upsert(chat_messages).values(key=key, answer=said, received_at=now)
            await tx.connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"answer": said}))
        return said

    def _key_of(self, message: Mapping[str, str]) -> bytes:
        """WeChat: messages repeat by MsgId, events by sender and time."""
        sender, at = message.get("FromUserName", ""), message.get("CreateTime", "")
        name = message.get("MsgId") or f"{sender}\0{at}\0{message.get('Event', '')}"
        return hmac.digest(self._key, f"chat\0{name}".encode(), hashlib.sha256)

    async def _said(self, tx: Tx, message: Mapping[str, str], now: datetime) -> str:
        kind = message.get("MsgType", "")
        if kind == "event":
            return await self._event(tx, message, now)
        if kind != "text":
            return self._words.submit.format(link=self._link)
        return await self._asked(message.get("Content", "")[:500], message.get("FromUserName", ""), now)

    async def _event(self, tx: Tx, message: Mapping[str, str], now: datetime) -> str:
        event = message.get("Event", "")
        if event == "subscribe":
            return self._words.welcome.format(link=self._link)
        if event == "subscribe_msg_sent_event":
            number, code = message.get("MsgID", ""), message.get("ErrorCode", "0")
            report = Report(code == "0", f"errcode {code}"[:40], provider_id=f"wechat:{number}")
            await reported(tx, [report], now=now)
        return ""

    async def _asked(self, text: str, sender: str, now: datetime) -> str:
        words = self._words
        asked = read(text, prefix=self._prefix)
        if asked.number is None:
            return words.submit.format(link=self._link)
        if asked.code is None:
            return words.code_missing
        asking = self._look_ups.by_code(asked.number, asked.code, address=f"wechat {sender}")
        try:
            found = await self._look_ups.find(asking, now=now)
        except TooMany:
            return words.too_many
        if found is None:
            await self._look_ups.refused(asking, now=now)
            return words.not_found
        return self._told(found)

    def _told(self, found: Found) -> str:
        view: dict[str, Any] = orjson.loads(found.view)
        done = [node["text"] for node in view["nodes"] if node["state"] == "done" and node["text"]]
        lines = [
            self._words.progress.format(case_no=view["case_no"], status=view["status"]["text"]),
            *(self._words.step.format(text=text) for text in done[-_LONGEST_NODES:]),
        ]
        if view["due_text"] and not view["closed"]:
            lines.append(self._words.due.format(due=view["due_text"]))
        return "\n".join([*lines, self._words.more.format(link=self._link)])[:600]


class ForgetChat:
    """Forgets what was answered when nobody repeats it any more."""

    name = "feedback:chat"
    idle = 300.0

    def __init__(self, context: Context[Any, Tx]) -> None:
        self._context = context

    async def run_once(self) -> bool:
        before = self._context.clock.now() - KEPT
        async with self._context.begin() as tx:
            await tx.connection.execute(delete(chat_messages).where(chat_messages.c.received_at < before))
        return False

    async def close(self) -> None:
        """Nothing is held."""
