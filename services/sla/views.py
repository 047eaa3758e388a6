"""What the HTTP door takes and shows: clocks, calendars and due times."""

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from services.sla import wording
from services.sla.almanac import Kept
from services.sla.domain import CaseClocks
from services.sla.hours import OFFICE, SHENZHEN
from services.sla.stopwatch import Clock, State, Stopwatch
from services.sla.workdays import CountFrom, Unit

FIRST_YEAR, LAST_YEAR = 2000, 2100


def _sensible(at: datetime) -> datetime:
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(f"must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return at.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_sensible)]
Local = Annotated[datetime, PlainSerializer(lambda at: at.astimezone(SHENZHEN).isoformat(), when_used="json")]
"""An instant shown with Shenzhen's offset."""


class LimitView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    amount: int
    unit: Unit
    count_from: CountFrom


class RuleView(BaseModel):
    code: str
    reason: str
    """In Chinese."""


class PauseView(BaseModel):
    since: Local
    until: Local | None
    """None while it stands still."""


class ClockView(BaseModel):
    clock_id: UUID
    case_id: UUID
    case_no: str | None
    kind: str
    order_id: UUID | None
    unit_code: str | None
    round: int
    state: State
    started_at: Local
    due_at: Local
    due_text: str
    original_due_at: Local
    """When it was due at first, before any extension, suspension or new calendar."""
    pauses: list[PauseView]
    warned_at: Local | None
    breached_at: Local | None
    stopped_at: Local | None
    on_time: bool | None
    """None while it runs."""
    elapsed_seconds: int
    """Counted the way the limit is; until it was stopped, if it was."""
    remaining_seconds: int
    """Likewise; negative is by how much it is late."""
    share_used: float
    limit: LimitView
    rule: RuleView
    calendar: str
    provisional: bool
    """The due time rests on a year whose holidays are not yet known."""

    @classmethod
    def of(
        cls, clock: Clock, *, case_id: UUID, case_no: str | None, stopwatch: Stopwatch, now: datetime
    ) -> "ClockView":
        calendar = stopwatch.calendar_of(clock)
        until = clock.stopped_at or max(now, clock.started_at)
        counted = clock.pauses[-1][0] if clock.paused else until
        return cls(
            clock_id=clock.clock_id,
            case_id=case_id,
            case_no=case_no,
            kind=clock.kind,
            order_id=clock.order_id,
            unit_code=clock.unit_code,
            round=clock.round,
            state=clock.state,
            started_at=clock.started_at,
            due_at=clock.due_at,
            due_text=wording.due_text(calendar, clock.due_at),
            original_due_at=clock.original_due_at,
            pauses=[PauseView(since=since, until=end) for since, end in clock.pauses],
            warned_at=clock.warned_at,
            breached_at=clock.breached_at,
            stopped_at=clock.stopped_at,
            on_time=clock.on_time,
            elapsed_seconds=stopwatch.used(clock, until),
            remaining_seconds=calendar.remaining(counted, clock.due_at, clock.unit),
            share_used=round(stopwatch.share_used(clock, until), 4),
            limit=LimitView(amount=clock.amount, unit=clock.unit, count_from=clock.count_from),
            rule=RuleView(code=clock.rule_code, reason=stopwatch.book.explain(clock.rule_code)),
            calendar=clock.calendar,
            provisional=clock.provisional,
        )


class CaseClocksView(BaseModel):
    case_id: UUID
    case_no: str | None
    submitted_at: Local | None
    filed_at: Local | None
    supervised_at: Local | None
    clocks: list[ClockView]

    @classmethod
    def of(cls, case: CaseClocks, now: datetime) -> "CaseClocksView":
        return cls(
            case_id=case.case_id,
            case_no=case.case_no,
            submitted_at=case.submitted_at,
            filed_at=case.filing.filed_at if case.filing else None,
            supervised_at=case.supervised_at,
            clocks=[
                ClockView.of(clock, case_id=case.case_id, case_no=case.case_no, stopwatch=case.stopwatch, now=now)
                for clock in sorted(case.clocks, key=lambda clock: (clock.started_at, clock.due_at, clock.kind))
            ],
        )


class ClockList(BaseModel):
    clocks: list[ClockView]
    next: str | None
    """`after` of the next page; None when this is the last."""


class HoursView(BaseModel):
    code: str
    name: str
    every_day: bool
    windows: list[str]


class SpecialDayView(BaseModel):
    day: date
    working: bool
    name: str


class CalendarView(BaseModel):
    version: str
    name: str
    source: str
    zone: str
    in_use: bool
    adopted_at: Local
    known_years: list[int]
    hours: HoursView
    special_days: list[SpecialDayView]
    """Holidays and make-up working days of the years asked for."""

    @classmethod
    def of(cls, kept: Kept, year: int | None) -> "CalendarView":
        data = kept.data
        return cls(
            version=data.version,
            name=data.name,
            source=data.source,
            zone=data.zone,
            in_use=kept.in_use,
            adopted_at=kept.adopted_at,
            known_years=list(data.known_years),
            hours=HoursView(
                code=data.hours.code,
                name=data.hours.name,
                every_day=data.hours.every_day,
                windows=[str(window) for window in data.hours.windows],
            ),
            special_days=[
                SpecialDayView(day=special.day, working=special.working, name=special.name)
                for special in data.special_days
                if special.day.year == year
            ],
        )


class CalendarList(BaseModel):
    calendars: list[CalendarView]


class DueDateQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid")

    start: Instant
    amount: Annotated[int, Field(ge=1, le=10_000)]
    unit: Unit
    count_from: CountFrom | None = None
    """Left out: at once for hours, from the next day for days."""
    hours: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")] = OFFICE
    """Whose working hours: `office`, `service_hall` or `centre_24h`."""
    calendar: Annotated[str, Field(pattern=r"^[a-z0-9._-]{1,80}$")] | None = None
    """A calendar version; left out, the one in use for these hours."""


class DueDate(BaseModel):
    due_at: Local
    due_day: date
    provisional: bool
    unknown_year: int | None
    calendar: str
    limit: LimitView
    explanation: str
    """In Chinese."""
