"""What can be set about the stopwatch."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="SLA_", frozen=True, extra="ignore", hide_input_in_errors=True)

    timer_poll_seconds: float = Field(0.2, gt=0, le=60)
    """How often the timers are looked at when none was due; a warning or breach is told at most this much late."""
    timer_batch: int = Field(500, ge=1, le=5000)
    """Timers fired in one transaction."""
    catch_up_seconds: float = Field(10.0, ge=0)
    """After a start or a break of the bus, timers wait at most this long until what happened meanwhile is heard."""
