"""What is asked of, and answered by, the simulation of a version of the catalogue."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.router.past_cases import Period
from services.router.simulation_report import SimulationReport

MOST_CASES = 2000
"""Replayed in one call, some three seconds; the command line has no bound."""
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]


class SimulationRequest(BaseModel):
    """The cases received from one day on and before another, in Shenzhen."""

    model_config = ConfigDict(extra="forbid")

    first: Day = Field(alias="from")
    end: Day = Field(alias="to")
    after: UUID | None = None
    """Goes on where the last answer stopped: its `next`."""

    def period(self) -> Period:
        return Period(self.first, self.end)


class SimulationView(SimulationReport):
    most_cases: int = MOST_CASES
    next: UUID | None
    """There are more cases in the period than one call replays: give it as `after`; null on the last page."""

    @classmethod
    def of(cls, report: SimulationReport, after: UUID | None) -> "SimulationView":
        return cls(**report.model_dump(), next=after)
