"""The clocks of 信访工作条例 that begin or end outside this system."""

from functools import lru_cache

import yaml
from pydantic import BaseModel, ConfigDict, Field

from services.sla.limits import CATALOG, Code
from services.sla.workdays import Limit, Unit


class LegalClock(BaseModel):
    """So much time the law gives somebody, from when on, and by how much it may be prolonged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Code
    name: str
    amount: int = Field(ge=1)
    unit: Unit
    extension: int | None = Field(None, ge=1)
    begins: str
    source: str

    @property
    def limit(self) -> Limit:
        return Limit(self.amount, self.unit)

    @property
    def extended(self) -> Limit | None:
        """The longest it can become."""
        return None if self.extension is None else Limit(self.amount + self.extension, self.unit)


@lru_cache(maxsize=1)
def legal_clocks() -> tuple[LegalClock, ...]:
    raw = yaml.safe_load((CATALOG / "legal-clocks.yaml").read_text("utf-8"))
    return tuple(LegalClock.model_validate(each) for each in raw)
