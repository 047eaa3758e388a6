"""What administrators do with accounts, and people with their own: each is one entry of the record."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.dialects.postgresql import insert

from services.router.people import accounts, audit, second_factor, sessions, totp
from services.router.people.accounts import DISTRICT, Grant
from services.router.people.roles import StaffRules
from services.router.signing import Keyring
from services.router.staff import Passwords
from services.router.store import Tx
from services.router.tables import accounts as table
from shared.errors import Conflict, Forbidden, InvalidInput, NotFound
from shared.ids import new_id
from shared.tokens import Actor

_SIGNS = "abcdefghijkmnpqrstuvwxyz"


class NotYourself(Forbidden):
    """Nobody does this to their own account: another administrator must."""

    zh = "不能对本人账号进行此操作，须由其他管理员办理"


class LoginTaken(Conflict):
    """There is an account with this login."""

    zh = "该账号名已被使用"


class GrantedAlready(Conflict):
    """The account holds this role for this unit."""

    zh = "该账号已有此岗位授权"


class GrantUnknown(NotFound):
    """The account holds no such grant."""

    zh = "该账号没有这项授权"


class WrongPassword(InvalidInput):
    """The present password is wrong."""

    zh = "原密码不正确"


class PasswordUsedBefore(InvalidInput):
    """This is one of the last passwords of the account."""

    zh = "不能使用最近用过的密码"


@dataclass(frozen=True, slots=True)
class People:
    """What the verbs need beside the transaction."""

    rules: StaffRules
    passwords: Passwords
    keyring: Keyring


class OfAnotherIssuer(Forbidden):
    """You log in elsewhere: passwords and second factors are changed there."""

    zh = "您使用统一身份认证登录，请在认证平台修改"


def own_id(by: Actor) -> UUID:
    """The account behind a token of ours. Raises `OfAnotherIssuer`."""
    try:
        return UUID(by.id)
    except ValueError:
        raise OfAnotherIssuer from None


def todo(account: RowMapping, rules: StaffRules, *, second_factor_required: bool, now: datetime) -> list[str]:
    """What somebody has to do before they may do anything else."""
    due: list[str] = []
    days, since = rules.passwords.renewed_after_days, account["password_changed_at"] or account["created_at"]
    if account["must_change_password"] or (days is not None and since + timedelta(days=days) <= now):
        due.append("change_password")
    needed = second_factor_required and rules.needs_second_factor(account["roles"])
    if needed and not second_factor.enrolled(account):
        due.append("enrol_second_factor")
    return due


def first_password(rules: StaffRules) -> str:
    """For one login only; of all kinds, and easily read out."""
    letters = "".join(secrets.choice(_SIGNS) for _ in range(max(12, rules.passwords.least_length)))
    return f"{letters[0].upper()}{letters[1:]}-{secrets.randbelow(90) + 10}"


async def _changed(
    tx: Tx, action: str, account_id: UUID, *, by: Actor, now: datetime, facts: Mapping[str, object] | None = None
) -> None:
    await audit.note(tx.connection, action, by=by.id, subject=account_id, now=now, facts=facts)


async def _somebody_else(tx: Tx, account_id: UUID, by: Actor) -> RowMapping:
    if by.id == str(account_id):
        raise NotYourself
    return await accounts.load(tx.connection, account_id, lock=True)


async def create(tx: Tx, people: People, *, login: str, name: str, by: Actor, now: datetime) -> tuple[UUID, str]:
    """An account that may do nothing yet, and the password of its first login."""
    account_id, password = new_id(), first_password(people.rules)
    values = {
        "account_id": account_id,
        "login": login,
        "name": name,
        "password_hash": await people.passwords.hash(password),
        "roles": [],
        "units": [],
        "must_change_password": True,
        "created_at": now,
    }
    done = await tx.connection.execute(insert(table).values(values).on_conflict_do_nothing())
    if not done.rowcount:
        raise LoginTaken
    await _changed(tx, "account.created", account_id, by=by, now=now)
    return account_id, password


async def rename(tx: Tx, account_id: UUID, name: str, *, by: Actor, now: datetime) -> None:
    await accounts.load(tx.connection, account_id, lock=True)
    await accounts.change(tx.connection, account_id, name=name)
    await _changed(tx, "account.renamed", account_id, by=by, now=now)


async def disable(tx: Tx, account_id: UUID, *, by: Actor, now: datetime) -> None:
    """The account stays for the record; its tokens stop within seconds everywhere."""
    account = await _somebody_else(tx, account_id, by)
    if account["disabled_at"] is None:
        await accounts.change(tx.connection, account_id, disabled_at=now)
        ended = await sessions.end(tx, account_id, "disabled", now=now)
        await _changed(tx, "account.disabled", account_id, by=by, now=now, facts={"sessions": ended})


async def enable(tx: Tx, account_id: UUID, *, by: Actor, now: datetime) -> None:
    """Also opens an account that too many wrong passwords have locked."""
    await _somebody_else(tx, account_id, by)
    await accounts.change(tx.connection, account_id, disabled_at=None, locked_until=None, failures=0)
    await _changed(tx, "account.enabled", account_id, by=by, now=now)


async def reset_password(tx: Tx, people: People, account_id: UUID, *, by: Actor, now: datetime) -> str:
    """A password for one login; the second factor stays, so that who resets cannot log in instead."""
    account = await _somebody_else(tx, account_id, by)
    password = first_password(people.rules)
    await _put_password(tx, people, account, password, now=now, once=True)
    await sessions.end(tx, account_id, "password", now=now)
    await _changed(tx, "password.reset", account_id, by=by, now=now)
    return password


async def change_password(tx: Tx, people: People, *, old: str, new: str, by: Actor, now: datetime) -> None:
    """One's own; every login with the old one ends, this one too."""
    account = await accounts.load(tx.connection, own_id(by), lock=True)
    if not await people.passwords.match(account["password_hash"], old):
        raise WrongPassword
    people.rules.passwords.must_suit(new, account["login"])
    remembered = people.rules.passwords.remembered
    for known in [account["password_hash"], *account["old_password_hashes"]][:remembered]:
        if await people.passwords.match(known, new):
            raise PasswordUsedBefore
    await _put_password(tx, people, account, new, now=now, once=False)
    await sessions.end(tx, account["account_id"], "password", now=now)
    await _changed(tx, "password.changed", account["account_id"], by=by, now=now)


