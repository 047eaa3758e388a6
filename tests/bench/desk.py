"""The desk with 200,000 open orders: how long a page of a work list takes, and orders dispatched a second by hand.

`python -m tests.bench.desk [open orders] [seconds]`; writes build/bench/desk.json. The router runs as it is served, in
two processes, and is asked over HTTP: each kind of list for itself, then dispatchers who file and dispatch the cases of
the queue one by one. What the rules dispatch is measured beside it: the transaction of the real consumer, batch by batch,
in one process, without the bus. Processor time of a dispatch (processes and PostgreSQL) is shown beside it, for a busy neighbour does not change
it.
"""

import asyncio
import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from joserfc.jwk import KeySet, OKPKey

from contracts.events.intake import CaseSubmitted, Place
from deploy.standalone.ports import free_port
from deploy.standalone.postgres import Postgres
from services.router.app import MANIFEST, RULEBOOK
from services.router.settings import Settings
from shared.app import create_door, open_context
from shared.cloudevents import AnyEnvelope, Envelope
from shared.consumer import BATCH, Consumer
from shared.db import server_settings
from shared.ids import new_id
from shared.main import migrate_and_seed
from shared.tokens import Actor, TokenIssuer
from tests.bench.submissions import processor_seconds, served
from tests.support.many_orders import analysis, fill

REPORT = Path("build/bench/desk.json")
TARGET_P99_MS, TARGET_DISPATCHES = 50.0, 300.0
SHARE_OPEN = 0.882
"""Of the cases `many_orders` makes."""
READERS, DISPATCHERS = 2, 16
BUSY, SMALL = "PS-S01", "PS-D40"
LIST = """
local paths, at = {}, 0
for line in io.lines("%(paths)s") do paths[#paths + 1] = line end
function request()
  at = at %% #paths + 1
  return wrk.format("GET", paths[at], {["Authorization"] = "Bearer %(token)s"})
end
"""
DISPATCH = """
local paths, at = {}, 0
for line in io.lines("%(paths)s") do paths[#paths + 1] = line end
local body = '{"category_code": "0101001", "area_code": "440310001"}'
function request()
  at = at + 1
  local headers = {["Authorization"] = "Bearer %(token)s", ["Content-Type"] = "application/json"}
  return wrk.format("POST", paths[at] or "/v1/desk/nothing-left", headers, body)
end
"""
DONE = """
function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
"""

type Figures = dict[str, float]


def router() -> Any:
    """For `uvicorn --factory`: the desk as `python -m services.router api` serves it."""
    return create_door(MANIFEST, Settings())


def environment(url: str) -> dict[str, str]:
    """Keys made for this run. Nobody listens at the bus's address: the doors do not need it."""
    signing = OKPKey.generate_key("Ed25519")
    return {
        "ROUTER_DATABASE_URL": url,
        "ROUTER_NATS_URL": "nats://127.0.0.1:9",
        "ROUTER_TOKEN_KEYS": json.dumps(KeySet([signing]).as_dict(private=False)),
        "ROUTER_SIGNING_KEY": json.dumps(signing.as_dict(private=True)),
        "ROUTER_VAULT_KEYS": f"a:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}",
        "ROUTER_VAULT_CURRENT": "a",
        "ROUTER_LEARN_AT_START": "false",
    }


async def prepare(count: int) -> tuple[list[str], dict[str, int]]:
    """Doors of the cases that wait on the queue, and how much there is."""
    settings = Settings()
    await migrate_and_seed(MANIFEST, settings)
    async with open_context(MANIFEST, settings) as context:
        catalogue = RULEBOOK.in_force(datetime.now(UTC)).rules.catalogue
        async with context.begin() as tx:
            await tx.connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            await fill(
                tx.connection,
                round(count / SHARE_OPEN),
                edition=catalogue.edition.id,
                units=[BUSY, *sorted({unit.code for unit in catalogue.units} - {BUSY})],
                categories=sorted(map(str, catalogue.categories)),
                areas=sorted(area.code for area in catalogue.places),
                now=datetime.now(UTC),
                told=False,
            )
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(), server_settings=server_settings("router")
    )
    for statement in analysis():
        await connection.execute(statement)
    waiting = await connection.fetch("SELECT case_id FROM cases WHERE state = 'queued' ORDER BY random()")
    counts = {
        "open_orders": await connection.fetchval("SELECT count(*) FROM orders WHERE open"),
        "open_orders_of_the_busiest_unit": await connection.fetchval(
            "SELECT count(*) FROM orders WHERE open GROUP BY unit_code ORDER BY count(*) DESC LIMIT 1"
        ),
    }
    await connection.close()
    return [f"/v1/desk/cases/{row['case_id']}/classification" for row in waiting], counts


def token(*roles: str, units: tuple[str, ...]) -> str:
    actor = Actor(id="bench", kind="staff", roles=frozenset(roles), units=frozenset(units))
    issuer = TokenIssuer(os.environ["ROUTER_SIGNING_KEY"])
    return issuer.issue(actor, now=datetime.now(UTC), lifetime=timedelta(hours=2))


