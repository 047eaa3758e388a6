"""The router's settings, read once by its composition root."""

from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="ROUTER_", frozen=True, extra="ignore", hide_input_in_errors=True)

    signing_key: SecretStr
    """Private Ed25519 JSON Web Key that signs the tokens of staff; its public half is in every service's token_keys."""
    vault_keys: SecretStr
    """Keys for the secrets of webhooks at rest, `2026a:<32 bytes in base64url>,2025a:…`; all of them decrypt."""
    vault_current: str
    """Name of the key that encrypts; `migrate` moves everything under it."""
    first_accounts: SecretStr = SecretStr("[]")
    """JSON list of {login, password, name, roles, units}; made at the first start, never changed by it afterwards."""
    first_api_keys: SecretStr = SecretStr("[]")
    """JSON list of {key, name, roles, units}; admitted at the first start."""
    catalogue_folder: Path | None = None
    """Folder with the tables and rules of the catalogue (docs/catalogue.md); what ships when empty."""
    learn_at_start: bool = True
    """Let the worker train a first model from the catalogue's own texts where there is none; takes a minute of one core."""
    experience_from_cases: int = 200
    """From so many handled cases on, retraining also learns which unit such cases go to and how often they are late."""
    session_hours: float = 8.0
    """How long a login lasts, however busy somebody is."""
    session_idle_minutes: float = 30.0
    """How long a token lasts; who is still at work has it renewed before."""
    second_factor: Literal["required", "offered"] = "required"
    """Whether administrators must enrol an authenticator before they may do anything."""
    machine_token_hours: float = 1.0
    """How long the token lasts that a department's system gets for its API key; also how long it outlives the key."""
    lockout_failures: int = 5
    """Wrong passwords in a row before an account is locked."""
    lockout_minutes: float = 15.0
    login_failures_per_address: int = 50
    """Failed logins from one network address within as many minutes; an office may share one address."""
    webhook_private_targets: bool = False
    """Allow webhooks to plain http and to private or loopback addresses; only for a system on one machine."""
    webhook_retry_seconds: tuple[float, ...] = (5, 30, 120, 600, 3600, 14400, 43200)
    """Waiting times between attempts; after the last one a delivery is dead until replayed."""
    webhook_jitter_share: float = 0.2
    """Each waiting time is lengthened by up to this share, so that many do not come back at once."""
    webhook_timeout_seconds: float = 10.0
    webhook_lease_seconds: float = 60.0
    """After this long without an outcome another worker may deliver the same message; longer than the timeout."""
    webhook_secret_overlap_hours: float = 24.0
    """How long messages also carry a signature by the secret that was replaced."""
    feed_days: float = 90.0
    """How long the feed, and what waits for a switched-off endpoint, is kept; longer than any department is down."""
    deliveries_days: float = 30.0
    """How long the record of what was delivered, or given up, is kept."""
    kept_answers_hours: float = 48.0
    """How long a repeated request gets its first answer again."""
