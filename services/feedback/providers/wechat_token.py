"""WeChat's access token: one for all processes, kept encrypted, fetched again by whoever notices first.

Contract: developers.weixin.qq.com, "获取稳定版接口调用凭据" (`POST /cgi-bin/stable_token`). A token lasts up to 7200
seconds; asking without `force_refresh` gives the present one and changes nothing, `force_refresh` replaces it (20 a day,
30 seconds apart), so the plain `/cgi-bin/token`, where every caller kills the others' token, is not used.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from services.feedback.store import Tx
from services.feedback.tables import provider_tokens
from shared.clock import Clock
from shared.db import Begin
from shared.errors import Unavailable
from shared.vault import Cell, UndecipherableValue, Vault

PATH = "/cgi-bin/stable_token"
STALE = frozenset({40001, 40014, 42001})
"""invalid credential, invalid access_token, access_token expired."""
_EARLY = timedelta(minutes=5)
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('wechat token'), hashtext(:name))")

log = logging.getLogger(__name__)


class TokenUnavailable(Unavailable):
    """WeChat gives no access token at the moment."""

    zh = "微信接口暂时不可用"


class TokenKeeper:
    """`get` is a look at memory, and once in two hours a look at the table; only one process at a time asks WeChat."""

    def __init__(
        self, http: httpx.AsyncClient, begin: Begin[Tx], clock: Clock, vault: Vault, *, appid: str, secret: str
    ) -> None:
        """`http` carries WeChat's base URL and the timeout."""
        self._http, self._begin, self._clock, self._vault = http, begin, clock, vault
        self._appid, self._secret = appid, secret
        self._known: tuple[str, datetime] | None = None
        keep_tokens_out_of_logs()

    async def get(self) -> str:
        """Raises `TokenUnavailable`."""
        if self._known is not None and self._clock.now() < self._known[1] - _EARLY:
            return self._known[0]
        return await self._renew(refused=None)

    async def replaced(self, refused: str) -> str:
        """Another one than this, which WeChat has just refused. Raises `TokenUnavailable`."""
        return await self._renew(refused=refused)

    async def _renew(self, *, refused: str | None) -> str:
        async with self._begin() as tx:
            await tx.connection.execute(_ONE_AT_A_TIME, {"name": self._appid})
            now = self._clock.now()
            kept = await self._kept(tx)
            if kept is not None and kept[0] != refused and now < kept[1] - _EARLY:
                self._known = kept
                return kept[0]
            token, seconds = await self._ask(force=False)
            if token == refused:
                token, seconds = await self._ask(force=True)
            self._known = token, now + timedelta(seconds=seconds)
            row = {"name": self._appid, "token": self._vault.encrypt(token, self._cell()), "expires_at": self._known[1]}
            statement = upsert(provider_tokens).values(row)
            fresh = {"token": row["token"], "expires_at": row["expires_at"]}
            await tx.connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=fresh))
            return token

    async def _kept(self, tx: Tx) -> tuple[str, datetime] | None:
        found = select(provider_tokens).where(provider_tokens.c.name == self._appid)
        row = (await tx.connection.execute(found)).one_or_none()
        if row is None:
            return None
        try:
            return self._vault.decrypt(row.token, self._cell()), row.expires_at
        except UndecipherableValue:
            return None

    def _cell(self) -> Cell:
        return Cell("provider_tokens", "token", self._appid)

    async def _ask(self, *, force: bool) -> tuple[str, int]:
        body = {
            "grant_type": "client_credential",
            "appid": self._appid,
            "secret": self._secret,
            "force_refresh": force,
        }
        try:
            answer = (await self._http.post(PATH, json=body)).json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("wechat token: no answer (%s)", type(error).__name__)
            raise TokenUnavailable(retry_after=5) from None
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            code: Any = answer.get("errcode") if isinstance(answer, dict) else None
            log.error("wechat token: refused with errcode %s", code if isinstance(code, int) else "unknown")
            raise TokenUnavailable(retry_after=60)
        return token, int(answer.get("expires_in", 7200))


class _WithoutTokens(logging.Filter):
    """WeChat wants the token in the query, and httpx logs every URL it calls."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "access_token=" not in record.getMessage()


def keep_tokens_out_of_logs() -> None:
    for name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
        loud = logging.getLogger(name)
        if not any(isinstance(each, _WithoutTokens) for each in loud.filters):
            loud.addFilter(_WithoutTokens())
