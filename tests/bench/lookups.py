"""Look-ups by number and code a second: the reply as it is against the baseline, in turn, in one run.

`python -m tests.bench.lookups [seconds]`; writes build/bench/lookups.json. The baseline is what a careful developer
writes first: FastAPI, Pydantic and asyncpg, the same row found by number, the code checked, the stored view validated
into the response model; it counts no failures and knows no tokens.
"""

import asyncio
import base64
import gc
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import orjson
from fastapi import FastAPI, Header, HTTPException
from joserfc.jwk import KeySet, OKPKey

from contracts.numbers import code_hash, code_matches
from deploy.standalone.ports import free_port
from deploy.standalone.postgres import Postgres
from services.feedback.api.views import ProgressView
from services.feedback.app import MANIFEST
from services.feedback.domain.case import Case
from services.feedback.settings import Settings
from services.feedback.store import Tools, Tx
from shared.app import create_door, open_context
from shared.ids import new_id
from shared.main import migrate_and_seed
from tests.unit.feedback import said

WORKERS, CONNECTIONS, CASES, ROUNDS = 2, 32, 2000, 7
REPORT = Path("build/bench/lookups.json")
TARGET_RATIO = 2.0
LUA = """
local numbers, at = {}, 0
for line in io.lines("%s") do numbers[#numbers + 1] = line end
function request()
  at = at %% #numbers + 1
  return wrk.format("GET", "/v1/progress/" .. numbers[at], {["X-Lookup-Code"] = "%s"})
end
function done(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), bad))
end
"""

type Figures = dict[str, float]


def feedback() -> Any:
    """For `uvicorn --factory`: the reply as `python -m services.feedback api` serves it."""
    return create_door(MANIFEST, Settings())


@asynccontextmanager
async def _pool(app: FastAPI) -> AsyncIterator[None]:
    search = {"search_path": "feedback"}
    async with asyncpg.create_pool(
        os.environ["FEEDBACK_DATABASE_URL"], min_size=8, max_size=8, server_settings=search
    ) as pool:
        app.state.pool = pool
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 50, 100)
        yield


app = FastAPI(lifespan=_pool)
_KEY = os.environ.get("FEEDBACK_LOOK_UP_KEY", "")


@app.get("/v1/progress/{case_no}")
async def baseline(case_no: str, x_lookup_code: Annotated[str, Header()]) -> ProgressView:
    row = await app.state.pool.fetchrow("SELECT look_up_hash, view FROM progress WHERE case_no = $1", case_no)
    key = base64.urlsafe_b64decode(_KEY)
    if row is None or not code_matches(x_lookup_code, bytes.fromhex(row["look_up_hash"]), case_no, key):
        raise HTTPException(404)
    return ProgressView.model_validate(orjson.loads(row["view"]))


def environment(url: str) -> dict[str, str]:
    """Keys made for this run. Nobody listens at the bus's address: look-ups do not need it."""
    keys = [base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() for _ in range(2)]
    signing, sealing = OKPKey.generate_key("Ed25519"), OKPKey.generate_key("X25519")
    return {
        "FEEDBACK_DATABASE_URL": url,
        "FEEDBACK_NATS_URL": "nats://127.0.0.1:9",
        "FEEDBACK_TOKEN_KEYS": json.dumps(KeySet([signing]).as_dict(private=False)),
        "FEEDBACK_LOOK_UP_KEY": keys[0],
        "FEEDBACK_SEAL_KEY": json.dumps(sealing.as_dict(private=True)),
        "FEEDBACK_VAULT_KEYS": f"a:{keys[1]}",
        "FEEDBACK_VAULT_CURRENT": "a",
        "FEEDBACK_PHOTOS_URL": "memory://",
    }


async def prepare() -> list[str]:
    """Cases in the middle of their way, as the projection itself writes them."""
    settings = Settings()
    await migrate_and_seed(MANIFEST, settings)
    key = base64.urlsafe_b64decode(settings.look_up_key.get_secret_value())
    numbers = []
    async with open_context(MANIFEST, settings) as context:
        context.make_tx = lambda connection: Tx(connection, Tools.shipped())
        async with context.begin() as tx:
            for serial in range(1, CASES + 1):
                case: Case = await tx.case(new_id())
                numbers.append(said.number(serial))
                learn(case, serial, key)
                tx.touch(case, datetime.now(UTC))
    return numbers


