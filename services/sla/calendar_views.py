"""What the calendar doors take and show: notices, hours, what a publication would move, and what is missing."""

from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.sla.hours import HoursCode
from services.sla.notices import LONGEST_NAME, MOST_ROWS
from services.sla.recount import Preview
from services.sla.views import Local

Reason = Annotated[str, Field(min_length=2, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class NoticeRow(_Body):
    kind: str = Field(max_length=10)
    """`holiday` (放假) or `workday` (上班)."""
    first: str = Field(alias="from", max_length=10)
    last: str | None = Field(None, alias="to", max_length=10)
    name: str = Field(max_length=LONGEST_NAME)


class NoticeBody(_Body):
    """The notice of one year, typed in or as its file holds it."""

    year: int
    source: str = Field(max_length=100)
    rows: list[NoticeRow] = Field(max_length=MOST_ROWS)
    reason: Reason = "载入年度放假安排"


class HoursBody(_Body):
    """Working hours of a kind, from a day on; `valid_from` left out makes a new kind of hours."""

    code: HoursCode
    name: str = Field(min_length=1, max_length=60)
    windows: list[Annotated[str, Field(max_length=20)]] = Field(min_length=1, max_length=12)
    every_day: bool = False
    valid_from: date | None = None
    reason: Reason


class UnitHoursBody(_Body):
    hours_code: HoursCode
    valid_from: date
    reason: Reason


class Shift(BaseModel):
    days: int
    """Calendar days by which the due day moves; 0 is within the day."""
    clocks: int


class ExampleView(BaseModel):
    case_id: UUID
    kind: str
    unit_code: str | None
    from_due_at: Local
    due_at: Local


class PreviewView(BaseModel):
    """What publishing does to open clocks."""

    looked: int
    moved: dict[str, int]
    """By kind of hours."""
    later: int
    earlier: int
    confirmed: int
    unconfirmed: int
    cases: int
    shifts: list[Shift]
    examples: list[ExampleView]

    @classmethod
    def of(cls, found: Preview) -> Self:
        return cls(
            looked=found.looked,
            moved=dict(found.moved),
            later=found.later,
            earlier=found.earlier,
            confirmed=found.confirmed,
            unconfirmed=found.unconfirmed,
            cases=len(found.cases),
            shifts=[Shift(days=days, clocks=n) for days, n in sorted(found.days.items())],
            examples=[
                ExampleView(
                    case_id=UUID(int=each.row["case_id"].int),
                    kind=each.row["kind"],
                    unit_code=each.row["unit_code"],
                    from_due_at=each.was_due_at,
                    due_at=each.due_at,
                )
                for each in found.examples
            ],
        )


class PublishedView(BaseModel):
    """A dry run has no `publication_id`; otherwise the open clocks are being counted again."""

    publication_id: UUID | None
    versions: list[str]
    notes: list[str]
    """In Chinese; what looks odd but is allowed."""
    preview: PreviewView


class PublicationView(BaseModel):
    publication_id: UUID
    versions: list[str]
    reason: str
    published_by: str
    published_at: Local
    finished_at: Local | None
    moved: dict[str, int]

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls.model_validate(row, from_attributes=True)


class PublicationList(BaseModel):
    publications: list[PublicationView]


class MissingView(BaseModel):
    hours_code: str
    version: str
    year: int
    needed_on: date
    alarm_on: date
    days_left: int
    raised: bool


class AlarmView(BaseModel):
    missing: list[MissingView]
    provisional_clocks: int


class UnitHoursView(BaseModel):
    unit_code: str
    hours_code: str
    valid_from: date


class UnitHoursList(BaseModel):
    units: list[UnitHoursView]
