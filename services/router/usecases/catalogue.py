"""What an administrator does with versions of the catalogue: upload, look, publish, withdraw."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import RowMapping

from services.router.catalogue import exchange, versions
from services.router.catalogue.diff import Change, changes
from services.router.catalogue.files import Files
from services.router.catalogue.sheet import CatalogueInvalid
from services.router.catalogue.whole import Catalogue
from services.router.domain.rules import SHENZHEN
from services.router.store import Tx
from shared.errors import Conflict, FieldError, InvalidInput, NotFound
from shared.tokens import Actor

MOST_TOLD = 1000
"""Faults of a refused file; a dry run says how many there are."""


class VersionUnknown(NotFound):
    """There is no such version of the catalogue."""

    zh = "没有这个目录版本"


class VersionExists(Conflict):
    """There is a version of this id already; versions are never overwritten."""

    zh = "该版本编号已存在，版本不可覆盖"


class VersionNotDraft(Conflict):
    """Only a draft can be published."""

    zh = "只有草稿可以发布"


class VersionInForce(Conflict):
    """This version is in force or was; it can only be followed by another one."""

    zh = "该版本已经生效，不能撤回，只能发布新版本"


class DayTaken(Conflict):
    """Another version begins on that day."""

    zh = "已有其他版本在该日生效"


@dataclass(frozen=True, slots=True)
class Base:
    """What a change is laid over: the tables, and the edition they hold."""

    files: Files
    catalogue: Catalogue


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an upload would make, and how it differs from what it is based on."""

    upload: exchange.Upload
    changes: tuple[Change, ...]


async def catalogue_of(tx: Tx, name: str) -> Catalogue:
    """Any version: shipped, published, draft or withdrawn."""
    return (await base_of(tx, name)).catalogue


async def base_of(tx: Tx, name: str) -> Base:
    await tx.rulebook.ready(tx.connection)
    for shipped in tx.rulebook.shipped():
        catalogue = shipped.rules.catalogue
        if catalogue.edition.id == name:
            return Base(tx.rulebook.files, catalogue)
    found = await versions.fetched(tx.connection, [name])
    if not found:
        raise VersionUnknown
    document = found[0]
    return Base(document.files(), await asyncio.to_thread(document.catalogue))


async def base_for(tx: Tx, version_id: str, based_on: str | None, *, now: datetime) -> Base:
    """The base of an upload, the edition in force when none is named; raises when the id is taken."""
    await tx.rulebook.ready(tx.connection)
    taken = any(one.rules.catalogue.edition.id == version_id for one in tx.rulebook.shipped())
    if taken or await versions.facts(tx.connection, version_id) is not None:
        raise VersionExists
    return await base_of(tx, based_on or tx.rulebook.in_force(now).rules.catalogue.edition.id)


def propose(base: Base, tables: Files, *, version_id: str, title: str, now: datetime) -> Proposal:
    """Pure, and takes seconds: for a thread of its own, with no transaction open."""
    today = now.astimezone(SHENZHEN).date()
    edition = exchange.as_version(base.catalogue.edition, version_id, title, today)
    upload = exchange.proposed(base.files, base.catalogue, tables, edition, today)
    found = changes(base.catalogue, upload.catalogue) if upload.catalogue is not None else ()
    return Proposal(upload, found)


async def keep(tx: Tx, proposal: Proposal, base: Base, *, by: Actor, now: datetime) -> str:
    """As a draft; a faulty one is not kept."""
    made = proposal.upload.catalogue
    if made is None:
        raise CatalogueInvalid([one for one in proposal.upload.problems if one.level == "fault"][:MOST_TOLD])
    await versions.add(
        tx.connection,
        version_id=made.edition.id,
        title=made.edition.title,
        based_on=base.catalogue.edition.id,
        files=proposal.upload.files,
        by=by.id,
        now=now,
    )
    return made.edition.id


async def publish(tx: Tx, version_id: str, *, effective_from: date, by: Actor, now: datetime) -> None:
    """From its day on new cases are filed under it; cases that run keep theirs."""
    found = await _held(tx, version_id)
    if found["status"] != "draft":
        raise VersionNotDraft
    if effective_from < now.astimezone(SHENZHEN).date():
        past = FieldError("/effective_from", "lies in the past", "生效日期不能早于今天")
        raise InvalidInput(fields=(past,))
    await versions.alone(tx.connection)
    if effective_from in (await versions.published(tx.connection)).values():
        raise DayTaken
    await versions.publish(tx.connection, version_id, effective_from=effective_from, by=by.id, now=now)


async def withdraw(tx: Tx, version_id: str, *, by: Actor, now: datetime) -> None:
    """A draft at any time, a published version before the day it begins on."""
    found = await _held(tx, version_id)
    day = found["effective_from"]
    if found["status"] == "withdrawn":
        return
    if found["status"] == "published" and day <= now.astimezone(SHENZHEN).date():
        raise VersionInForce
    await versions.withdraw(tx.connection, version_id, by=by.id, now=now)


async def _held(tx: Tx, version_id: str) -> RowMapping:
    found = await versions.facts(tx.connection, version_id, lock=True)
    if found is None:
        raise VersionUnknown
    return found
