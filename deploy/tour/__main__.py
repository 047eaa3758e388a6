"""`python -m deploy.tour catalogue|desk|citizen|clock`: a guided walk; ends with 1 when what it shows did not happen."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from deploy.tour import clock
from deploy.tour.catalogue import Tour
from deploy.tour.citizen import CitizenTour
from deploy.tour.desk import DeskTour
from deploy.tour.people import Refused
from deploy.tour.showing import Screen
from deploy.tour.stage import NotStarted, stage
from deploy.tour.workbooks import WorkbookChanged

TIMEOUT_SECONDS = 60
TOURS: dict[str, type[Tour] | type[CitizenTour] | type[DeskTour]] = {
    "catalogue": Tour,
    "desk": DeskTour,
    "citizen": CitizenTour,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.tour", description=__doc__)
    parser.add_argument("tour", choices=(*TOURS, "clock"))
    parser.add_argument("--own", action="store_true", help="a system of its own, even if one is running here")
    arguments = parser.parse_args()
    console = Console()
    if arguments.tour == "clock":
        return asyncio.run(_clock(console))
    try:
        with stage(console, own=arguments.own, rate=TOURS[arguments.tour].rate) as place, _http(place.url) as http:
            screen = Screen(console)
            tour = TOURS[arguments.tour](place, http, screen)
            tour.walk()
    except (NotStarted, Refused, WorkbookChanged, httpx.HTTPError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return _verdict(arguments.tour, screen, console, tour.checks, tour.seen)


async def _clock(console: Console) -> int:
    screen = Screen(console)
    try:
        tour = await clock.walk(console, screen)
    except (Refused, httpx.HTTPError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return _verdict("clock", screen, console, tour.checks, tour.seen)


def _verdict(name: str, screen: Screen, console: Console, checks: Mapping[str, bool], seen: Mapping[str, Any]) -> int:
    result = Path("build") / "tour" / f"{name}.json"
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(seen, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    screen.verdict(checks, seen["seconds"])
    console.print(f"[dim]{result}[/]")
    return 0 if all(checks.values()) else 1


def _http(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)


if __name__ == "__main__":
    sys.exit(main())
