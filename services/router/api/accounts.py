"""The administrators' doors (三员分立): one makes accounts, another grants, the third reads the record."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping

from services.router.api.doors import Here, Limit, here_rules, people_of
from services.router.domain.errors import UnitUnknown
from services.router.people import accounts, audit, reads
from services.router.people.accounts import Grant
from services.router.people.roles import RoleRule
from services.router.usecases import people as usecases
from shared.actors import Staff, requires
from shared.tokens import Actor

routes = APIRouter(prefix="/staff", tags=["accounts"])

SystemAdmin = Annotated[Actor, Depends(requires("system_admin", kind="staff"))]
SecurityAdmin = Annotated[Actor, Depends(requires("security_admin", kind="staff"))]
AnyAdmin = Annotated[Actor, Depends(requires("system_admin", "security_admin", "audit_admin", kind="staff"))]
Auditor = Annotated[Actor, Depends(requires("audit_admin", kind="staff"))]
Watcher = Annotated[Actor, Depends(requires("audit_admin", "discipline", kind="staff"))]
LoginName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9._-]{1,63}$")]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class NewAccount(Body):
    login: LoginName
    name: Name


class NewName(Body):
    name: Name


class NewGrant(Body):
    role: Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]
    unit_code: Annotated[str, Field(pattern=r"^[A-Z]{2}-[A-Z][0-9]{2}$")] | None = None
    """Left out for the district."""


class GrantView(BaseModel):
    grant_id: UUID
    role: str
    unit_code: str | None
    granted_by: str
    granted_at: datetime

    @classmethod
    def of(cls, grant: Grant) -> "GrantView":
        return cls(
            grant_id=grant.grant_id,
            role=grant.role,
            unit_code=grant.unit_code or None,
            granted_by=grant.granted_by,
            granted_at=grant.granted_at,
        )


class AccountView(BaseModel):
    account_id: UUID
    login: str
    name: str
    created_at: datetime
    disabled_at: datetime | None
    locked_until: datetime | None
    must_change_password: bool
    second_factor: bool
    grants: list[GrantView]

    @classmethod
    def of(cls, row: RowMapping, held: list[Grant]) -> "AccountView":
        same = ("account_id", "login", "name", "created_at", "disabled_at", "locked_until", "must_change_password")
        return cls(
            **{name: row[name] for name in same},
            second_factor=row["totp_confirmed_at"] is not None,
            grants=[GrantView.of(grant) for grant in held],
        )


class AccountPage(BaseModel):
    items: list[AccountView]
    next: str | None
    """Give it as `after` for the next page; null on the last."""


class AccountWithPassword(BaseModel):
    account: AccountView
    first_password: str
    """For one login, at which another one is chosen; shown this once."""


class RoleView(BaseModel):
    code: str
    name: str
    scope: str
    sees: str
    acts: bool
    second_factor: bool
    granted: bool
    does: str

    @classmethod
    def of(cls, role: RoleRule) -> "RoleView":
        return cls(name=role.zh, **role.model_dump(exclude={"zh"}))


class RoleList(BaseModel):
    items: list[RoleView]
    apart: list[list[str]]
    """Of each row nobody holds two."""


class EntryView(BaseModel):
    seq: int
    at: datetime
    actor: str
    action: str
    subject: UUID
    facts: dict[str, Any]
    hash: str


class EntryPage(BaseModel):
    items: list[EntryView]
    next: int | None
    """Give it as `before` for what came earlier; null on the last page."""


class ChainView(BaseModel):
    entries: int
    broken_at: int | None
    """The first entry whose hash does not fit; null while the chain holds."""


class CaseReadView(BaseModel):
    read_id: int
    case_id: UUID
    actor: str
    roles: list[str]
    units: list[str]
    read_at: datetime


class CaseReadPage(BaseModel):
    items: list[CaseReadView]
    next: int | None


async def _shown(here: Here, account_id: UUID) -> AccountView:
    async with here.begin() as tx:
        row = await accounts.load(tx.connection, account_id)
        return AccountView.of(row, await accounts.held(tx.connection, account_id))


@routes.get("/roles")
async def read_roles(here: Here, by: Staff) -> RoleList:  # noqa: ARG001  any member of staff
    rules = people_of(here).rules
    return RoleList(items=[RoleView.of(role) for role in rules.roles], apart=[list(row) for row in rules.apart])


@routes.get("/accounts")
async def read_accounts(
    *,
    here: Here,
    by: AnyAdmin,  # noqa: ARG001
    login: LoginName | None = None,
    after: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    limit: Limit = 50,
) -> AccountPage:
    async with here.begin() as tx:
        found = await accounts.listed(tx.connection, login=login, after=after, limit=limit)
        held = await accounts.held_by_all(tx.connection, [row["account_id"] for row in found])
    items = [AccountView.of(row, held.get(row["account_id"], [])) for row in found]
    return AccountPage(items=items, next=items[-1].login if len(items) == limit else None)


@routes.post("/accounts", status_code=201)
async def create_account(here: Here, by: SystemAdmin, body: NewAccount, response: Response) -> AccountWithPassword:
    """It may do nothing until the security administrator grants it something."""
    response.headers["Cache-Control"] = "no-store"
    async with here.begin() as tx:
        account_id, password = await usecases.create(
            tx, people_of(here), login=body.login, name=body.name, by=by, now=here.clock.now()
        )
    return AccountWithPassword(account=await _shown(here, account_id), first_password=password)


@routes.get("/accounts/{account_id}")
async def read_account(here: Here, by: AnyAdmin, account_id: UUID) -> AccountView:  # noqa: ARG001
    return await _shown(here, account_id)


@routes.put("/accounts/{account_id}/name")
async def rename_account(here: Here, by: SystemAdmin, account_id: UUID, body: NewName) -> AccountView:
    async with here.begin() as tx:
        await usecases.rename(tx, account_id, body.name, by=by, now=here.clock.now())
    return await _shown(here, account_id)


@routes.post("/accounts/{account_id}/disable")
async def disable_account(here: Here, by: SystemAdmin, account_id: UUID) -> AccountView:
    """Its tokens are refused everywhere within seconds."""
    async with here.begin() as tx:
        await usecases.disable(tx, account_id, by=by, now=here.clock.now())
    return await _shown(here, account_id)


@routes.post("/accounts/{account_id}/enable")
async def enable_account(here: Here, by: SystemAdmin, account_id: UUID) -> AccountView:
    async with here.begin() as tx:
        await usecases.enable(tx, account_id, by=by, now=here.clock.now())
    return await _shown(here, account_id)


@routes.post("/accounts/{account_id}/password-resets", status_code=201)
async def reset_password(here: Here, by: SystemAdmin, account_id: UUID, response: Response) -> AccountWithPassword:
    response.headers["Cache-Control"] = "no-store"
    async with here.begin() as tx:
        password = await usecases.reset_password(tx, people_of(here), account_id, by=by, now=here.clock.now())
    return AccountWithPassword(account=await _shown(here, account_id), first_password=password)


@routes.post("/accounts/{account_id}/second-factor-resets", status_code=201)
async def reset_second_factor(here: Here, by: SecurityAdmin, account_id: UUID) -> AccountView:
    async with here.begin() as tx:
        await usecases.reset_second_factor(tx, account_id, by=by, now=here.clock.now())
    return await _shown(here, account_id)


@routes.post("/accounts/{account_id}/grants", status_code=201)
async def give_grant(here: Here, by: SecurityAdmin, account_id: UUID, body: NewGrant) -> AccountView:
    """A role for a unit; the account logs in again to use it."""
    if body.unit_code is not None and body.unit_code not in here_rules(here).catalogue.units:
        raise UnitUnknown(body.unit_code)
    async with here.begin() as tx:
        await usecases.give(
            tx,
            people_of(here),
            account_id,
            role=body.role,
            unit_code=body.unit_code,
            by=by,
            now=here.clock.now(),
        )
    return await _shown(here, account_id)


@routes.delete("/accounts/{account_id}/grants/{grant_id}")
async def take_grant(here: Here, by: SecurityAdmin, account_id: UUID, grant_id: UUID) -> AccountView:
    async with here.begin() as tx:
        await usecases.take(tx, account_id, grant_id, by=by, now=here.clock.now())
    return await _shown(here, account_id)


@routes.get("/audit")
async def read_audit(
    *,
    here: Here,
    by: Auditor,  # noqa: ARG001
    subject: UUID | None = None,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Limit = 50,
) -> EntryPage:
    """What was done with accounts and emergencies, newest first; `subject` is an account's or an emergency's id."""
    async with here.begin() as tx:
        found = await audit.entries(tx.connection, subject=subject, before=before, limit=limit)
    items = [
        EntryView(**{name: row[name] for name in EntryView.model_fields if name != "hash"}, hash=row["hash"].hex())
        for row in found
    ]
    return EntryPage(items=items, next=items[-1].seq if len(items) == limit else None)


@routes.get("/audit/chain")
async def check_audit(here: Here, by: Auditor) -> ChainView:  # noqa: ARG001
    """Walks every entry: a record somebody changed behind the system's back shows here."""
    async with here.begin() as tx:
        health = await audit.check(tx.connection)
    return ChainView(entries=health.entries, broken_at=health.broken_at)


@routes.get("/audit/case-reads")
async def read_case_reads(
    *,
    here: Here,
    by: Watcher,  # noqa: ARG001
    case_id: UUID | None = None,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Limit = 50,
) -> CaseReadPage:
    """Who was shown confidential cases, newest first. Reads of contacts are at `/v1/contact-reads`."""
    async with here.begin() as tx:
        found = await reads.listed(tx.connection, case_id=case_id, before=before, limit=limit)
    items = [CaseReadView(**{name: row[name] for name in CaseReadView.model_fields}) for row in found]
    return CaseReadPage(items=items, next=items[-1].read_id if len(items) == limit else None)
