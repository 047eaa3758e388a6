"""Submit → the citizen's first progress over SSE, open loop: `python -m tests.bench.progress [--rates 200,1000]`.

Every arrival has its instant, whether or not the system keeps up; the time counts from that instant, so a system that
falls behind shows it. The client speaks HTTP over bare sockets, because a comfortable client would take a core.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx
import uvloop

from tests.support.system import RunningSystem

TARGETS = {200: 60.0, 1000: 150.0}
"""p99 in milliseconds per rate."""
SECONDS = 15
CITIZENS = 50
TEXT = "和平社区后巷的垃圾堆了三天没有人清运，气味很大，请尽快处理。第{}次反映。"
PATIENCE = 30.0


class Line(asyncio.Protocol):
    """One connection: what has come so far, and who waits for more."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.waiter: asyncio.Future[None] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self._wake()

    def connection_lost(self, _: Exception | None) -> None:
        self.transport = None
        self._wake()

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def until(self, mark: bytes) -> int:
        """Where `mark` ends in the buffer. Raises `ConnectionError` when the line closes first."""
        while (at := self.buffer.find(mark)) < 0:
            if self.transport is None:
                raise ConnectionError(bytes(self.buffer[:200]))
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        return at + len(mark)


class Citizens:
    """Opens lines, keeps some for submitting, and times each request."""

    def __init__(self, port: int, tokens: list[str]) -> None:
        self.port, self.tokens = port, tokens
        self.idle: deque[Line] = deque()
        self.times: list[float] = []
        self.accepted: list[float] = []
        self.failures: list[str] = []

    async def line(self) -> Line:
        _, made = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", self.port)
        return made

    async def _open_line(self) -> Line:
        """One kept open, unless the server has closed it meanwhile."""
        while self.idle:
            line = self.idle.pop()
            if line.transport is not None:
                return line
        return await self.line()

    async def one(self, number: int, due: float) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._one(number, due)
        except Exception as error:
            self.failures.append(f"{type(error).__name__}: {error}"[:200])

    async def _one(self, number: int, due: float) -> None:
        line = await self._open_line()
        body = json.dumps({"text": TEXT.format(number), "place": {"area_code": "440310001004"}}).encode()
        head = (
            f"POST /v1/cases HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"Authorization: Bearer {self.tokens[number % len(self.tokens)]}\r\nIdempotency-Key: n{number}-{due}\r\n\r\n"
        )
        assert line.transport is not None
        line.transport.write(head.encode() + body)
        answer = await self._answer(line)
        self.accepted.append(time.perf_counter() - due)
        self.idle.append(line)
        watching = await self.line()
        assert watching.transport is not None
        watching.transport.write(
            f"GET /v1/progress/{answer['case_no']}/stream HTTP/1.1\r\nHost: h\r\n"
            f"X-Lookup-Code: {answer['look_up_code']}\r\n\r\n".encode()
        )
        await watching.until(b"data:")
        self.times.append(time.perf_counter() - due)
        if not watching.buffer.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(bytes(watching.buffer[:100]))
        if watching.transport is not None:
            watching.transport.abort()

    async def _answer(self, line: Line) -> dict[str, Any]:
        head = await line.until(b"\r\n\r\n")
        length = int(line.buffer[:head].lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(line.buffer) < head + length:
            line.waiter = asyncio.get_running_loop().create_future()
            await line.waiter
        status, body = bytes(line.buffer[:12]), bytes(line.buffer[head : head + length])
        del line.buffer[: head + length]
        if status != b"HTTP/1.1 201":
            raise ConnectionError(status + body[:200])
        return dict(json.loads(body))


async def at_rate(citizens: Citizens, rate: int, seconds: int) -> None:
    start = time.perf_counter() + 0.2
    tasks = []
    for number in range(rate * seconds):
        due = start + number / rate
        wait = due - time.perf_counter()
        if wait > 0.0005:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(citizens.one(number, due)))
        if number % 50 == 0:
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1) if ordered else float("nan")


def measure(system: RunningSystem, rate: int, tokens: list[str], seconds: int) -> dict[str, Any]:
    citizens = Citizens(int(system.ports["HUYING_PORT"]), tokens)
    uvloop.run(at_rate(citizens, rate, seconds))
    result = {
        "rate": rate,
        "submitted": rate * seconds,
        "seen": len(citizens.times),
        "failures": len(citizens.failures),
        "first_failure": citizens.failures[0] if citizens.failures else "",
        "accept_p99_ms": percentile(citizens.accepted, 0.99),
        "p50_ms": percentile(citizens.times, 0.5),
        "p99_ms": percentile(citizens.times, 0.99),
        "target_p99_ms": TARGETS.get(rate),
    }
    target = TARGETS.get(rate)
    result["met"] = target is None or (not citizens.failures and result["p99_ms"] <= target)
    return result


def settle(system: RunningSystem) -> float:
    """Seconds until every service has caught up with what was published."""
    started = time.perf_counter()
    with httpx.Client(base_url=system.url, trust_env=False) as client:
        token = client.post(
            "/v1/staff/sessions", json={"login": "dispatcher", "password": system.secrets["account_dispatcher"]}
        ).json()["token"]
        last, same = "", 0
        while same < 4 and time.perf_counter() - started < 240:
            page = client.get("/v1/desk/cases", headers={"Authorization": f"Bearer {token}"}, params={"limit": 1})
            lag = client.get("/feedback/readyz").text + page.headers.get("etag", "") + _backlog(system)
            same = same + 1 if lag == last else 0
            last = lag
            time.sleep(0.5)
    return time.perf_counter() - started


def _backlog(system: RunningSystem) -> str:
    async def count() -> str:
        port = system.ports["HUYING_POSTGRES_PORT"]
        link = await asyncpg.connect(f"postgresql://postgres:{system.secrets['postgres']}@127.0.0.1:{port}/huying")
        try:
            rows = [await link.fetchval(f"SELECT count(*) FROM {t}") for t in ("sla.clocks", "feedback.progress")]
            return repr(rows)
        finally:
            await link.close()

    return asyncio.run(count())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", default="200,1000")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--web", default="1", help="web processes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="huying-bench-") as folder:
        system = RunningSystem(Path(folder) / "var", HUYING_WEB_PROCESSES=arguments.web)
        try:
            system.start()
            with httpx.Client(base_url=system.url, trust_env=False, timeout=30) as client:
                codes = [f"demo-bench{n}.{os.getpid()}" for n in range(CITIZENS)]
                tokens = [client.post("/v1/sessions/wechat", json={"code": code}).json()["token"] for code in codes]
            measure(system, 50, tokens, 3)  # warms caches and plans
            results = []
            for rate in map(int, arguments.rates.split(",")):
                result = measure(system, rate, tokens, arguments.seconds)
                result["caught_up_after_s"] = round(settle(system), 1)
                results.append(result)
                print(json.dumps(result, ensure_ascii=False))
        finally:
            system.stop()
    out = Path("build/bench/progress.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"web_processes": arguments.web, "results": results}, indent=2) + "\n", encoding="utf-8")
    return 0 if all(result["seen"] == result["submitted"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