def learn(case: Case, serial: int, key: bytes) -> None:
    order = new_id()
    story = [said.submitted(serial, key=key), said.filed(), said.promised(), said.dispatched(order)]
    story += [said.signed(order), said.contacted(order), said.progressed(order, "已到现场查看，正在安排清运车辆。")]
    for minutes, event in enumerate(story):
        case.learn(event, said.START + timedelta(minutes=minutes))
    assert code_hash(said.CODE, said.number(serial), key).hex() == case.facts.look_up_hash


@contextmanager
def served(application: str, *, factory: bool) -> Iterator[str]:
    port = free_port()
    words = [sys.executable, "-m", "uvicorn", application, "--port", str(port), "--workers", str(WORKERS)]
    words += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    server = subprocess.Popen([*words, *(["--factory"] if factory else [])])
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/v1/progress/none", server)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def load(url: str, script: Path, seconds: float) -> Figures:
    words = ["wrk", "-t", "2", "-c", str(CONNECTIONS), "-d", f"{seconds:.0f}s", "-s", str(script), url]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    requests, micros, p50, p99, bad = map(int, line.split()[1:])
    return {
        "requests_per_second": requests / micros * 1e6,
        "p50_ms": p50 / 1000,
        "p99_ms": p99 / 1000,
        "bad": bad,
    }


def measure(script: Path, seconds: float) -> dict[str, list[Figures]]:
    """Both stand ready all the time and are asked in short turns, so that a busy neighbour disturbs both alike."""
    found: dict[str, list[Figures]] = {"baseline": [], "feedback": []}
    with (
        served("tests.bench.lookups:app", factory=False) as theirs,
        served("tests.bench.lookups:feedback", factory=True) as ours,
    ):
        for turn in range(ROUNDS + 1):
            for name, url in (("baseline", theirs), ("feedback", ours)):
                figures = load(url, script, seconds)
                if turn:  # the first turn warms up
                    found[name].append(figures)
                    print(
                        f"turn {turn} {name:9}{figures['requests_per_second']:9,.0f} req/s"
                        f"   p50 {figures['p50_ms']:6.1f} ms   p99 {figures['p99_ms']:6.1f} ms   bad {figures['bad']:.0f}",
                        flush=True,
                    )
    return found


def median(rounds: list[Figures]) -> Figures:
    return sorted(rounds, key=lambda figures: figures["requests_per_second"])[len(rounds) // 2]


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    with tempfile.TemporaryDirectory(prefix="huying-bench-") as folder:
        place = Path(folder)
        postgres = Postgres(place / "postgres", free_port(), password=secrets.token_hex(8), log=place / "postgres.log")
        postgres.start()
        try:
            os.environ.update(environment(postgres.url()))
            numbers = place / "numbers"
            numbers.write_text("\n".join(asyncio.run(prepare())) + "\n")
            script = place / "lookups.lua"
            script.write_text(LUA % (numbers, said.CODE))
            found = measure(script, seconds)
        finally:
            postgres.stop()
    ours, theirs = median(found["feedback"]), median(found["baseline"])
    pairs = zip(found["feedback"], found["baseline"], strict=True)
    ratio = statistics.median(our["requests_per_second"] / their["requests_per_second"] for our, their in pairs)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "workers": WORKERS,
        "connections": CONNECTIONS,
        "feedback": ours,
        "baseline": theirs,
        "ratio": ratio,
        "rounds": found,
        "target_ratio": TARGET_RATIO,
        "met": ratio >= TARGET_RATIO,
    }
    REPORT.write_text(json.dumps(report, indent=2))
    print(f"feedback / baseline: {ratio:.2f} (aim {TARGET_RATIO})")
    if any(figures["bad"] for rounds in found.values() for figures in rounds):
        raise SystemExit("some look-ups were not answered with 200")


if __name__ == "__main__":
    main()
