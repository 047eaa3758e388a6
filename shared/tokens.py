"""Who is asking: people by signed tokens (Ed25519, or a configured OpenID Connect issuer), machines by API keys."""

import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from shared.errors import Unauthenticated

ISSUER = "huying"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts: a citizen, a member of staff, or a machine."""

    id: str
    kind: Literal["citizen", "staff", "machine"]
    roles: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    """Codes of the units this actor may act for."""
    grants: frozenset[tuple[str, str]] = frozenset()
    """Role and unit, where not every role is held for every unit."""
    session: str = ""
    """Of the login, which may end before its token does."""

    def has(self, *roles: str) -> bool:
        return not self.roles.isdisjoint(roles)

    def units_as(self, *roles: str) -> frozenset[str]:
        """The units for which one of these roles is held; all of them where nothing else is said."""
        return frozenset(unit for role, unit in self.grants if role in roles) if self.grants else self.units


class TokenIssuer:
    """Signs short-lived tokens with the service's private Ed25519 key."""

    def __init__(self, private_jwk: str) -> None:
        self._key = OKPKey.import_key(json.loads(private_jwk))

    def issue(self, actor: Actor, *, now: datetime, lifetime: timedelta) -> str:
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": actor.id,
            "kind": actor.kind,
            "roles": sorted(actor.roles),
            "units": sorted(actor.units),
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
        }
        if actor.grants:
            claims["grants"] = sorted(actor.grants)
        if actor.session:
            claims["sid"] = actor.session
        header = {"alg": "Ed25519", "kid": self._key.kid or self._key.thumbprint()}
        return jwt.encode(header, claims, self._key, algorithms=["Ed25519"])


class TokenVerifier:
    """Checks tokens against the public keys; remembers the last few thousand it has checked."""

    def __init__(self, public_jwks: str, *, remember: int = 4096) -> None:
        self._keys = KeySet.import_key_set(json.loads(public_jwks))
        self._seen: OrderedDict[str, tuple[Actor, int]] = OrderedDict()
        self._remember = remember

    def verify(self, token: str, *, now: datetime) -> Actor:
        seconds = int(now.timestamp())
        hit = self._seen.get(token)
        if hit is not None:
            actor, expires = hit
        else:
            actor, expires = self._decode(token)
            self._seen[token] = (actor, expires)
            if len(self._seen) > self._remember:
                self._seen.popitem(last=False)
        if expires <= seconds:
            raise Unauthenticated("the token has expired")
        return actor

    def _decode(self, token: str) -> tuple[Actor, int]:
        try:
            claims = jwt.decode(token, self._keys, algorithms=["Ed25519"]).claims
        except (JoseError, ValueError, KeyError, TypeError):
            raise Unauthenticated("the token is not one of ours") from None
        if claims.get("iss") != ISSUER:
            raise Unauthenticated("the token is of another issuer")
        return actor_of(claims), int(claims.get("exp", 0))


def actor_of(claims: dict[str, Any]) -> Actor:
    kind = claims.get("kind")
    if kind not in ("citizen", "staff", "machine") or not isinstance(claims.get("sub"), str):
        raise Unauthenticated("the token does not say who you are")
    return Actor(
        id=claims["sub"],
        kind=kind,
        roles=frozenset(map(str, claims.get("roles", ()))),
        units=frozenset(map(str, claims.get("units", ()))),
        grants=frozenset((str(pair[0]), str(pair[1])) for pair in claims.get("grants", ()) if len(pair) == 2),  # noqa: PLR2004
        session=str(claims.get("sid", "")),
    )
