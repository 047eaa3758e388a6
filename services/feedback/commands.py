"""What the reply can be told on the command line beside what every service can."""

import argparse
import asyncio
from collections.abc import Sequence

from services.feedback.app import MANIFEST
from services.feedback.rebuild import Rebuild
from services.feedback.settings import Settings
from shared import logs
from shared.app import open_context

_VERBS = ("projection",)


def run(words: Sequence[str]) -> int | None:
    """The exit status; None when the words are no command of ours."""
    if not words or words[0] not in _VERBS:
        return None
    parser = argparse.ArgumentParser(prog="python -m services.feedback")
    verbs = parser.add_subparsers(dest="verb", required=True)
    projection = verbs.add_parser("projection", help="what citizens see").add_subparsers(dest="what", required=True)
    projection.add_parser("rebuild", help="make it anew from the streams, while it is served")
    parser.parse_args(words)
    return asyncio.run(_rebuild(Settings()))


async def _rebuild(settings: Settings) -> int:
    logs.configure(MANIFEST.name, settings.log_level)
    async with open_context(MANIFEST, settings) as context:
        await context.bus.ready()
        report = await Rebuild(context).run()
    print(report)
    return 1 if report.unsettled else 0
