"""The router's settings, read once by its composition root."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings

METADATA = ("168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32", "fd00:ec2::254/128")
"""Where clouds tell a machine its own secrets, as far as that is not link-local: Azure, Alibaba, Oracle, AWS on IPv6."""


def _network(written: str) -> str:
    return str(ip_network(written))


type Networks = tuple[Annotated[str, AfterValidator(_network)], ...]


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
    due_soon_hours: float = 24.0
    """How long before it is due an order counts as due soon in a work list."""
    webhook_private_targets: bool = False
    """Allow webhooks to plain http and to private or loopback addresses; only for a system on one machine."""
    webhook_private_networks: Networks = ()
    """Inner networks webhooks may go to all the same, such as the government extranet; http is allowed there."""
    webhook_refused_networks: Networks = METADATA
    """Networks no webhook goes to, whatever else is allowed; link-local addresses are always refused."""
    webhook_retry_seconds: tuple[float, ...] = (5, 30, 120, 600, 3600, 14400, 43200)
    """Waiting times between attempts; after the last one a delivery is dead until replayed."""
    webhook_jitter_share: float = 0.2
    """Each waiting time is lengthened by up to this share, so that many do not come back at once."""
    webhook_timeout_seconds: float = 10.0
    webhook_lease_seconds: float = 60.0
    """After this long without an outcome another worker may deliver the same message; over twice the timeout."""
    webhook_lane: int = 10
    """How many messages of different cases are on their way to one endpoint at once."""
    webhook_circuit_failures: int = 20
    """Failures in a row after which an endpoint is given a rest; what waits for it waits."""
    webhook_circuit_seconds: tuple[float, ...] = (60, 120, 300, 900)
    """How long the rest is before one message is tried: the first time, the second time …, then always the last."""
    webhook_secret_overlap_hours: float = 24.0
    """How long messages also carry a signature by the secret that was replaced."""
    feed_days: float = 90.0
    """How long the feed, and what waits for a switched-off endpoint, is kept; longer than any department is down."""
    deliveries_days: float = 30.0
    """How long the record of what was delivered, or given up, is kept."""
    kept_answers_hours: float = 48.0
    """How long a repeated request gets its first answer again."""

    @model_validator(mode="after")
    def _leased_long_enough(self) -> Self:
        """Looking the host up and waiting for its answer may take the timeout each."""
        if self.webhook_lease_seconds <= 2 * self.webhook_timeout_seconds:
            raise ValueError("ROUTER_WEBHOOK_LEASE_SECONDS must be more than twice ROUTER_WEBHOOK_TIMEOUT_SECONDS")
        if not self.webhook_circuit_seconds or self.webhook_circuit_failures < 1 or self.webhook_lane < 1:
            raise ValueError("the rest of a webhook, its failures and its lane must be one or more")
        return self