async def _put_password(
    tx: Tx, people: People, account: RowMapping, password: str, *, now: datetime, once: bool
) -> None:
    older = max(0, people.rules.passwords.remembered - 1)
    await accounts.change(
        tx.connection,
        account["account_id"],
        password_hash=await people.passwords.hash(password),
        password_changed_at=now,
        must_change_password=once,
        old_password_hashes=[account["password_hash"], *account["old_password_hashes"]][:older],
        failures=0,
        locked_until=None,
    )


async def give(
    tx: Tx, people: People, account_id: UUID, *, role: str, unit_code: str | None, by: Actor, now: datetime
) -> UUID:
    """Never to oneself, and never two roles that must be apart."""
    await _somebody_else(tx, account_id, by)
    held = await accounts.held(tx.connection, account_id)
    people.rules.must_be_grantable(role, unit_code, {grant.role for grant in held})
    pair = (role, unit_code or DISTRICT)
    if pair in {(grant.role, grant.unit_code) for grant in held}:
        raise GrantedAlready
    (grant_id,) = await accounts.give(tx.connection, account_id, [pair], by=by.id, now=now)
    await sessions.end(tx, account_id, "grants", now=now)
    await _changed(tx, "grant.given", account_id, by=by, now=now, facts={"role": role, "unit_code": unit_code})
    return grant_id


async def take(tx: Tx, account_id: UUID, grant_id: UUID, *, by: Actor, now: datetime) -> None:
    await _somebody_else(tx, account_id, by)
    mine: dict[UUID, Grant] = {grant.grant_id: grant for grant in await accounts.held(tx.connection, account_id)}
    if grant_id not in mine:
        raise GrantUnknown
    taken = mine[grant_id]
    await accounts.take(tx.connection, taken, account_id, by=by.id, now=now)
    await sessions.end(tx, account_id, "grants", now=now)
    facts = {"role": taken.role, "unit_code": taken.unit_code or None}
    await _changed(tx, "grant.taken", account_id, by=by, now=now, facts=facts)


async def begin_second_factor(tx: Tx, people: People, *, by: Actor) -> tuple[str, str]:
    """A secret for one's own authenticator, and the address its QR code holds; it counts once a code has confirmed it."""
    account = await accounts.load(tx.connection, own_id(by), lock=True)
    if second_factor.enrolled(account):
        raise second_factor.EnrolledAlready
    secret = totp.new_secret()
    sealed = second_factor.seal(people.keyring, account["account_id"], secret)
    await accounts.change(tx.connection, account["account_id"], totp_secret=sealed, totp_used_step=None)
    return secret, totp.address(secret, login=account["login"], issuer=people.rules.second_factor.issuer)


async def confirm_second_factor(tx: Tx, people: People, code: str, *, by: Actor, now: datetime) -> list[str]:
    """The recovery codes, shown this once. The login goes on; where it could do nothing yet, one logs in again."""
    account = await accounts.load(tx.connection, own_id(by), lock=True)
    if second_factor.enrolled(account):
        raise second_factor.EnrolledAlready
    if account["totp_secret"] is None:
        raise second_factor.NotBegun
    step = totp.matching_step(second_factor.open_secret(people.keyring, account), code, now=now, used=None)
    if step is None:
        raise second_factor.WrongCode
    codes = totp.new_recovery_codes(people.rules.second_factor.recovery_codes)
    hashes = [totp.recovery_hash(one) for one in codes]
    await accounts.change(
        tx.connection, account["account_id"], totp_confirmed_at=now, totp_used_step=step, recovery_codes=hashes
    )
    await _changed(tx, "second_factor.enrolled", account["account_id"], by=by, now=now)
    return codes


async def reset_second_factor(tx: Tx, account_id: UUID, *, by: Actor, now: datetime) -> None:
    """For a lost telephone; by another administrator than resets passwords, so that neither gets in alone."""
    await _somebody_else(tx, account_id, by)
    await accounts.change(tx.connection, account_id, **second_factor.forgotten())
    await sessions.end(tx, account_id, "second_factor", now=now)
    await _changed(tx, "second_factor.reset", account_id, by=by, now=now)
