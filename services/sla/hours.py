"""Whose working hours count: the calendars in use by kind of hours, and which kind each unit keeps from which day on."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field

from services.sla.workdays import Calendar

OFFICE: Final = "office"
SHENZHEN = ZoneInfo("Asia/Shanghai")
FILE = Path(__file__).parent / "catalog" / "working-time.yaml"

HoursCode = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
UnitCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UnitHours(_Data):
    """A unit keeps these hours from this day on."""

    unit_code: UnitCode
    hours_code: HoursCode = Field(alias="hours")
    valid_from: date


class WorkingTime(_Data):
    """What `working-time.yaml` says."""

    alarm_days: int = Field(ge=1, le=366)
    units: tuple[UnitHours, ...]


def shipped_working_time() -> WorkingTime:
    return WorkingTime.model_validate(yaml.safe_load(FILE.read_text("utf-8")))


@dataclass(frozen=True)
class Hours:
    """The calendars in use, and which of them a unit's clocks are counted in; office hours for everybody not named."""

    calendars: Mapping[str, Calendar]
    units: Mapping[str, Sequence[tuple[date, str]]] = field(default_factory=dict)
    """Rising by day."""
    editions: tuple[str, ...] = ()
    """Limit editions published here; both are asked for in every transaction, so they are asked for together."""

    @cached_property
    def office(self) -> Calendar:
        return self.calendars[OFFICE]

    @cached_property
    def by_version(self) -> Mapping[str, Calendar]:
        return {calendar.version: calendar for calendar in self.calendars.values()}

    def code_of(self, unit_code: str | None, at: datetime) -> str:
        """Which hours count for a clock of this unit (None: of the case as a whole) that starts at `at`."""
        if unit_code is None or unit_code not in self.units:
            return OFFICE
        kept = self.units[unit_code]
        found = bisect_right(kept, at.astimezone(SHENZHEN).date(), key=lambda entry: entry[0])
        return kept[found - 1][1] if found else OFFICE

    def calendar(self, unit_code: str | None, at: datetime) -> Calendar:
        """Likewise; a kind of hours that has no calendar is not to be had (the office's takes its place)."""
        return self.calendars.get(self.code_of(unit_code, at), self.office)
