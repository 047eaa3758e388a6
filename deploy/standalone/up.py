"""`make up`: starts everything on this machine, says where to go, and stays until Ctrl-C."""

import signal
import sys
import threading
import time
from types import FrameType

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from deploy.standalone import environment
from deploy.standalone.home import Home, Refusal
from deploy.standalone.options import Options
from deploy.standalone.system import System

LOOK_SECONDS = 0.25


def main() -> int:
    console = Console()
    stop = threading.Event()

    def stopped(_: int, __: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stopped)
    try:
        with Home.open() as home:
            system = System(home, _options())
            try:
                return _run(system, stop, console)
            finally:
                console.print("Stopping …", style="dim")
                system.stop()
                console.print("Stopped. Your data stays in", str(home.path), style="dim")
    except Refusal as refusal:
        print(f"Cannot start: {refusal}", file=sys.stderr)
        return 1


def _options() -> Options:
    try:
        return Options()
    except ValidationError as error:
        wrong = error.errors()[0]
        raise Refusal(f"HUYING_{str(wrong['loc'][0]).upper()}: {wrong['msg']}") from None


def _run(system: System, stop: threading.Event, console: Console) -> int:
    started = time.monotonic()
    console.print("Starting Huying 呼应 …", style="dim")
    system.start()
    _welcome(system, console, time.monotonic() - started)
    while not stop.wait(LOOK_SECONDS):
        for name in system.revive():
            console.print(f"{name} had died and was started again", style="yellow")
    return 0


def _welcome(system: System, console: Console, seconds: float) -> None:
    console.print(f"\n[bold red]呼应[/] is up after {seconds:.1f} s:  [bold]{system.url}[/]\n")
    accounts = Table("account", "password", "may", box=None, pad_edge=False, header_style="dim")
    for account in environment.accounts(system.home.secrets):
        accounts.add_row(str(account["login"]), str(account["password"]), str(account["name"]))
    console.print(accounts)
    console.print(
        f"\nCitizens log in to the mini-program API with the code [bold]demo-<any name>[/].\n"
        f"API docs: {system.url}/intake/docs, …/router/docs, …/sla/docs, …/feedback/docs\n"
        f"Logs: {system.home.path}/log    See it work: [bold]make demo[/]    Stop: Ctrl-C\n"
    )


if __name__ == "__main__":
    sys.exit(main())
