"""What a running process of a service holds, made once by its composition root."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import httpx

from shared.apikeys import KeyVerifier
from shared.bus import Bus
from shared.clock import Clock
from shared.db import Database, Tx
from shared.ended import EndedSessions
from shared.oidc import OidcVerifier
from shared.settings import ServiceSettings
from shared.tokens import TokenVerifier


@dataclass
class Context[S: ServiceSettings, T: Tx]:
    settings: S
    db: Database
    bus: Bus
    clock: Clock
    tokens: TokenVerifier
    keys: KeyVerifier | None
    oidc: OidcVerifier | None
    http: httpx.AsyncClient
    make_tx: Callable[[Any], T]
    ended: EndedSessions = field(default_factory=EndedSessions)
    """Logins whose tokens are refused although they look good."""
    parts: Mapping[str, Any] = field(default_factory=dict)
    """What this service alone has (vault, catalogue, object store …), by name."""

    def begin(self) -> AbstractAsyncContextManager[T]:
        return self.db.begin(self.make_tx)
