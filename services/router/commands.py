"""Owns the command line beside what every service has: groups of verbs that need no settings and no database."""

from importlib import import_module

GROUPS = {
    "catalogue": "services.router.catalogue_commands",
    "classifier": "services.router.classifier_commands",
    "dispatch": "services.router.dispatch_commands",
    "model": "services.router.model_commands",
    "rules": "services.router.rules_commands",
}
"""Imported when they are called: some of them bring heavy libraries."""


def run(argv: list[str]) -> int | None:
    """The exit status of a group's command; None when this is none of them."""
    if not argv or argv[0] not in GROUPS:
        return None
    status: int = import_module(GROUPS[argv[0]]).run(argv[1:])
    return status
