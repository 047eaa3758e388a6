"""Owns the command line beside what every service has: groups of verbs about working time and limits."""

from importlib import import_module

GROUPS = {"calendar": "services.sla.calendar_commands", "limits": "services.sla.limit_commands"}


def run(argv: list[str]) -> int | None:
    """The exit status of a group's command; None when this is none of them."""
    if not argv or argv[0] not in GROUPS:
        return None
    status: int = import_module(GROUPS[argv[0]]).run(argv[1:])
    return status
