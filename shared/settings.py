"""Settings every service has, read once in its composition root and passed down."""

from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Read from the environment under the service's prefix (`INTAKE_…`); secrets have no default."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True)

    database_url: SecretStr
    """postgresql://role:password@host:port/database"""
    database_pool: int = 8
    """Connections a process may hold open."""
    nats_url: str = "nats://127.0.0.1:4222"
    """One or several servers, separated by commas."""
    bus_prefix: str = ""
    """Put before every stream and subject name, so that several systems can share one NATS."""
    stream_replicas: int = 1
    """1 alone, 3 in a cluster."""
    stream_max_age_days: float = 30.0
    """How long the streams remember."""
    ack_wait_seconds: float = 10.0
    """After this long without an ack an event is delivered again."""
    outbox_retention_minutes: float = 60.0
    """Published rows are kept this long; must be longer than the interval at which JetStream syncs its files."""
    token_keys: str
    """Public JSON Web Key Set (JSON) that people's tokens are verified with."""
    oidc_issuer: str = ""
    """When set, tokens of this OpenID Connect issuer are accepted too, verified through its published keys."""
    oidc_audience: str = "huying"
    clock: str = "real"
    """`real`; for demonstrations `accelerated:<unix anchor>:<start>:<rate>` or `shared:<file>`."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_port: int = 0
    """Port on which a worker shows its metrics; 0 shows none (the API shows its own under /metrics)."""
