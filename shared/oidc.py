"""Tokens of an outside OpenID Connect issuer (unified staff login), verified through the keys it publishes."""

import asyncio
import time
from datetime import datetime
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.errors import Unauthenticated, Unavailable
from shared.tokens import Actor, actor_of

ALGORITHMS = ["RS256", "ES256", "Ed25519"]
FRESH_SECONDS = 300
"""Keys younger than this are not fetched again because of an unknown key id."""


class OidcVerifier:
    """Fetches the issuer's keys when first needed, and again when a token names a key it does not know."""

    def __init__(self, issuer: str, audience: str, client: httpx.AsyncClient) -> None:
        self.issuer, self._audience, self._client = issuer.rstrip("/"), audience, client
        self._keys: KeySet | None = None
        self._fetched_at = -FRESH_SECONDS
        self._lock = asyncio.Lock()

    async def verify(self, token: str, *, now: datetime) -> Actor:
        keys = await self._current()
        try:
            claims = _claims(token, keys)
        except Unauthenticated:
            newer = await self._current(again=True)
            if newer is keys:
                raise
            claims = _claims(token, newer)
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if str(claims.get("iss", "")).rstrip("/") != self.issuer or self._audience not in audiences:
            raise Unauthenticated("the token is meant for somebody else")
        if int(claims.get("exp", 0)) <= now.timestamp():
            raise Unauthenticated("the token has expired")
        return actor_of({"kind": "staff", **claims})

    def age(self, seconds: float) -> None:
        """Let the keys grow older than they are: a test's way to pass the time."""
        self._fetched_at -= int(seconds)

    async def _current(self, *, again: bool = False) -> KeySet:
        async with self._lock:
            stale = time.monotonic() - self._fetched_at > FRESH_SECONDS
            if self._keys is None or (again and stale):
                self._keys = await self._fetch()
                self._fetched_at = int(time.monotonic())
            return self._keys

    async def _fetch(self) -> KeySet:
        try:
            discovery = await self._client.get(f"{self.issuer}/.well-known/openid-configuration")
            answer = await self._client.get(discovery.raise_for_status().json()["jwks_uri"])
            return KeySet.import_key_set(answer.raise_for_status().json())
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise Unavailable(f"the login issuer does not answer: {type(error).__name__}", retry_after=5) from None


def _claims(token: str, keys: KeySet) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
    except (JoseError, ValueError, KeyError, TypeError):
        raise Unauthenticated("the token is not signed by the configured issuer") from None
