"""Accounts: made, granted, watched by three different people, disabled at once, with a second factor and a record."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.router.people import totp
from services.router.people.roles import staff_rules
from shared.ended import EndedFeed, EndedSessions
from shared.ids import new_id
from tests.integration.router.conftest import People
from tests.integration.router.desk import House, Person, bearer

GOOD = "Blue-Harbour-42"


@pytest.fixture
def system_admin(person: People) -> Person:
    return person("system_admin")


@pytest.fixture
def security_admin(person: People) -> Person:
    return person("security_admin")


@pytest.fixture
def audit_admin(person: People) -> Person:
    return person("audit_admin")


async def log_in(http: httpx.AsyncClient, login: str, password: str, **more: str) -> httpx.Response:
    return await http.post("/staff/sessions", json={"login": login, "password": password, **more})


async def logged_in(http: httpx.AsyncClient, login: str, password: str = GOOD, **more: str) -> Person:
    answer = await log_in(http, login, password, **more)
    assert answer.status_code == 201, answer.text
    return Person(http, bearer(answer.json()["token"]))


async def changed(person: Person, old: str, new: str) -> httpx.Response:
    body = {"old_password": old, "new_password": new}
    return await person.http.put("/staff/me/password", json=body, headers=person.headers)


async def joined(http: httpx.AsyncClient, admin: Person, login: str) -> str:
    """A new account with a password of its own; answers its id."""
    made = await admin.did("/staff/accounts", {"login": login, "name": "张三"})
    first = await log_in(http, login, made["first_password"])
    assert (first.json()["todo"], first.json()["roles"]) == (["change_password"], [])
    me = Person(http, bearer(first.json()["token"]))
    assert (await changed(me, made["first_password"], GOOD)).status_code == 204
    return str(made["account"]["account_id"])


async def test_one_login_holds_roles_for_several_units(
    http: httpx.AsyncClient, system_admin: Person, security_admin: Person
) -> None:
    account = await joined(http, system_admin, "zhangsan")
    for role, unit in (("handler", "PS-S01"), ("unit_manager", "PS-D01"), ("reviewer", None)):
        await security_admin.did(f"/staff/accounts/{account}/grants", {"role": role, "unit_code": unit})
    me = (await (await logged_in(http, "zhangsan")).get("/staff/me")).json()
    assert me["roles"] == ["handler", "reviewer", "unit_manager"]
    assert {(one["role"], one["unit_code"]) for one in me["grants"]} == {
        ("handler", "PS-S01"),
        ("unit_manager", "PS-D01"),
        ("reviewer", None),
    }


async def test_a_handler_of_one_unit_and_manager_of_another_acts_in_neither_for_the_other(
    http: httpx.AsyncClient, system_admin: Person, security_admin: Person, house: House, unit: Person
) -> None:
    account = await joined(http, system_admin, "zhangsan")
    for role, code in (("grid_officer", "PS-S01"), ("handler", "PS-D01")):
        await security_admin.did(f"/staff/accounts/{account}/grants", {"role": role, "unit_code": code})
    me, order = await logged_in(http, "zhangsan"), await house.lead(await house.submit())
    assert (await me.post(f"/orders/{order}/sign")).status_code == 403
    assert (await unit.post(f"/orders/{order}/sign")).status_code == 200


async def test_who_makes_accounts_grants_nothing_and_who_grants_makes_none(
    system_admin: Person, security_admin: Person, audit_admin: Person, dispatcher: Person
) -> None:
    made = (await system_admin.did("/staff/accounts", {"login": "lisi", "name": "李四"}))["account"]["account_id"]
    grant = {"role": "dispatcher"}
    for person in (system_admin, audit_admin, dispatcher):
        assert (await person.post(f"/staff/accounts/{made}/grants", grant)).status_code == 403
    for person in (security_admin, audit_admin, dispatcher):
        assert (await person.post("/staff/accounts", {"login": "wangwu", "name": "王五"})).status_code == 403
    for person in (system_admin, security_admin, dispatcher):
        assert (await person.get("/staff/audit")).status_code == 403


async def test_nobody_grants_to_themselves(
    http: httpx.AsyncClient, system_admin: Person, security_admin: Person
) -> None:
    account = await joined(http, system_admin, "anquan")
    await security_admin.did(f"/staff/accounts/{account}/grants", {"role": "security_admin"})
    me = await enrolled(http, "anquan")
    answer = await me.post(f"/staff/accounts/{account}/grants", {"role": "dispatcher"})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2].rpartition("/")[2]) == (403, "not-yourself")


async def test_nobody_gets_two_of_the_three(system_admin: Person, security_admin: Person) -> None:
    made = (await system_admin.did("/staff/accounts", {"login": "lisi", "name": "李四"}))["account"]["account_id"]
    await security_admin.did(f"/staff/accounts/{made}/grants", {"role": "audit_admin"})
    for role in ("system_admin", "security_admin", "dispatcher", "admin"):
        refused = await security_admin.post(f"/staff/accounts/{made}/grants", {"role": role})
        assert refused.status_code in (409, 422)
    again = await security_admin.post(f"/staff/accounts/{made}/grants", {"role": "audit_admin"})
    assert again.status_code == 409


async def test_tokens_of_a_disabled_account_are_refused_by_every_service_that_listens(
    http: httpx.AsyncClient, system_admin: Person, security_admin: Person, house: House
) -> None:
    account = await joined(http, system_admin, "zhangsan")
    await security_admin.did(f"/staff/accounts/{account}/grants", {"role": "leader"})
    me = await logged_in(http, "zhangsan")
    assert (await me.get("/desk/cases")).status_code == 200
    elsewhere = EndedSessions()
    feed = EndedFeed(house.context.bus, elsewhere, house.clock.now)
    await system_admin.did(f"/staff/accounts/{account}/disable")
    await house.publish()
    ours = [row.session_id for row in await house.rows("SELECT * FROM sessions WHERE ended_because = 'disabled'")]
    await feed.run_once()
    async with asyncio.timeout(10):
        while not all(str(session) in elsewhere for session in ours):
            await asyncio.sleep(0)  # turns of the loop, until the subscription has brought it
    await feed.close()
    assert len(ours) == 1
    assert (await me.post("/staff/sessions/renewals")).status_code == 401
    assert (await log_in(http, "zhangsan", GOOD)).status_code == 401


async def test_what_is_taken_back_is_gone_with_the_login(
    http: httpx.AsyncClient, system_admin: Person, security_admin: Person
) -> None:
    account = await joined(http, system_admin, "zhangsan")
    given = await security_admin.did(f"/staff/accounts/{account}/grants", {"role": "leader"})
    me, place = await logged_in(http, "zhangsan"), f"/staff/accounts/{account}/grants/{given['grants'][0]['grant_id']}"
    assert (await http.delete(place, headers=security_admin.headers)).json()["grants"] == []
    assert (await me.post("/staff/sessions/renewals")).status_code == 401
    assert (await log_in(http, "zhangsan", GOOD)).json()["roles"] == []
    assert (await http.delete(place, headers=security_admin.headers)).status_code == 404


async def test_a_password_follows_the_rules_and_is_not_used_again(
    http: httpx.AsyncClient, system_admin: Person
) -> None:
    await joined(http, system_admin, "zhangsan")
    me = await logged_in(http, "zhangsan")
    assert (await changed(me, "wrong", "Green-Harbour-43")).status_code == 422
    weak = await changed(me, GOOD, "short")
    assert (weak.status_code, weak.json()["errors"][0]["pointer"]) == (422, "/new_password")
    assert (await changed(me, GOOD, GOOD)).status_code == 422
    assert (await changed(me, GOOD, "Green-Harbour-43")).status_code == 204
    assert (await log_in(http, "zhangsan", GOOD)).status_code == 401


async def enrolled(http: httpx.AsyncClient, login: str) -> Person:
    """Enrols an authenticator and logs in with one of its recovery codes."""
    first = await log_in(http, login, GOOD)
    assert first.json()["todo"] == ["enrol_second_factor"]
    me = Person(http, bearer(first.json()["token"]))
    codes = (await confirmed(me))["recovery_codes"]
    return await logged_in(http, login, code=codes[0])


async def confirmed(me: Person, late: int = 0) -> Any:
    secret = (await me.did("/staff/me/second-factor"))["secret"]
    context = me.http._transport.app.state.context  # type: ignore[attr-defined]
    code = totp.code_of(secret, totp.step_of(context.clock.now()) + late)
    answer = await me.http.put("/staff/me/second-factor", json={"code": code}, headers=me.headers)
    assert answer.status_code == 200, answer.text
    return {"secret": secret, **answer.json()}


async def test_an_administrator_does_nothing_before_a_second_factor_is_enrolled(
    http: httpx.AsyncClient, system_admin: Person, security_admin: Person
) -> None:
    account = await joined(http, system_admin, "shenji")
    await security_admin.did(f"/staff/accounts/{account}/grants", {"role": "audit_admin"})
    without = await logged_in(http, "shenji")
    assert (await without.get("/staff/audit")).status_code == 403
    assert (await (await enrolled(http, "shenji")).get("/staff/audit")).status_code == 200


async def test_a_second_factor_is_asked_for_and_each_code_is_good_once(
    http: httpx.AsyncClient, system_admin: Person, security_admin: Person, house: House
) -> None:
    account = await joined(http, system_admin, "zhangsan")
    made = await confirmed(await logged_in(http, "zhangsan"))
    needed = await log_in(http, "zhangsan", GOOD)
    assert (needed.status_code, "second-factor-needed" in needed.json()["type"]) == (401, True)
    step = totp.step_of(house.clock.now())
    assert (await log_in(http, "zhangsan", GOOD, code=totp.code_of(made["secret"], step))).status_code == 401
    house.clock.advance(seconds=30)
    code = totp.code_of(made["secret"], step + 1)
    assert (await log_in(http, "zhangsan", GOOD, code=code)).status_code == 201
    assert (await log_in(http, "zhangsan", GOOD, code=code)).status_code == 401
    recovery = made["recovery_codes"][3]
    assert [(await log_in(http, "zhangsan", GOOD, code=recovery)).status_code for _ in range(2)] == [201, 401]
    await security_admin.did(f"/staff/accounts/{account}/second-factor-resets")
    assert (await log_in(http, "zhangsan", GOOD)).status_code == 201


async def test_the_secret_lies_encrypted_and_recovery_codes_hashed(
    http: httpx.AsyncClient, system_admin: Person, house: House
) -> None:
    await joined(http, system_admin, "zhangsan")
    made = await confirmed(await logged_in(http, "zhangsan"))
    (row,) = await house.rows("SELECT totp_secret, recovery_codes FROM accounts WHERE login = 'zhangsan'")
    assert made["secret"].encode() not in bytes(row.totp_secret)
    assert len(row.recovery_codes) == staff_rules().second_factor.recovery_codes
    assert not set(row.recovery_codes) & set(made["recovery_codes"])


async def test_everything_is_in_one_record_that_nobody_can_rewrite(
    http: httpx.AsyncClient, system_admin: Person, security_admin: Person, audit_admin: Person, house: House
) -> None:
    account = await joined(http, system_admin, "zhangsan")
    await security_admin.did(f"/staff/accounts/{account}/grants", {"role": "handler", "unit_code": "PS-S01"})
    await log_in(http, "zhangsan", "wrong")
    await system_admin.did(f"/staff/accounts/{account}/password-resets")
    await system_admin.did(f"/staff/accounts/{account}/disable")
    page = (await audit_admin.get("/staff/audit", subject=account)).json()
    assert [entry["action"] for entry in reversed(page["items"])] == [
        *("account.created", "session.opened", "password.changed", "grant.given", "login.failed"),
        *("password.reset", "account.disabled"),
    ]
    assert GOOD not in str(page)
    assert "张三" not in str(page)
    whole = (await audit_admin.get("/staff/audit/chain")).json()
    assert whole["broken_at"] is None
    for change in ("UPDATE account_log SET actor = 'nobody'", "DELETE FROM account_log"):
        with pytest.raises(DBAPIError, match="append-only"):
            await house.rows(change)
    async with house.context.begin() as tx:
        await tx.connection.execute(text("ALTER TABLE account_log DISABLE TRIGGER account_log_append_only"))
        await tx.connection.execute(text("UPDATE account_log SET actor = 'nobody' WHERE seq = 3"))
    assert (await audit_admin.get("/staff/audit/chain")).json()["broken_at"] == 3


async def test_pages_of_the_record_and_of_the_accounts_go_on_where_they_ended(
    system_admin: Person, audit_admin: Person
) -> None:
    for login in ("aa", "bb", "cc"):
        await system_admin.did("/staff/accounts", {"login": login, "name": "某人"})
    assert (await system_admin.post("/staff/accounts", {"login": "aa", "name": "某人"})).status_code == 409
    first = (await audit_admin.get("/staff/accounts", limit=2)).json()
    rest = (await audit_admin.get("/staff/accounts", limit=2, after=first["next"])).json()
    assert [one["login"] for one in (*first["items"], *rest["items"])] == ["aa", "bb", "cc", "dispatcher"]
    entries = (await audit_admin.get("/staff/audit", limit=2)).json()
    older = (await audit_admin.get("/staff/audit", limit=2, before=entries["next"])).json()
    assert [one["seq"] for one in (*entries["items"], *older["items"])] == [4, 3, 2, 1]
    assert (await system_admin.get(f"/staff/accounts/{new_id()}")).status_code == 404


async def test_the_roles_say_what_each_may_and_what_keeps_apart(dispatcher: Person) -> None:
    said = (await dispatcher.get("/staff/roles")).json()
    assert {"handler", "grid_officer", "discipline"} <= {role["code"] for role in said["items"]}
    assert ["system_admin", "security_admin", "audit_admin"] in said["apart"]
