"""`python -m deploy.tour catalogue|citizen`: a guided walk; ends with 1 when what it shows did not happen."""

import argparse
import json
import sys
from pathlib import Path

import httpx
from rich.console import Console

from deploy.tour.catalogue import Tour
from deploy.tour.citizen import CitizenTour
from deploy.tour.people import Refused
from deploy.tour.showing import Screen
from deploy.tour.stage import NotStarted, stage
from deploy.tour.workbooks import WorkbookChanged

TIMEOUT_SECONDS = 60
TOURS: dict[str, type[Tour] | type[CitizenTour]] = {"catalogue": Tour, "citizen": CitizenTour}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.tour", description=__doc__)
    parser.add_argument("tour", choices=tuple(TOURS))
    parser.add_argument("--own", action="store_true", help="a system of its own, even if one is running here")
    arguments = parser.parse_args()
    console = Console()
    try:
        with stage(console, own=arguments.own, rate=TOURS[arguments.tour].rate) as place, _http(place.url) as http:
            screen = Screen(console)
            tour = TOURS[arguments.tour](place, http, screen)
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
