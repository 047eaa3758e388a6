"""`python -m deploy.clock FILE show|set|step|run`: the one clock of a system started with `HUYING_CLOCK=shared:FILE`."""

import argparse
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from shared.clock import SharedClock, TimeRunsForward, set_shared

SHENZHEN = ZoneInfo("Asia/Shanghai")
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def span(text: str) -> timedelta:
    """`1d`, `2h30m`, `90s`."""
    parts = re.findall(r"(\d+)([dhms])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 1d, 2h30m or 90s")
    return timedelta(**{_UNITS[unit]: int(number) for number, unit in parts})


def instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=SHENZHEN)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.clock", description="the clock a whole system shares")
    parser.add_argument("file", type=Path)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("show", help="what time it is")
    to = verbs.add_parser("set", help="make it, or move it on to an instant (Shenzhen's where no zone is said)")
    to.add_argument("at", type=instant)
    step = verbs.add_parser("step", help="move it on: 1d, 2h30m, 90s")
    step.add_argument("by", type=span)
    run = verbs.add_parser("run", help="let it run so many times as fast as the real one; 0 stops it")
    run.add_argument("rate", type=float)
    given = parser.parse_args(argv)
    try:
        if given.verb == "set":
            set_shared(given.file, given.at)
        elif given.verb == "step":
            set_shared(given.file, SharedClock(given.file).now() + given.by)
        elif given.verb == "run":
            set_shared(given.file, SharedClock(given.file).now(), given.rate)
        print(SharedClock(given.file).now().astimezone(SHENZHEN).isoformat(timespec="seconds"))
    except TimeRunsForward:
        print("time only runs forward", file=sys.stderr)
        return 1
    except FileNotFoundError:
        print(f"{given.file} is not there; `set` makes it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
