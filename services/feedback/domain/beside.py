"""What happened beside the process: most cases have none of it, so it is kept apart and costs them nothing."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(slots=True)
class Extended:
    """延期: the promised time was moved, with a reason the citizen reads."""

    at: datetime
    due_at: datetime
    reason: str


@dataclass(slots=True)
class Suspended:
    """挂账: the work waits for a promised day."""

    at: datetime
    promised_at: datetime
    next_contact_at: datetime
    reason: str
    resumed_at: datetime | None = None


@dataclass(slots=True)
class Recomputed:
    """A calendar was published, and the promised time counted again."""

    at: datetime
    due_at: datetime


@dataclass(slots=True)
class Refused:
    """不予受理: why, and which channel is the right one."""

    at: datetime
    reason: str
    right_channel: str
    handed_over: bool


@dataclass(slots=True)
class Said:
    """Something its citizen, or an operator for them, has said since."""

    at: datetime
    kind: Literal["urged", "supplemented", "withdrawing"]


@dataclass(slots=True)
class Beside:
    said: list[Said] = field(default_factory=list)
    extensions: list[Extended] = field(default_factory=list)
    suspensions: list[Suspended] = field(default_factory=list)
    recomputed: list[Recomputed] = field(default_factory=list)
    refused: Refused | None = None
    merged_at: datetime | None = None
    unmerged_at: datetime | None = None
    ended_because: str = ""
    """Why it ended without a result, as the citizen reads it."""

    @property
    def suspended(self) -> Suspended | None:
        """The suspension the case is under now."""
        last = self.suspensions[-1] if self.suspensions else None
        return last if last is not None and last.resumed_at is None else None

    @property
    def withdrawing(self) -> bool:
        return any(said.kind == "withdrawing" for said in self.said)
