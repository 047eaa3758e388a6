"""Owns the whole examination of a set of tables: what keeps it from being used, and what somebody should look at."""

from datetime import date

from services.router.catalogue import reading
from services.router.catalogue.editions import Editions
from services.router.catalogue.files import Files
from services.router.catalogue.likeness import check_likeness
from services.router.catalogue.reach import check_reach
from services.router.catalogue.sheet import Problem, Report, read_yaml
from services.router.catalogue.validity import check_validity
from services.router.catalogue.whole import Catalogue


def examine_fully(files: Files, today: date) -> tuple[dict[str, Catalogue], tuple[Problem, ...]]:
    """The editions with every problem; no editions where there is a fault. Takes seconds, so nothing that starts does it.

    Likeness and reach are looked at once nothing else is wrong: a broken table would only make noise there.
    """
    found, problems = reading.examine(files)
    report = Report(list(problems))
    if found:
        # Read a second time, so that what is found now can point at its rows.
        tables = reading.read_tables(files, report)
        listed = read_yaml(files, "editions.yaml", Editions, report)
        if listed is not None:
            check_likeness(tables, listed.likeness, report)
        for catalogue in found.values():
            check_reach(tables, catalogue)
        check_validity(tables, [one.edition for one in found.values()], today, report)
    return ({} if report.faults() else found), report.sorted()
