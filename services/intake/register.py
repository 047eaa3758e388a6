"""The hot path: cases that arrive together are numbered, vaulted and committed together, each answered on its own."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from contracts.numbers import case_number, code_hash, new_code
from services.intake.admission import Admission, Entry
from services.intake.domain import SUBMITTED, SUBMITTED_LABEL, Submission
from services.intake.idempotency import Claim, answer_cell
from services.intake.people import Connection, Newcomer, People
from services.intake.redact import redact
from services.intake.serials import Serials
from shared.db import domain_error
from shared.groupcommit import GroupCommit
from shared.ids import new_id
from shared.vault import Cell, Vault


class Register:
    """Takes submissions; `admit` returns only after the commit that holds them."""

    def __init__(
        self,
        pool: "asyncpg.Pool[Any]",
        *,
        vault: Vault,
        people: People,
        look_up_key: bytes,
        prefix: str,
        on_events: Callable[[], Awaitable[None]],
        lanes: int = 2,
    ) -> None:
        self._pool = pool
        self._vault, self._admission = vault, Admission(vault, people)
        self._look_up_key, self._prefix, self._on_events = look_up_key, prefix, on_events
        self._serials = Serials(pool)
        self._idle: list[Connection] = []
        self._group: GroupCommit[Entry, bytes] = GroupCommit(self._flush, lanes=lanes)

    async def admit(
        self, submission: Submission, *, raw: str, claim: Claim | None, owner: str, login: UUID | None, now: datetime
    ) -> bytes:
        """The answer's JSON: number, look-up code (told only here), first node. `login`: the citizen logged in."""
        try:
            serial = await self._serials.take()
        except Exception as error:
            refused = domain_error(error)
            if refused is None:
                raise
            raise refused from error
        entry = self._entry(submission, serial, raw=raw, claim=claim, owner=owner, login=login, now=now)
        return await self._group.submit(entry)

    async def close(self) -> None:
        await self._group.close()
        while self._idle:
            await self._pool.release(self._idle.pop())

    def _entry(
        self,
        submission: Submission,
        serial: int,
        *,
        raw: str,
        claim: Claim | None,
        owner: str,
        login: UUID | None,
        now: datetime,
    ) -> Entry:
        case_id, case_no, code = new_id(), case_number(serial, now, prefix=self._prefix), new_code()
        answer = orjson.dumps(
            {
                "case_id": case_id,
                "case_no": case_no,
                "look_up_code": code,
                "status": {"key": SUBMITTED, "label": SUBMITTED_LABEL, "at": now},
                "links": {"self": f"/v1/cases/{case_no}", "progress": f"/v1/progress/{case_no}"},
            }
        )
        newcomer = None
        if submission.contact:
            newcomer = Newcomer.of(submission.contact, self._vault, checked=submission.contact_checked)
        place, address = submission.place, redact(submission.place.address)
        return Entry(
            case_id=case_id,
            case_no=case_no,
            look_up_hash=code_hash(code, case_no, self._look_up_key).hex(),
            submission=submission,
            owner=owner,
            login=login,
            now=now,
            payload=self._vault.encrypt(raw, Cell("raw_payloads", "payload", case_id)),
            answer=answer,
            claim=claim,
            sealed_answer=self._vault.encrypt(answer.decode(), answer_cell(case_id)) if claim else None,
            title=redact(submission.title),
            text=redact(submission.text),
            place=place if address == place.address else place.model_copy(update={"address": address}),
            newcomer=newcomer,
            citizen_id=None if submission.anonymous else login,
        )

    async def _flush(self, entries: Sequence[Entry]) -> Sequence[bytes | Exception]:
        connection: Connection | None = None
        try:
            # Kept between flushes: giving a connection back to the pool costs a round trip for resetting it.
            connection = self._idle.pop() if self._idle else await self._pool.acquire()
            answers = await self._admission.admit(connection, entries)
        except BaseException as error:
            if connection is not None:
                await self._pool.release(connection)
            refused = domain_error(error) if isinstance(error, Exception) else None
            if refused is None:
                raise
            raise refused from error
        self._idle.append(connection)
        await self._on_events()
        return answers
