"""The citizen's words as a value, and how instants and units are said in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.feedback.domain.facts import Facts, PlanNode

SHENZHEN = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class NodeWords:
    milestone: str
    label: str
    done: str
    waiting: str


@dataclass(frozen=True, slots=True)
class SideWords:
    label: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One version of `catalog/progress.yaml`."""

    version: str
    longest: int
    unfiled: tuple[PlanNode, ...]
    nodes: Mapping[str, NodeWords]
    passed: Mapping[str, str]
    handling_with_others: str
    filed_with_due: str
    provisional: str
    answered: str
    unknown_unit: str
    refused: str
    right_channel: str
    handed_over: str
    sides: Mapping[str, SideWords]
    states: Mapping[str, str]
    types: Mapping[str, str]
    refusals: Mapping[str, str]
    countdown: Mapping[str, str]

    def names(self, facts: Facts) -> dict[str, str]:
        """What a text may name: units, never persons."""
        lead, reply = facts.lead(), facts.reply()
        unit = lead.unit_name if lead else reply.unit_name if reply else self.unknown_unit
        others = "、".join(order.unit_name for order in facts.others())
        return {"unit": unit, "others": others, "due": self.due(facts), "round": str(facts.round)}

    def due(self, facts: Facts) -> str:
        if facts.due_at is None:
            return ""
        return spoken(facts.due_at, facts.submitted_at) + (self.provisional if facts.due_provisional else "")


def spoken(at: datetime, since: datetime | None) -> str:
    """`11月30日 18:00` in Shenzhen; with the year where it is not the year of `since`."""
    local = at.astimezone(SHENZHEN)
    other_year = since is None or since.astimezone(SHENZHEN).year != local.year
    return f"{f'{local.year}年' if other_year else ''}{local.month}月{local.day}日 {local:%H:%M}"
