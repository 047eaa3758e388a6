"""The HTTP door of the KPIs: definitions, tables (JSON or CSV) and the cases behind a number."""

from datetime import date, datetime, time
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.sla.hours import SHENZHEN
from services.sla.kpi import reading, views
from services.sla.kpi.counting import By, Filter, Period, Question
from services.sla.kpi.definitions import Kpi, KpiEdition, shipped_kpis
from services.sla.kpi.reading import Line
from services.sla.settings import Settings
from services.sla.store import SlaTx
from services.sla.usecases import EVERYWHERE, OtherUnit
from shared import actors
from shared.actors import requires
from shared.context import Context
from shared.errors import FieldError, InvalidInput
from shared.tokens import Actor

routes = APIRouter(prefix="/kpis", tags=["kpis"])

Here = Annotated[Context[Settings, SlaTx], Depends(actors.here)]
AtWork = Annotated[Actor, Depends(requires(kind="staff"))]
SEES_ALL = EVERYWHERE | {"analyst", "discipline", "ruling_panel", "callback_clerk"}
LONGEST_DAYS = 366
UnitCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
KpiCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,40}$")]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]
HEADINGS: dict[By, str] = {
    "unit": "单位", "class": "大类", "subclass": "中类", "category": "小类", "subdistrict": "街道", "community": "社区",
    "channel": "渠道", "type": "类型", "day": "日期", "month": "月份",
}  # fmt: skip
TABLE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}
}


class PeriodUnusable(InvalidInput):
    """The period must end after it begins and be no longer than a year."""

    zh: ClassVar[str] = "统计时段须先始后终，且不超过一年"


class Asked(BaseModel):
    """The period, in whole days of Shenzhen, and what of the district is looked at."""

    model_config = ConfigDict(extra="forbid")

    first: Day = Field(alias="from")
    end: Day = Field(alias="to", description="The day after the last one")
    unit_code: list[UnitCode] = Field(default=[], max_length=50)
    category_code: Annotated[str, Field(pattern=r"^[0-9]{2,7}$")] | None = None
    area_code: Annotated[str, Field(pattern=r"^[0-9]{6,12}$")] | None = None
    channel_code: Annotated[str, Field(pattern=r"^[a-z0-9_]{2,40}$")] | None = None
    type_code: Annotated[str, Field(pattern=r"^[a-z_]{2,20}$")] | None = None

    def question(self, by: By, actor: Actor) -> Question:
        """Raises `PeriodUnusable`; `OtherUnit` when somebody asks for a unit that is not theirs to see."""
        if not 0 < (self.end - self.first).days <= LONGEST_DAYS:
            raise PeriodUnusable(
                fields=(FieldError("query/to", "must be 1 to 366 days after `from`", "时段须为1至366天"),)
            )
        units = tuple(self.unit_code) or None
        if not actor.has(*SEES_ALL):
            if units is not None and not set(units) <= actor.units:
                raise OtherUnit
            units = units or tuple(sorted(actor.units))
        only = Filter(units, self.category_code, self.area_code, self.channel_code, self.type_code)
        return Question(by, Period(_midnight(self.first), _midnight(self.end)), only)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=SHENZHEN)


class AskedTable(Asked):
    by: By = "unit"
    code: list[KpiCode] = Field(default=[], max_length=40, description="All of them when none is named")
    compare: bool = Field(default=False, description="Also the period before and the same one a year ago")
    format: Literal["json", "csv"] = "json"


class AskedCases(Asked):
    part: Literal["counted", "missed", "all"] = "all"
    after: UUID | None = None
    limit: int = Field(default=50, ge=1, le=200)


@routes.get("")
async def list_kpis(_: AtWork, here: Here) -> views.KpiList:
    """What each number means, what is left out, and where the rule comes from."""
    edition = shipped_kpis().at(here.clock.now().astimezone(SHENZHEN).date())
    return views.KpiList(edition=edition.edition, kpis=[views.KpiView.of(kpi, edition) for kpi in edition.kpis])


@routes.get("/table", response_model=views.KpiTable, responses=TABLE)
async def read_table(asked: Annotated[AskedTable, Query()], actor: AtWork, here: Here) -> views.KpiTable | Response:
    """All KPIs over one dimension for a period of at most a year; people of a unit see their own units."""
    question, edition = asked.question(asked.by, actor), shipped_kpis().at(asked.end)
    kpis = [edition[code] for code in dict.fromkeys(asked.code)] or list(edition.kpis)
    async with here.begin() as tx:
        lines = await reading.table(tx.connection, edition, kpis, question)
        besides = await _beside(tx, edition, kpis, question) if asked.compare else views.Besides()
        names = await reading.units(tx.connection) if asked.by == "unit" else {}
        day_seconds = (await tx.stopwatch()).calendar.day_seconds
    whole = next((one for one in lines if one.whole), Line(None, True, {k.code: reading.NOTHING for k in kpis}))
    shown = views.KpiTable(
        edition=edition.edition,
        by=asked.by,
        first=asked.first,
        end=asked.end,
        whole=views.line(whole, "合计", kpis, day_seconds, besides),
        lines=[views.line(o, names.get(o.key or "", ""), kpis, day_seconds, besides) for o in lines if not o.whole],
        without=_without(kpis, lines, names, question) if asked.by == "unit" else [],
    )
    if asked.format == "json":
        return shown
    headers = {"Content-Disposition": f'attachment; filename="kpis-{asked.first}-{asked.end}.csv"'}
    content = views.as_csv(shown, kpis, HEADINGS[asked.by])
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


async def _beside(tx: SlaTx, edition: KpiEdition, kpis: list[Kpi], asked: Question) -> views.Besides:
    """By the definitions of the period itself, so that only what happened differs. Days and months have no like."""
    found = []
    for period in (reading.before(asked.period), reading.years_back(asked.period)):
        lines = await reading.table(tx.connection, edition, kpis, Question(asked.by, period, asked.only))
        found.append({one.key: one.numbers for one in lines if one.whole or one.key is not None})
    return views.Besides(*found)


def _without(kpis: list[Kpi], lines: list[Line], names: dict[str, str], asked: Question) -> list[views.Without]:
    known = set(names) if asked.only.units is None else set(asked.only.units)
    found = []
    for kpi in kpis:
        counted = {one.key for one in lines if one.numbers[kpi.code].denominator}
        if missing := sorted(known - counted):
            found.append(views.Without(code=kpi.code, units=missing))
    return found


@routes.get("/{code}/cases")
async def read_cases(
    code: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{2,40}$")],
    asked: Annotated[AskedCases, Query()],
    actor: AtWork,
    here: Here,
) -> views.Behind:
    """The cases behind a number: those that count, those that are missing from it, or all it is taken of."""
    question, edition = asked.question("unit", actor), shipped_kpis().at(asked.end)
    async with here.begin() as tx:
        found = await reading.behind(
            tx.connection, edition, edition[code], question, part=asked.part, after=asked.after, limit=asked.limit + 1
        )
    shown = found[: asked.limit]
    lines = [views.BehindLine(**{name: row[name] for name in views.BehindLine.model_fields}) for row in shown]
    more = len(found) > asked.limit
    return views.Behind(code=code, part=asked.part, cases=lines, next=shown[-1]["cursor"] if more else None)
