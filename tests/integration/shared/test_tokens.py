"""Who is asking: our own tokens, an outside issuer's, and API keys."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey, RSAKey
from sqlalchemy import MetaData

from shared import apikeys
from shared.db import Database, Tx
from shared.errors import Unauthenticated, Unavailable
from shared.oidc import FRESH_SECONDS, OidcVerifier
from shared.tokens import Actor, TokenIssuer, TokenVerifier

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
UNIT = Actor("a1", "staff", frozenset({"handler"}), frozenset({"PS-S01"}))
ISSUER = "https://login.example.gov.cn"


def pair() -> tuple[TokenIssuer, TokenVerifier]:
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    private = json.dumps(key.as_dict(private=True))
    return TokenIssuer(private), TokenVerifier(json.dumps(KeySet([key]).as_dict(private=False)))


def test_a_token_says_who_it_was_made_for_until_it_expires() -> None:
    issuer, verifier = pair()
    token = issuer.issue(UNIT, now=NOW, lifetime=HOUR)
    assert verifier.verify(token, now=NOW) == UNIT
    assert verifier.verify(token, now=NOW + timedelta(minutes=59)) == UNIT
    with pytest.raises(Unauthenticated):
        verifier.verify(token, now=NOW + HOUR)


def test_a_token_of_another_key_or_changed_by_a_letter_is_refused() -> None:
    issuer, verifier = pair()
    stranger, _ = pair()
    token = issuer.issue(UNIT, now=NOW, lifetime=HOUR)
    for bad in (stranger.issue(UNIT, now=NOW, lifetime=HOUR), token[:-3] + "abc", "x.y.z", "", "é"):
        with pytest.raises(Unauthenticated):
            verifier.verify(bad, now=NOW)


def test_an_unsigned_token_is_refused() -> None:
    """INVARIANT: `alg: none` opens nothing."""
    _, verifier = pair()
    bare = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodXlpbmciLCJzdWIiOiJhMSIsImtpbmQiOiJzdGFmZiIsImV4cCI6OTk5OTk5OTk5OX0."
    with pytest.raises(Unauthenticated):
        verifier.verify(bare, now=NOW)


class Login:
    """An OpenID Connect issuer that publishes its keys, and can be down."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, auto_kid=True)
        self.down = False
        self.asked = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.down:
            return httpx.Response(502)
        if request.url.path.endswith("openid-configuration"):
            return httpx.Response(200, json={"jwks_uri": f"{ISSUER}/keys"})
        return httpx.Response(200, json=KeySet([self.key]).as_dict(private=False))

    def token(self, **changed: Any) -> str:
        claims = {
            "iss": ISSUER, "aud": "huying", "sub": "zhang", "roles": ["dispatcher"], "units": [],
            "exp": int((NOW + HOUR).timestamp()), **changed,
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key, algorithms=["RS256"])


@pytest.fixture
def login() -> Iterator[Login]:
    return Login()


async def verified(login: Login, token: str) -> Actor:
    async with httpx.AsyncClient(transport=httpx.MockTransport(login.answer)) as client:
        return await OidcVerifier(ISSUER, "huying", client).verify(token, now=NOW)


async def test_a_token_of_the_configured_issuer_is_verified_through_its_published_keys(login: Login) -> None:
    actor = await verified(login, login.token())
    assert (actor.id, actor.kind, actor.roles) == ("zhang", "staff", frozenset({"dispatcher"}))


@pytest.mark.parametrize("changed", [{"iss": "https://evil.example"}, {"aud": "other"}, {"exp": 1}, {"sub": 7}])
async def test_a_token_of_another_issuer_for_another_or_out_of_date_is_refused(
    login: Login, changed: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated):
        await verified(login, login.token(**changed))


async def test_a_new_key_is_fetched_when_a_token_names_it_but_not_for_every_forged_one(login: Login) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(login.answer)) as client:
        verifier = OidcVerifier(ISSUER, "huying", client)
        await verifier.verify(login.token(), now=NOW)
        login.key = RSAKey.generate_key(2048, auto_kid=True)
        asked = login.asked
        with pytest.raises(Unauthenticated):
            await verifier.verify(login.token(), now=NOW)
        assert login.asked == asked
        verifier.age(FRESH_SECONDS + 1)
        assert (await verifier.verify(login.token(), now=NOW)).id == "zhang"


async def test_an_issuer_that_is_down_is_a_503_and_not_a_wrong_password(login: Login) -> None:
    login.down = True
    with pytest.raises(Unavailable):
        await verified(login, login.token())


async def test_an_api_key_is_shown_once_and_can_be_revoked(new_database: Any) -> None:
    metadata = MetaData()
    apikeys.api_key_table(metadata)
    database = Database(await new_database(), schema="public", pool=1)
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    async with database.begin(Tx) as tx:
        key = await apikeys.create(tx.connection, name="12345", roles=["operator_system"], units=[])

    async def find(hashed: str) -> Actor | None:
        async with database.begin(Tx) as tx:
            return await apikeys.look_up(tx.connection, hashed)

    assert await apikeys.KeyVerifier(find).verify(key) == Actor("12345", "machine", frozenset({"operator_system"}))
    with pytest.raises(Unauthenticated):
        await apikeys.KeyVerifier(find).verify(key + "x")
    async with database.begin(Tx) as tx:
        assert await apikeys.revoke(tx.connection, name="12345", now=NOW) == 1
    with pytest.raises(Unauthenticated):
        await apikeys.KeyVerifier(find).verify(key)
    await database.close()
