"""The books of a running system, balanced: what was acknowledged is in every service exactly once."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import asyncpg
import nats

from tests.support.system import RunningSystem

SERVICES = ("intake", "router", "sla", "feedback")
PER_CASE = {"total", "accept"}
PER_ORDER = {"sign", "contact", "handle"}


@dataclass
class Books:
    """What the four services hold."""

    registered: dict[str, int]
    filed: dict[str, int]
    queued: set[str]
    orders: Counter[str]
    clocks: dict[str, Counter[str]]
    timelines: dict[str, int]
    unpublished: int
    parked: int
    outbox_ids: dict[str, set[str]]
    stream_ids: dict[str, Counter[str]]

    def complaints(self, acknowledged: set[str]) -> list[str]:
        """What is wrong, in words; empty when everything acknowledged is there once, and nothing else waits."""
        wrong = [f"{n} outbox rows unpublished" for n in [self.unpublished] if n]
        wrong += [f"{n} events parked" for n in [self.parked] if n]
        for case_no in sorted(acknowledged):
            if self.registered.get(case_no) != 1:
                wrong.append(f"{case_no}: {self.registered.get(case_no, 0)} registered")
            if self.filed.get(case_no) != 1:
                wrong.append(f"{case_no}: {self.filed.get(case_no, 0)} at the desk")
            if self.timelines.get(case_no) != 1:
                wrong.append(f"{case_no}: {self.timelines.get(case_no, 0)} timelines")
            wrong += self._wrong_orders_and_clocks(case_no)
        for service, ids in self.outbox_ids.items():
            on_stream = self.stream_ids.get(service, Counter())
            missing = ids - set(on_stream)
            if missing:
                wrong.append(f"{service}: {len(missing)} events are not on the stream")
        return wrong

    def _wrong_orders_and_clocks(self, case_no: str) -> list[str]:
        clocks, orders = self.clocks.get(case_no, Counter()), self.orders[case_no]
        if case_no in self.queued:
            return [] if clocks["accept"] == 1 else [f"{case_no}: queued, clocks {dict(clocks)}"]
        wrong = [f"{case_no}: {orders} orders"] if orders < 1 else []
        if any(clocks[kind] != 1 for kind in PER_CASE) or any(clocks[kind] != orders for kind in PER_ORDER):
            wrong.append(f"{case_no}: {orders} orders but clocks {dict(clocks)}")
        return wrong


async def read(system: RunningSystem) -> Books:
    port, secrets = system.ports["HUYING_POSTGRES_PORT"], system.secrets
    connection = await asyncpg.connect(f"postgresql://postgres:{secrets['postgres']}@127.0.0.1:{port}/huying")
    try:
        return await _read(connection, await _streams(system))
    finally:
        await connection.close()


async def _read(db: "asyncpg.Connection[Any]", streams: dict[str, Counter[str]]) -> Books:
    async def counted(query: str) -> dict[str, int]:
        return {row[0]: row[1] for row in await db.fetch(query)}

    clocks: dict[str, Counter[str]] = {}
    query = "SELECT case_no, kind, count(*) AS n FROM sla.clocks JOIN sla.cases USING (case_id) GROUP BY 1, 2"
    for row in await db.fetch(query):
        clocks.setdefault(row["case_no"], Counter())[row["kind"]] = row["n"]
    waiting = [f"SELECT count(*) FROM {s}.outbox WHERE published_at IS NULL" for s in SERVICES]
    parked = [f"SELECT count(*) FROM {s}.parked WHERE replayed_at IS NULL" for s in SERVICES]
    return Books(
        registered=await counted("SELECT case_no, count(*) FROM intake.cases GROUP BY 1"),
        filed=await counted("SELECT case_no, count(*) FROM router.cases GROUP BY 1"),
        queued={r[0] for r in await db.fetch("SELECT case_no FROM router.cases WHERE filed_at IS NULL")},
        orders=Counter(
            await counted("SELECT case_no, count(*) FROM router.orders JOIN router.cases USING (case_id) GROUP BY 1")
        ),
        clocks=clocks,
        timelines=await counted(
            "SELECT case_no, count(*) FROM feedback.progress WHERE case_no IS NOT NULL AND view IS NOT NULL GROUP BY 1"
        ),
        unpublished=sum([await db.fetchval(q) for q in waiting]),
        parked=sum([await db.fetchval(q) for q in parked]),
        outbox_ids={
            s: {str(r[0]) for r in await db.fetch(f"SELECT event_id FROM {s}.outbox WHERE stream <> 'CONTACTS'")}
            for s in SERVICES
        },
        stream_ids=streams,
    )


async def _streams(system: RunningSystem) -> dict[str, Counter[str]]:
    """How often each event id stands on each publisher's stream."""
    url = f"nats://huying:{system.secrets['nats']}@127.0.0.1:{system.ports['HUYING_NATS_PORT']}"
    client = await nats.connect(url, allow_reconnect=False)
    found: dict[str, Counter[str]] = {}
    try:
        for service in SERVICES:
            stream = service.upper()
            js = client.jetstream()
            info = await js.stream_info(stream)
            ids: Counter[str] = Counter()
            if info.state.messages:
                subscription = await js.subscribe("", stream=stream, ordered_consumer=True)
                for _ in range(info.state.messages):
                    message = await subscription.next_msg(timeout=10)
                    ids[json.loads(message.data)["id"]] += 1
                await subscription.unsubscribe()
            found[service] = ids
    finally:
        await client.close()
    return found


def balanced(system: RunningSystem, acknowledged: set[str]) -> bool:
    """For `eventually`: raises with the complaints until there are none."""
    wrong = asyncio.run(read(system)).complaints(acknowledged)
    if wrong:
        raise AssertionError("; ".join(wrong[:10]) + (f" … and {len(wrong) - 10} more" if len(wrong) > 10 else ""))
    return True
