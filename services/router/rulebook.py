"""Which rules a case is judged by: every shipped edition, read once, and the desk's own `desk.yaml`."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import chinese_calendar
import yaml

from services.router import catalogue
from services.router.classifier import Classifier
from services.router.domain.cases import Case
from services.router.domain.rules import SHENZHEN, DeskRules, Rules

DESK = Path(__file__).parent / "desk.yaml"


@dataclass(frozen=True)
class Edition:
    rules: Rules
    classifier: Classifier


class Rulebook:
    """All editions in one folder; opened by the composition root, or with what ships at first use."""

    def __init__(self) -> None:
        self._editions: dict[str, Edition] = {}
        self._root = catalogue.SHIPPED

    def open(self, root: Path | None) -> None:
        """Read every edition under `root` (what ships when None); an invalid one stops the start."""
        self._root = root or catalogue.SHIPPED
        desk = read_desk(DESK)
        editions: dict[str, Edition] = {}
        for file in sorted(self._root.glob("*/edition.yaml")):
            loaded = catalogue.load(file.parent)
            rules = Rules(loaded, desk, is_working_day)
            editions[loaded.edition.id] = Edition(rules, Classifier(loaded))
        self._editions = editions

    def in_force(self, now: datetime) -> Edition:
        """By the date in Shenzhen; of several the one that began last."""
        self._ready()
        day = now.astimezone(SHENZHEN).date()
        found = [one for one in self._editions.values() if one.rules.catalogue.edition.in_force(day)]
        if not found:
            raise catalogue.NoEditionInForce
        return max(found, key=lambda one: one.rules.catalogue.edition.effective_from)

    def of(self, case: Case) -> Rules:
        """The edition a case was filed under; a later one never changes a running case."""
        self._ready()
        return self._editions[case.edition].rules

    def _ready(self) -> None:
        if not self._editions:
            self.open(self._root)


def is_working_day(day: date) -> bool:
    """By the State Council's yearly notice; a year not announced yet is taken as Monday to Friday.

    Only the return window is counted here. The promises to citizens are counted by sla, which marks such years.
    """
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.isoweekday() <= 5  # noqa: PLR2004  Friday


def read_desk(file: Path) -> DeskRules:
    raw: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    roles = raw["roles"]
    return DeskRules(
        classify_roles=frozenset(roles["classify"]),
        not_accept_roles=frozenset(roles["not_accept"]),
        see_all_roles=frozenset(roles["see_all"]),
        department_acts_as=frozenset(raw["department_acts_as"]),
        photo_types=frozenset(raw["photo_types"]),
        always_queued=frozenset(raw["always_queued"]),
        not_accepted={one["code"]: (one["zh"], one["en"]) for one in raw["not_accepted"]},
    )
