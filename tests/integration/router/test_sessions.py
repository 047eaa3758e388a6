"""Logging in, being locked out, and who one is."""

import json
from datetime import timedelta

import httpx
import pytest

from services.router import staff
from services.router.app import MANIFEST, seed
from services.router.takeover import Takeover
from shared.main import migrate_and_seed
from tests.integration.router.desk import KEY, PASSWORD, House, Person, bearer, settings_for

KEY_BYTES = json.dumps(KEY.as_dict(private=True)).encode()


async def log_in(http: httpx.AsyncClient, password: str, login: str = "dispatcher") -> httpx.Response:
    return await http.post("/staff/sessions", json={"login": login, "password": password})


async def test_a_login_gives_a_token_that_says_who_one_is(http: httpx.AsyncClient) -> None:
    session = await log_in(http, PASSWORD)
    assert session.status_code == 201
    me = await Person(http, bearer(session.json()["token"])).get("/staff/me")
    assert (me.json()["name"], me.json()["roles"]) == ("分拨员", ["dispatcher"])
    assert me.json()["units"][0]["code"] == "PS-C00"


async def test_a_token_ends_after_half_an_hour_of_idleness(http: httpx.AsyncClient, house: House) -> None:
    token = (await log_in(http, PASSWORD)).json()["token"]
    house.clock.advance(minutes=30)
    assert (await Person(http, bearer(token)).get("/staff/me")).status_code == 401
    assert (await Person(http, bearer(token)).post("/staff/sessions/renewals")).status_code == 401


async def test_who_is_at_work_stays_logged_in_for_eight_hours_and_no_longer(
    http: httpx.AsyncClient, house: House
) -> None:
    session = (await log_in(http, PASSWORD)).json()
    for _ in range(19):
        house.clock.advance(minutes=25)
        session = await Person(http, bearer(session["token"])).did("/staff/sessions/renewals")
    assert session["expires_at"] == session["renewable_until"]
    house.clock.advance(minutes=5)
    assert (await Person(http, bearer(session["token"])).get("/staff/me")).status_code == 401


async def test_who_logs_out_is_out(http: httpx.AsyncClient, house: House) -> None:
    me = Person(http, bearer((await log_in(http, PASSWORD)).json()["token"]))
    assert (await http.delete("/staff/sessions/current", headers=me.headers)).status_code == 204
    assert (await me.post("/staff/sessions/renewals")).status_code == 401
    await Takeover(house.context, house.context.parts["rulebook"]).run_once()
    assert (await me.get("/staff/me")).status_code == 401


async def test_a_wrong_password_and_an_unknown_login_look_the_same(http: httpx.AsyncClient) -> None:
    wrong, unknown = await log_in(http, "wrong"), await log_in(http, PASSWORD, login="nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


async def test_five_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour(
    http: httpx.AsyncClient, house: House
) -> None:
    assert [(await log_in(http, "wrong")).status_code for _ in range(5)] == [401] * 5
    assert (await log_in(http, PASSWORD)).status_code == 401
    house.clock.advance(minutes=15)
    assert (await log_in(http, PASSWORD)).status_code == 201


async def test_a_locked_account_and_an_unknown_login_look_the_same(http: httpx.AsyncClient) -> None:
    for _ in range(5):
        await log_in(http, "wrong")
    for password in (PASSWORD, "wrong"):
        locked, unknown = await log_in(http, password), await log_in(http, password, login="nobody")
        assert locked.status_code == unknown.status_code == 401
        assert locked.json() == unknown.json()
        assert locked.headers.keys() == unknown.headers.keys()


async def test_a_password_is_verified_also_for_a_login_nobody_has_and_for_a_locked_one(
    http: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[bool] = []
    passwords: staff.Passwords = house.context.parts["people"].passwords
    real = passwords.match

    async def counted(stored: str | None, given: str) -> bool:
        verified.append(stored is not None)
        return await real(stored, given)

    monkeypatch.setattr(passwords, "match", counted)
    await log_in(http, PASSWORD, login="nobody")
    for _ in range(6):
        await log_in(http, "wrong")
    assert verified == [False] + [True] * 6


async def test_an_address_that_guesses_is_closed_for_a_while_whatever_it_tries(
    http: httpx.AsyncClient, house: House
) -> None:
    limit = house.context.settings.login_failures_per_address
    async with house.context.begin() as tx:
        lockout = staff.Lockout(5, timedelta(minutes=15), limit, KEY_BYTES)
        for _ in range(limit - 1):
            await staff.count_failure(tx.connection, "127.0.0.1", lockout, now=house.clock.now())
    assert (await log_in(http, "wrong", login="nobody")).status_code == 401
    closed = await log_in(http, PASSWORD)
    assert (closed.status_code, closed.headers["retry-after"]) == (429, "900")
    house.clock.advance(minutes=15)
    assert (await log_in(http, PASSWORD)).status_code == 201
    assert {len(row.address) for row in await house.rows("SELECT address FROM login_failures")} == {32}


async def test_a_good_password_forgets_the_wrong_ones(http: httpx.AsyncClient, house: House) -> None:
    for password in ("wrong", "wrong", PASSWORD):
        await log_in(http, password)
    assert [row.failures for row in await house.rows("SELECT failures FROM accounts")] == [0]


async def test_a_second_start_never_changes_an_account(house: House, http: httpx.AsyncClient, database: str) -> None:
    account = '[{"login": "dispatcher", "password": "another password", "name": "别人", "roles": ["admin"]}]'
    await migrate_and_seed(MANIFEST, settings_for(database, first_accounts=account))
    await seed(house.context)
    assert (await log_in(http, "another password")).status_code == 401
    assert (await log_in(http, PASSWORD)).json()["roles"] == ["dispatcher"]


async def test_passwords_are_kept_as_argon2_hashes(house: House) -> None:
    rows = await house.rows("SELECT password_hash FROM accounts")
    assert [row.password_hash.split("$")[1] for row in rows] == ["argon2id"]
    assert not await staff.Passwords().match(rows[0].password_hash, "wrong")


async def test_the_catalogue_and_the_units_are_open_to_everybody(http: httpx.AsyncClient) -> None:
    tree = (await http.get("/catalogue")).json()
    assert len(tree["classes"]) == 17
    entry = (await http.get("/catalogue/0101001")).json()
    assert (entry["level"], entry["category"]["standards"][0]["limit"]["unit"]) == ("category", "work_day")
    assert (await http.get("/catalogue/01")).json()["children"][0] == "0101"
    assert (await http.get("/catalogue/99")).status_code == 404
    assert "坪山街道办事处" in {unit["name"] for unit in (await http.get("/units")).json()["items"]}


async def test_nobody_gets_in_without_a_token(http: httpx.AsyncClient) -> None:
    for path in ("/staff/me", "/desk/queue", "/orders", "/webhooks", "/feed"):
        assert (await http.get(path)).status_code == 401
