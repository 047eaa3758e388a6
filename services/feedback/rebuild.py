"""`projection rebuild`: every case's view made anew from the streams, beside the one that is served, then put in its place.

The streams are folded into a table of their own. A case is replaced under its lock and only when exactly as much of
each publisher has been folded as the running consumers have applied; what they apply meanwhile is read in the next
pass. Ratings, photos and what was told are this service's own facts and are kept. A case that is older than the
streams (their age is limited) is left as it is.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from pydantic import TypeAdapter
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.feedback.domain.case import Case
from services.feedback.domain.facts import Facts
from services.feedback.domain.folding import FOLDS, concerns_citizens
from services.feedback.owned import OWN, own_facts
from services.feedback.settings import Settings
from services.feedback.store import Tx, facts_from
from services.feedback.tables import contacts, rebuilt
from shared import inbox
from shared.cloudevents import AnyEnvelope, EventReader, Undecodable
from shared.context import Context

_STREAMS = ("INTAKE", "ROUTER", "SLA", "FEEDBACK")
_PUBLISHERS = ("intake", "router", "sla")
_BATCH, _CHUNK = 500, 200
_IDLE_SECONDS = 60.0
_PATIENCE = 40
"""Passes in a row without a case settled, after which the rest is reported and left."""
_facts: TypeAdapter[Facts] = TypeAdapter(Facts)
_SAID = text("SELECT body FROM outbox WHERE position(CAST(:case AS bytea) IN body) > 0")
_LOCK = text("SELECT count(pg_advisory_xact_lock(k)) FROM unnest(CAST(:keys AS bigint[])) k")


@dataclass(slots=True)
class Report:
    """What a rebuild found."""

    same: int = 0
    changed: int = 0
    too_old: int = 0
    """Cases whose beginning the streams no longer hold; left as they are."""
    unsettled: int = 0
    """Cases that moved all the time, or that wait for a worker; left as they are."""

    def __str__(self) -> str:
        return (
            f"{self.same} the same, {self.changed} changed, {self.too_old} older than the streams,"
            f" {self.unsettled} not settled"
        )


@dataclass(slots=True)
class Shadow:
    """A case as the streams tell it."""

    case_id: UUID
    facts: Facts = field(default_factory=Facts)
    heard: dict[str, int] = field(default_factory=dict)
    whole: bool = True

    def take(self, event: AnyEnvelope) -> None:
        last = self.heard.get(event.source, 0)
        if event.sequence <= last:
            return
        self.whole = self.whole and event.sequence == last + 1
        self.heard[event.source] = event.sequence
        if self.whole and event.data is not None and concerns_citizens(event.data):
            FOLDS[type(event.data)](self.facts, event.data, event.time)


class Rebuild:
    def __init__(self, here: Context[Settings, Tx]) -> None:
        self._here = here
        self._reader = EventReader(FOLDS)
        self._readings: dict[str, JetStreamContext.PullSubscription] = {}

    async def run(self) -> Report:
        async with self._here.begin() as tx:
            await tx.connection.execute(text("TRUNCATE rebuilt"))
        await self._open()
        report, idle = Report(), 0
        try:
            while idle < _PATIENCE:
                await self._read()
                settled, left = await self._settle(report)
                if not left:
                    break
                idle = 0 if settled else idle + 1
        finally:
            for reading in self._readings.values():
                await reading.unsubscribe()
        await self._close(report)
        return report

    async def _open(self) -> None:
        jetstream, bus = self._here.bus.jetstream, self._here.bus
        for stream in _STREAMS:
            config = ConsumerConfig(
                ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.ALL, inactive_threshold=_IDLE_SECONDS
            )
            made = await jetstream.add_consumer(bus.name(stream), config)
            self._readings[stream] = await jetstream.pull_subscribe_bind(made.name, stream=bus.name(stream))

    async def _read(self) -> None:
        """All the streams hold by now, from where the last pass stopped."""
        for reading in self._readings.values():
            pending = 1
            while pending:
                try:
                    messages = await reading.fetch(_BATCH, timeout=0.2)
                except TimeoutError:
                    break
                events = []
                for message in messages:
                    try:
                        events.append(self._reader.read(message.data))
                    except Undecodable:
                        continue  # parked when it came
                await self._fold([event for event in events if event.sequence])
                pending = messages[-1].metadata.num_pending or 0

    async def _fold(self, events: Sequence[AnyEnvelope]) -> None:
        if not events:
            return
        async with self._here.begin() as tx:
            ids = {event.case_id for event in events}
            found = await tx.connection.execute(select(rebuilt).where(rebuilt.c.case_id.in_(ids)))
            shadows = {shadow.case_id: shadow for shadow in map(_shadow, found)}
            for event in events:
                shadows.setdefault(event.case_id, Shadow(event.case_id)).take(event)
            rows = [
                {"case_id": one.case_id, "facts": _facts.dump_json(one.facts), "heard": one.heard, "whole": one.whole,
                 "settled": False}
                for one in shadows.values()
            ]  # fmt: skip
            put = upsert(rebuilt)
            columns = {name: put.excluded[name] for name in ("facts", "heard", "whole", "settled")}
            await tx.connection.execute(put.on_conflict_do_update(index_elements=["case_id"], set_=columns), rows)

    async def _settle(self, report: Report) -> tuple[int, int]:
        """How many cases were settled in this pass, and how many are left."""
        settled = left = 0
        after = UUID(int=0)
        while True:
            async with self._here.begin() as tx:
                query = select(rebuilt).where(rebuilt.c.case_id > after, rebuilt.c.whole, ~rebuilt.c.settled)
                rows = (await tx.connection.execute(query.order_by(rebuilt.c.case_id).limit(_CHUNK))).all()
                done = await self._replace(tx, [_shadow(row) for row in rows], report) if rows else []
                if done:
                    mark = update(rebuilt).where(rebuilt.c.case_id.in_(done)).values(settled=True)
                    await tx.connection.execute(mark)
            settled, left = settled + len(done), left + len(rows) - len(done)
            if len(rows) < _CHUNK:
                return settled, left
            after = rows[-1].case_id

    async def _replace(self, tx: Tx, shadows: Sequence[Shadow], report: Report) -> list[UUID]:
        # As the consumers lock: cases first, then their rows; so that neither waits for the other in a circle.
        ids = [shadow.case_id for shadow in shadows]
        await tx.connection.execute(_LOCK, {"keys": sorted({case.int & ((1 << 63) - 1) for case in ids})})
        await tx.load(ids)
        applied: dict[UUID, dict[str, int]] = defaultdict(dict)
        for (case_id, publisher), sequence in (await inbox.known(tx.connection, ids)).items():
            applied[UUID(int=case_id.int)][publisher] = sequence
        erased = await _erased(tx, [one.facts.citizen_id for one in shadows])
        done = []
        for shadow in shadows:
            if any(shadow.heard.get(one, 0) != applied[shadow.case_id].get(one, 0) for one in _PUBLISHERS):
                continue
            done.append(shadow.case_id)
            case = await tx.case(shadow.case_id)
            if shadow.facts.citizen_id in erased:
                shadow.facts.citizen_id = None
            await _put(tx, case, shadow, report, self._here)
        return done

    async def _close(self, report: Report) -> None:
        async with self._here.begin() as tx:
            rows = await tx.connection.execute(select(rebuilt.c.whole, rebuilt.c.settled))
            for row in rows:
                report.too_old += not row.whole
                report.unsettled += row.whole and not row.settled
            await tx.connection.execute(text("TRUNCATE rebuilt"))


async def _put(tx: Tx, case: Case, shadow: Shadow, report: Report, here: Context[Settings, Tx]) -> None:
    facts = shadow.facts
    if case.version or case.facts != Facts():
        for name in OWN:
            setattr(facts, name, getattr(case.facts, name))
    else:
        await own_facts(tx, case.case_id, facts)
        # No version of a lost row is known any more: as many as there were events is never too few.
        case.sequence = max(shadow.heard.get("feedback", 0), await _last_said(tx, case.case_id))
        case.version = sum(shadow.heard.values())
    if facts == case.facts and (case.view is None) is (facts.case_no is None) and not tx.differs(case):
        report.same += 1
        return
    case.facts = facts
    report.changed += 1
    tx.touch(case, here.clock.now())
    tx.new_orders += [
        {"order_id": order.order_id, "case_id": case.case_id, "unit_code": order.unit_code} for order in facts.orders
    ]


async def _last_said(tx: Tx, case_id: UUID) -> int:
    """The sequence of this service's newest event about a case that may not be on its stream yet."""
    found = await tx.connection.execute(_SAID, {"case": str(case_id).encode()})
    return max((orjson.loads(row.body)["sequence"] for row in found), default=0)


async def _erased(tx: Tx, citizens: Sequence[UUID | None]) -> set[UUID]:
    wanted = [citizen for citizen in citizens if citizen is not None]
    query = select(contacts.c.citizen_id).where(contacts.c.citizen_id.in_(wanted), contacts.c.data.is_(None))
    return {UUID(int=row.citizen_id.int) for row in await tx.connection.execute(query)}


def _shadow(row: Any) -> Shadow:
    return Shadow(UUID(int=row.case_id.int), facts_from(row.facts), dict(row.heard), row.whole)
