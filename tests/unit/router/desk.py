"""Cases and actors for the tests of the desk's rules, on the catalogue that ships."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from contracts.events.intake import CaseSubmitted, CaseType, Place
from services.router.domain import filing
from services.router.domain.cases import Case
from services.router.domain.orders import Photo
from services.router.domain.rules import Rules
from services.router.rulebook import Rulebook
from shared.ids import new_id
from shared.tokens import Actor

START = datetime(2026, 9, 14, 2, 0, tzinfo=UTC)
"""A Monday, 10:00 in Shenzhen."""
GARBAGE = "0101001"
UNIT = "PS-S01"


@cache
def rules() -> Rules:
    return Rulebook().in_force(START).rules


def actor(*roles: str, units: tuple[str, ...] = (), kind: Literal["citizen", "staff", "machine"] = "staff") -> Actor:
    return Actor(id="-".join(roles) or "nobody", kind=kind, roles=frozenset(roles), units=frozenset(units))


HANDLER = actor("handler", units=(UNIT,))
MANAGER = actor("unit_manager", units=(UNIT,))
DISPATCHER = actor("dispatcher", units=("PS-C00",))
REVIEWER = actor("reviewer", units=("PS-C00",))


def received(**more: Any) -> Case:
    values = {
        "case_no": "PS26091400000188",
        "look_up_hash": "ab" * 32,
        "channel_code": "wechat_pingshan",
        "origin_channel_code": "wechat_pingshan",
        "citizen_id": new_id(),
        "title": "",
        "text": "巷口的垃圾堆了三天没人拉",
        "place": Place(area_code="440310001"),
        "received_at": START,
        **more,
    }
    return filing.receive(new_id(), CaseSubmitted(**values), rules())


def decision(
    category: str | None = GARBAGE,
    type_code: CaseType = "complaint",
    *,
    sure: bool = True,
    area: str | None = "440310001",
) -> filing.Decision:
    return filing.Decision(category, type_code, area, 0.9 if sure else 0.3, "rules", sure=sure)


def filed(
    *,
    type_code: CaseType = "complaint",
    category: str = GARBAGE,
    photo: bool = True,
    area: str | None = "440310001",
    **more: Any,
) -> Case:
    """A case in the unit's hands, with a photo already beside its order."""
    case = received(**more)
    filing.decide(case, decision(category, type_code, area=area), rules(), now=START)
    for order in case.orders:
        if photo:
            order.photos.append(Photo(new_id(), "after"))
    return case


def said(case: Case) -> list[str]:
    return [news.event.TYPE.removesuffix(".v1") for news in case.news]
