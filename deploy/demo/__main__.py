"""`make demo`: a day's work through the three real doors, against a running `make up` or a system of its own."""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.demo import summary
from deploy.demo.clients import Desk, Doors
from deploy.demo.messages import Message, NoMessages, load
from deploy.demo.story import Cast, Outcome, play
from deploy.standalone.environment import unit_codes
from deploy.standalone.home import home_path
from deploy.standalone.ports import free_port

AT_ONCE = 12
RATE = 600
"""How much faster the clock of the demonstration's own system runs: an hour in six seconds."""
MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Nine in the morning in Shenzhen on a working Monday."""
URGENT = Message(
    door="phone",
    text="丹梓大道人行道上一个井盖整个不见了，洞有一米多深，旁边没有任何围挡，刚才差点有老人掉进去！",
    title="人行道井盖缺失",
    type_code="complaint",
    category_code="0201001",
    area_code="440310005001",
)
START_SECONDS = 90.0


@contextmanager
def system(console: Console) -> Iterator[tuple[str, dict[str, str], bool]]:
    """Address, secrets and whether time runs fast: of the running system, or of one started for the occasion."""
    running = home_path()
    if (running / "state.json").exists():
        state = json.loads((running / "state.json").read_text("utf-8"))
        yield state["url"], _secrets(running), state["clock"] != "real"
        return
    home = running / "demo"
    console.print(
        "No system is running here, so one is started for this demonstration, with a fast clock …", style="dim"
    )
    names = ("HUYING_PORT", "HUYING_POSTGRES_PORT", "HUYING_NATS_PORT")
    environment = os.environ | {name: str(free_port()) for name in names}
    clock = f"accelerated:{time.time()}:{MONDAY.isoformat()}:{RATE}"
    environment |= {"HUYING_HOME": str(home), "HUYING_CLOCK": clock}
    started = subprocess.Popen(
        [sys.executable, "-m", "deploy.standalone.up"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (home / "state.json").exists():
            if started.poll() is not None or time.monotonic() > deadline:
                said = started.stderr.read().decode() if started.stderr and started.poll() is not None else ""
                raise NoMessages(f"the system did not start: {said.strip() or 'see ' + str(home / 'log')}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{environment['HUYING_PORT']}", _secrets(home), True
    finally:
        started.terminate()
        started.wait(60)


def _secrets(home: Path) -> dict[str, str]:
    return dict(json.loads((home / "secrets.json").read_text("utf-8")))


async def run(
    url: str, secrets: dict[str, str], messages: list[Message], *, fast: bool, console: Console
) -> dict[str, Any]:
    started = time.monotonic()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits, trust_env=False) as http:
        chance = random.Random(20260302)  # noqa: S311  a play, not a secret
        cast = Cast(
            http=http,
            doors=Doors(http, secrets["operator_api_key"], chance),
            unit=Desk(http, "unit", secrets["account_unit"]),
            dispatcher=Desk(http, "dispatcher", secrets["account_dispatcher"]),
            reviewer=Desk(http, "reviewer", secrets["account_reviewer"]),
            units=unit_codes()[1:],
            chance=chance,
        )
        outcomes = await _all(messages, cast, fast=fast, console=console)
        clocks = await _clocks(outcomes, cast)
    result = summary.figures(outcomes, clocks, seconds=time.monotonic() - started)
    best = max(outcomes, key=lambda o: (o.reworked, o.closed, len(o.view["nodes"]) if o.view else 0))
    summary.show_timeline(best, console)
    summary.show(result, console)
    return result | {"accelerated_clock": fast}


async def _all(messages: list[Message], cast: Cast, *, fast: bool, console: Console) -> list[Outcome]:
    progress = Progress(
        TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    task = progress.add_task("诉求", total=len(messages) + 1)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, message: Message, *, late: bool = False) -> Outcome:
        async with gate:
            outcome = await play(message, number, cast, late=late, wait_for_breach=late)
        progress.advance(task)
        return outcome

    # Under the fast clock a missing manhole cover is left lying until its two urgent hours are over; under the real one
    # the call was made three hours ago, while the telephone platform was down, and is entered only now.
    late = URGENT if fast else replace(URGENT, hours_ago=3)
    stories = [one(len(messages), late, late=True)]
    stories += [one(number, message) for number, message in enumerate(messages)]
    with Live(console=console, refresh_per_second=8, get_renderable=lambda: Group(progress, _board(cast))):
        return list(await asyncio.gather(*stories))


def _board(cast: Cast) -> Table:
    names = {
        "submitted": "已提交", "by hand": "人工分类", "returned": "退件", "resolved": "已反馈", "answered": "已答复",
        "reworked": "不满意重办", "overdue": "超期", "silent": "未评价", "closed": "已办结", "not accepted": "不予受理",
        "problems": "出错",
    }  # fmt: skip
    table = Table.grid(padding=(0, 2))
    for key, name in names.items():
        if cast.done[key]:
            table.add_row(name, str(cast.done[key]))
    return table


async def _clocks(outcomes: list[Outcome], cast: Cast) -> dict[str, dict[str, Any]]:
    """The citizen's clock of every case."""
    found = {}
    for outcome in outcomes:
        if outcome.receipt is None:
            continue
        page = await cast.dispatcher.get(f"/v1/clocks/{outcome.receipt.case_id}")
        for clock in page["clocks"]:
            if clock["kind"] == "total":
                found[outcome.receipt.case_no] = clock
    return found


def shown(result: dict[str, Any]) -> list[str]:
    """What the demonstration promises and did not show."""
    missing = [f"{len(result['problems'])} requests went wrong"] if result["problems"] else []
    missing += [] if result["submitted"] == result["requests"] else ["not every request was taken"]
    missing += [] if result["closed"] else ["no case was closed"]
    missing += [] if result["overdue"] else ["no case was overdue"]
    return missing


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--messages", type=Path, help="a CSV file with a column of text")
    parser.add_argument("--count", type=int, help="how many requests")
    arguments = parser.parse_args()
    console = Console()
    try:
        messages = load(arguments.messages, arguments.count)
        with system(console) as (url, secrets, fast):
            console.print(f"{len(messages)} requests against [bold]{url}[/]")
            result = asyncio.run(run(url, secrets, messages, fast=fast, console=console))
    except NoMessages as refusal:
        print(refusal, file=sys.stderr)
        return 2
    summary.write(result, Path("build") / "demo.json")
    missing = shown(result)
    for line in missing:
        console.print(f"[red]{line}[/]")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