def lists() -> dict[str, tuple[str, list[str]]]:
    """Kinds of pages: who asks, and for what."""
    unit = token("handler", units=(BUSY,))
    small = token("handler", units=(SMALL,))
    several = token("unit_manager", units=tuple(f"PS-D{number:02}" for number in range(1, 13)))
    desk = token("dispatcher", units=("PS-C00",))
    narrow = [
        "state=handling",
        "grade=A",
        "area=440310001",
        "category=01",
        "category=0101001",
        "due=soon",
        "due=overdue",
    ]
    some = [f"/v1/orders?{query}" for query in narrow]
    return {
        "busiest unit": (unit, ["/v1/orders"]),
        "busiest unit, filtered": (unit, some),
        "busiest unit, by tag": (unit, ["/v1/orders?tag=overdue", "/v1/orders?tag=supervised"]),
        "small unit": (small, ["/v1/orders"]),
        "twelve units": (several, ["/v1/orders", "/v1/orders?state=signed"]),
        "desk": (desk, ["/v1/orders"]),
        "desk, filtered": (desk, [*some, "/v1/orders?state=resolved&grade=B"]),
        "dispatcher's queue": (desk, ["/v1/desk/queue", "/v1/desk/returns"]),
    }


def load(url: str, script: str, place: Path, *, connections: int, seconds: float) -> Figures:
    lua = place / "desk.lua"
    lua.write_text(script + DONE)
    words = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds:.0f}s", "-s", str(lua), "--latency", url]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    requests, micros, p50, p99, bad = map(int, line.split()[1:])
    return {
        "a_second": (requests - bad) / micros * 1e6,
        "done": requests - bad,
        "p50_ms": p50 / 1000,
        "p99_ms": p99 / 1000,
        "bad": bad,
    }


def measure(place: Path, postgres: int, queue: list[str], seconds: float) -> tuple[dict[str, Figures], Figures]:
    found: dict[str, Figures] = {}
    paths = place / "paths"
    with served("tests.bench.desk:router", factory=True, ready="/router/healthz") as (url, server):
        for kind, (bearer, asked) in lists().items():
            paths.write_text("\n".join(asked) + "\n")
            script = LIST % {"paths": paths, "token": bearer}
            load(url, script, place, connections=READERS, seconds=1)  # warms up
            found[kind] = load(url, script, place, connections=READERS, seconds=seconds)
            print(f"{kind:26} p50 {found[kind]['p50_ms']:6.1f} ms  p99 {found[kind]['p99_ms']:6.1f} ms", flush=True)
        first, rest = queue[: len(queue) // 4], queue[len(queue) // 4 :]
        script = DISPATCH % {"paths": paths, "token": token("dispatcher", units=("PS-C00",))}
        paths.write_text("\n".join(first) + "\n")
        load(url, script, place, connections=READERS, seconds=2)  # warms up
        paths.write_text("\n".join(rest) + "\n")
        before = processor_seconds(server, postgres)
        dispatched = load(url, script, place, connections=DISPATCHERS, seconds=seconds)
        spent = processor_seconds(server, postgres) - before
        dispatched["processor_ms_each"] = spent * 1000 / max(dispatched["done"], 1)
        print(
            f"dispatched {dispatched['a_second']:,.0f} a second, {dispatched['processor_ms_each']:.2f} ms of a core each"
        )
    return found, dispatched


async def by_rules(seconds: float) -> Figures:
    """Requests as the register says them, with the category their citizen chose: judged, filed and dispatched."""
    settings, done, spent = Settings(), 0, time.process_time()
    async with open_context(MANIFEST, settings) as context:
        consumer = Consumer(
            context.bus,
            context.begin,
            context.clock,
            service="router",
            stream="INTAKE",
            handlers=MANIFEST.consumes,
            prefetch=MANIFEST.prefetch,
        )
        await consumer._transact(_submissions(BATCH, 0))  # the classifier is made with the first message
        started = time.perf_counter()
        while time.perf_counter() - started < seconds:
            done += BATCH
            await consumer._transact(_submissions(BATCH, done))
        took = time.perf_counter() - started
    print(f"by the rules {done / took:,.0f} a second in one process", flush=True)
    return {"a_second": done / took, "done": done, "processor_ms_each": (time.process_time() - spent) * 1000 / done}


def _submissions(count: int, start: int) -> list[AnyEnvelope]:
    now = datetime.now(UTC)
    return [
        Envelope.of(
            CaseSubmitted(
                case_no=f"PS26112498{start + number:07}",
                look_up_hash="ab" * 32,
                channel_code="wechat_pingshan",
                origin_channel_code="wechat_pingshan",
                citizen_id=new_id(),
                type_code="complaint",
                category_code="0101001",
                title="垃圾没人清运",
                text="巷口的垃圾堆了三天没人拉，苍蝇乱飞，请尽快派人来清理",
                place=Place(address="六联社区某巷口", area_code="440310001"),
                received_at=now,
            ),
            case_id=new_id(),
            sequence=1,
            now=now,
        )
        for number in range(count)
    ]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 4.0
    with tempfile.TemporaryDirectory(prefix="huying-bench-") as folder:
        place = Path(folder)
        postgres = Postgres(place / "postgres", free_port(), password=secrets.token_hex(8), log=place / "postgres.log")
        postgres.start()
        try:
            os.environ.update(environment(postgres.url()))
            queue, counts = asyncio.run(prepare(count))
            found, dispatched = measure(place, postgres.pid, queue, seconds)
            ruled = asyncio.run(by_rules(seconds))
        finally:
            postgres.stop()
    worst = max(figures["p99_ms"] for figures in found.values())
    report = {
        **counts,
        "lists": found,
        "worst_p99_ms": worst,
        "target_p99_ms": TARGET_P99_MS,
        "dispatching_by_rules": ruled,
        "dispatching_by_hand": dispatched,
        "target_dispatches_a_second": TARGET_DISPATCHES,
        "load_average": os.getloadavg()[0],
        "met": worst <= TARGET_P99_MS and ruled["a_second"] >= TARGET_DISPATCHES,
    }
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2))
    if any(figures["bad"] for figures in found.values()) or dispatched["bad"]:
        raise SystemExit("some pages were not answered with 200, or the queue was too short")


if __name__ == "__main__":
    main()
