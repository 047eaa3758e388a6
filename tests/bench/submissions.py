"""Durable submissions a second: the register as it is against the baseline, in turn, in one run.

`python -m tests.bench.submissions [seconds] [rounds]`; writes build/bench/submissions.json. Both servers stand ready
and are loaded one after the other, round by round, because a machine's speed wanders within minutes: the ratio is the
median of the rounds' ratios. Processor time per request (workers and PostgreSQL) wanders less and is shown beside it.
"""

import asyncio
import base64
import contextlib
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from joserfc.jwk import KeySet, OKPKey

from deploy.standalone.ports import free_port
from deploy.standalone.postgres import Postgres
from services.intake.app import MANIFEST
from services.intake.people import People
from services.intake.settings import Settings
from services.intake.usecases import log_in
from shared.app import create_door, open_context
from shared.main import migrate_and_seed
from shared.tokens import Actor, TokenIssuer
from shared.vault import Vault
from tests.bench import baseline

WORKERS, CONNECTIONS, CITIZENS, ROUNDS = 2, 32, 64, 5
SCRIPT = Path(__file__).with_suffix(".lua")
REPORT = Path("build/bench/submissions.json")
TARGET_RATIO, TARGET_P99_MS = 1.5, 25.0

type Figures = dict[str, float]


def intake() -> Any:
    """For `uvicorn --factory`: the register as `python -m services.intake api` serves it."""
    return create_door(MANIFEST, Settings())


def environment(url: str, photos: Path) -> dict[str, str]:
    """Keys made for this run. Nobody listens at the bus's address: submissions do not need it."""
    signing, sealing = OKPKey.generate_key("Ed25519"), OKPKey.generate_key("X25519")

    def key() -> str:
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()

    return {
        "INTAKE_DATABASE_URL": url,
        "INTAKE_NATS_URL": "nats://127.0.0.1:9",
        "INTAKE_TOKEN_KEYS": json.dumps(KeySet([signing]).as_dict(private=False)),
        "INTAKE_SIGNING_KEY": json.dumps(signing.as_dict(private=True)),
        "INTAKE_VAULT_KEYS": f"a:{key()}",
        "INTAKE_VAULT_CURRENT": "a",
        "INTAKE_INDEX_KEY": key(),
        "INTAKE_LOOK_UP_KEY": key(),
        "INTAKE_FEEDBACK_JWK": json.dumps(sealing.as_dict(private=False)),
        "INTAKE_WECHAT_APPID": "none",
        "INTAKE_WECHAT_SECRET": "none",
        "INTAKE_PHOTOS_URL": str(photos),
        baseline.URL: url,
    }


async def prepare(url: str) -> list[str]:
    """Schemas, and citizens with their tokens."""
    settings = Settings()
    await migrate_and_seed(MANIFEST, settings)
    connection = await asyncpg.connect(url)
    await connection.execute(baseline.SCHEMA)
    await connection.close()
    issuer = TokenIssuer(settings.signing_key.get_secret_value())
    vault = Vault.from_settings(
        settings.vault_keys.get_secret_value(),
        current=settings.vault_current,
        index_key=settings.index_key.get_secret_value(),
    )
    people, now, tokens = People(vault, json.loads(settings.feedback_jwk)), datetime.now(UTC), []
    async with open_context(MANIFEST, settings) as context, context.begin() as tx:
        for number in range(CITIZENS):
            citizen = await log_in(tx, people, vault, f"o-bench-{number}", notice_version=None, now=now)
            tokens.append(issuer.issue(Actor(str(citizen), "citizen"), now=now, lifetime=timedelta(hours=2)))
    return tokens


@contextlib.contextmanager
def served(app: str, *, factory: bool, ready: str = "/intake/healthz") -> Iterator[tuple[str, int]]:
    """Its address and the process whose children serve it."""
    port = free_port()
    words = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--workers", str(WORKERS), "--loop", "uvloop"]
    words += ["--http", "httptools", "--no-access-log", "--log-level", "warning", *(["--factory"] if factory else [])]
    server = subprocess.Popen(words)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url + (ready if factory else "/openapi.json"), server)
        yield url, server.pid
    finally:
        server.terminate()
        server.wait(20)


def wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def load(url: str, tokens: Path, seconds: float) -> Figures:
    words = [
        "wrk",
        "-t",
        "2",
        "-c",
        str(CONNECTIONS),
        "-d",
        f"{seconds:.0f}s",
        "-s",
        str(SCRIPT),
        url,
        "--",
        str(tokens),
    ]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    for refusal in [line for line in lines if line.startswith("REFUSED ")][:1]:
        print(refusal[:300], file=sys.stderr)
    line = next(line for line in lines if line.startswith("RESULT "))
    requests, micros, p50, p99, refused, broken = map(int, line.split()[1:])
    return {
        "requests_per_second": requests / micros * 1e6,
        "p50_ms": p50 / 1000,
        "p99_ms": p99 / 1000,
        "requests": requests,
        "refused": refused,
        "broken": broken,
    }


def processor_seconds(*parents: int) -> float:
    """Used so far by these processes and all they have started."""
    used = 0.0
    for parent in parents:
        process = psutil.Process(parent)
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                used += times.user + times.system
    return used


def measure(seconds: float, rounds: int, tokens: Path, postgres: int) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {"baseline": [], "intake": []}
    with (
        served("tests.bench.baseline:app", factory=False) as theirs,
        served("tests.bench.submissions:intake", factory=True) as ours,
    ):
        for url, _ in (theirs, ours):
            load(url, tokens, 2)
        for number in range(rounds):
            for name, (url, server) in (("baseline", theirs), ("intake", ours)):
                before = processor_seconds(server, postgres)
                figures = load(url, tokens, seconds)
                used = processor_seconds(server, postgres) - before
                figures["processor_us"] = used / max(figures["requests"], 1) * 1e6
                found[name].append(figures)
                print(
                    f"round {number + 1} {name:9}{figures['requests_per_second']:9,.0f} req/s"
                    f"   p50 {figures['p50_ms']:6.1f} ms   p99 {figures['p99_ms']:6.1f} ms"
                    f"   processor {figures['processor_us']:5.0f} us"
                    f"   refused {figures['refused']:.0f}   broken {figures['broken']:.0f}",
                    flush=True,
                )
    return found


async def kept(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    tables = ("intake.cases", "intake.outbox", "intake.raw_payloads", "intake.idempotency_keys", "baseline.cases")
    counts = {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables}
    await connection.close()
    return counts


def middle(rounds: list[Figures], name: str) -> float:
    return statistics.median(figures[name] for figures in rounds)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 6.0
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    with tempfile.TemporaryDirectory(prefix="huying-bench-") as folder:
        place = Path(folder)
        postgres = Postgres(place / "postgres", free_port(), password=secrets.token_hex(8), log=place / "postgres.log")
        postgres.start()
        try:
            os.environ.update(environment(postgres.url(), place / "photos"))
            tokens = place / "tokens"
            tokens.write_text("\n".join(asyncio.run(prepare(postgres.url()))) + "\n")
            found = measure(seconds, rounds, tokens, postgres.pid)
            counts = asyncio.run(kept(postgres.url()))
        finally:
            postgres.stop()
    report(found, counts)


def report(found: dict[str, list[Figures]], counts: dict[str, int]) -> None:
    pairs = list(zip(found["intake"], found["baseline"], strict=True))
    ratio = statistics.median(ours["requests_per_second"] / theirs["requests_per_second"] for ours, theirs in pairs)
    cheaper = statistics.median(theirs["processor_us"] / ours["processor_us"] for ours, theirs in pairs)
    p99 = middle(found["intake"], "p99_ms")
    healthy = all(figures["refused"] == figures["broken"] == 0 for figures in found["intake"])
    met = healthy and ratio >= TARGET_RATIO and p99 <= TARGET_P99_MS
    medians = {
        name: {key: middle(rounds, key) for key in ("requests_per_second", "p50_ms", "p99_ms", "processor_us")}
        for name, rounds in found.items()
    }
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    summary = {"ratio": ratio, "processor_ratio": cheaper, "p99_ms": p99, "met": met, "healthy": healthy}
    REPORT.write_text(json.dumps({**summary, "medians": medians, "rounds": found, "rows": counts}, indent=2))
    print(f"ratio {ratio:.2f} (target {TARGET_RATIO}), p99 {p99:.1f} ms (target {TARGET_P99_MS:.0f})")
    print(f"processor time a request: 1/{cheaper:.2f} of the baseline's")
    print(f"rows kept: {counts}")
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
