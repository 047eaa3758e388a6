"""What the operator of a standalone system may set, by environment variable."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Options(BaseSettings):
    """`HUYING_…`; everything has a default, so `make up` needs nothing."""

    model_config = SettingsConfigDict(env_prefix="HUYING_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    """Address the one port listens on; 0.0.0.0 lets other machines in."""
    port: int = Field(default=8080, ge=1, le=65535)
    postgres_port: int = Field(default=15432, ge=1, le=65535)
    nats_port: int = Field(default=14222, ge=1, le=65535)
    web_processes: int = Field(default=1, ge=1, le=64)
    clock: str = "real"
    """`real`, `accelerated:<unix anchor>:<start>:<rate>`, or `shared:<file>`."""
    log_level: str = "INFO"
    wechat_url: str = ""
    """WeChat's API server; empty uses the built-in stand-in, with which everybody can log in as `demo-<name>`."""
    wechat_appid: str = ""
    wechat_secret: str = ""
