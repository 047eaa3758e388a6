"""One update told to many watchers: 2,000 open streams on one process, from the worker's commit to the last client.

`python -m tests.bench.sse [watchers]`; writes build/bench/sse.json. The clients are plain sockets in this process, so
on two cores the figure includes reading what was sent.
"""

import asyncio
import base64
import json
import os
import resource
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import psutil
import uvloop

from deploy.standalone.nats import Nats
from deploy.standalone.ports import free_port
from deploy.standalone.postgres import Postgres
from services.feedback.app import MANIFEST
from services.feedback.settings import Settings
from services.feedback.store import Tx
from shared.app import open_context
from shared.context import Context
from shared.ids import new_id
from shared.main import migrate_and_seed
from tests.bench.lookups import environment, learn, wait_for
from tests.unit.feedback import said

WATCHERS, UPDATES = 2000, 15
REPORT = Path("build/bench/sse.json")
TARGET_SECONDS = 0.2


class Client(asyncio.Protocol):
    """Opens a stream and notes when each event arrived."""

    def __init__(self, request: bytes, arrived: "Arrivals") -> None:
        self._request, self._arrived = request, arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none by inheritance
        cast("asyncio.Transport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        if b"event: progress" in data:
            self._arrived.note()


class Arrivals:
    """Times at which the present event reached the clients; `complete` once it reached all."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self.begin()

    def begin(self) -> None:
        self.times: list[float] = []
        self.complete = asyncio.Event()

    def note(self) -> None:
        self.times.append(time.perf_counter())
        if len(self.times) == self._expected:
            self.complete.set()


async def measure(port: int, server: psutil.Process, watchers: int) -> dict[str, Any]:
    settings = Settings()
    key = base64.urlsafe_b64decode(settings.look_up_key.get_secret_value())
    async with open_context(MANIFEST, settings) as context:
        await context.bus.ready()
        case_id, order_id = new_id(), new_id()
        async with context.begin() as tx:
            case = await tx.case(case_id)
            learn(case, 1, key)
            case.learn(said.dispatched(order_id, said.OTHER, role="co"), datetime.now(UTC))
            tx.touch(case, datetime.now(UTC))
        before = server.memory_info().rss
        arrivals = Arrivals(watchers)
        await connect(port, watchers, arrivals)
        grown = server.memory_info().rss - before
        rounds = [await update(context, case_id, arrivals) for _ in range(UPDATES)]
    last = [each["last"] for each in rounds]
    return {
        "watchers": watchers,
        "updates": UPDATES,
        "last_client_seconds": {"median": statistics.median(last), "best": min(last), "worst": max(last)},
        "median_client_seconds": statistics.median(each["median"] for each in rounds),
        "kilobytes_per_watcher": grown / watchers / 1024,
    }


async def connect(port: int, watchers: int, arrivals: Arrivals) -> None:
    request = (
        f"GET /v1/progress/{said.number(1)}/stream HTTP/1.1\r\nHost: bench\r\nX-Lookup-Code: {said.CODE}\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    for start in range(0, watchers, 100):
        group = range(min(100, watchers - start))
        await asyncio.gather(
            *(loop.create_connection(lambda: Client(request, arrivals), "127.0.0.1", port) for _ in group)
        )
    try:
        await asyncio.wait_for(arrivals.complete.wait(), 60)
    except TimeoutError:
        raise SystemExit(f"only {len(arrivals.times)} of {watchers} streams opened") from None


async def update(context: Context[Settings, Tx], case_id: Any, arrivals: Arrivals) -> dict[str, float]:
    arrivals.begin()
    async with context.begin() as tx:
        case = await tx.case(case_id)
        order = case.facts.orders[0].order_id
        case.learn(said.progressed(order, f"进展 {secrets.token_hex(4)}"), datetime.now(UTC))
        tx.touch(case, datetime.now(UTC))
        begun: list[float] = []

        async def committed() -> None:
            begun.append(time.perf_counter())

        tx.after_commit.append(committed)
    await asyncio.wait_for(arrivals.complete.wait(), 30)
    return {"last": arrivals.times[-1] - begun[0], "median": arrivals.times[len(arrivals.times) // 2] - begun[0]}


def run(place: Path, watchers: int) -> dict[str, Any]:
    postgres = Postgres(place / "postgres", free_port(), password=secrets.token_hex(8), log=place / "postgres.log")
    nats = Nats(place / "nats", free_port(), log=place / "nats.log")
    postgres.start()
    nats.start()
    port = free_port()
    try:
        os.environ.update(
            {**environment(postgres.url()), "FEEDBACK_NATS_URL": nats.url, "FEEDBACK_LOG_LEVEL": "WARNING"}
        )
        asyncio.run(migrate_and_seed(MANIFEST, Settings()))
        server = subprocess.Popen([sys.executable, "-m", "services.feedback", "api", "--port", str(port)])
        try:
            wait_for(f"http://127.0.0.1:{port}/feedback/healthz", server)
            return uvloop.run(measure(port, psutil.Process(server.pid), watchers))
        finally:
            server.terminate()
            server.wait(20)
    finally:
        nats.stop()
        postgres.stop()


def main() -> None:
    watchers = int(sys.argv[1]) if len(sys.argv) > 1 else WATCHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < watchers + 500:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, watchers + 500), hard))
    with tempfile.TemporaryDirectory(prefix="huying-bench-") as folder:
        found = run(Path(folder), watchers)
    met = found["last_client_seconds"]["median"] <= TARGET_SECONDS
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps({**found, "target_seconds": TARGET_SECONDS, "met": met}, indent=2))
    last = found["last_client_seconds"]
    print(
        f"{watchers} watchers: the last one told after {last['median'] * 1000:.0f} ms (median of {UPDATES}; best"
        f" {last['best'] * 1000:.0f}, worst {last['worst'] * 1000:.0f}; aim {TARGET_SECONDS * 1000:.0f})"
        f"   {found['kilobytes_per_watcher']:.1f} kB each"
    )


if __name__ == "__main__":
    main()
