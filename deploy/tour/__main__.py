"""`python -m deploy.tour catalogue|desk`: a guided walk; ends with 1 when what it shows did not happen."""

import argparse
import json
import sys
from pathlib import Path

import httpx
from rich.console import Console

from deploy.tour import desk
from deploy.tour.catalogue import Tour
from deploy.tour.people import Refused
from deploy.tour.showing import Screen
from deploy.tour.stage import RATE, NotStarted, stage
from deploy.tour.workbooks import WorkbookChanged

TIMEOUT_SECONDS = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.tour", description=__doc__)
    parser.add_argument("tour", choices=("catalogue", "desk"))
    parser.add_argument("--own", action="store_true", help="a system of its own, even if one is running here")
    arguments = parser.parse_args()
    console = Console()
    try:
        rate = desk.RATE if arguments.tour == "desk" else RATE
        with stage(console, own=arguments.own, rate=rate) as place, _http(place.url) as http:
            screen = Screen(console)
            tour = desk.Tour(place, http, screen) if arguments.tour == "desk" else Tour(place, http, screen)
            tour.walk()
    except (NotStarted, Refused, WorkbookChanged, httpx.HTTPError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    result = Path("build") / "tour" / f"{arguments.tour}.json"
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(tour.seen, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    screen.verdict(tour.checks, tour.seen["seconds"])
    console.print(f"[dim]{result}[/]")
    return 0 if all(tour.checks.values()) else 1


def _http(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)


if __name__ == "__main__":
    sys.exit(main())
