"""Editions of the limit rules kept in the database: published once, from a later day on, and never changed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.sla.hours import SHENZHEN
from services.sla.limits import Edition, LimitBook, shipped_limits
from services.sla.tables import limit_editions
from shared.errors import Conflict

_books: dict[tuple[str, ...], LimitBook] = {(): shipped_limits()}
"""By the editions published; one is never changed, so a book can never be stale."""


class EditionTooEarly(Conflict):
    """An edition must begin on a later day than today and than the newest edition."""

    zh: ClassVar[str] = "新版时限须自今日之后、且晚于现有各版的日期起生效"


class EditionKnown(Conflict):
    """There is an edition of that code already."""

    zh: ClassVar[str] = "该版本代码已被使用"


async def book_of(connection: AsyncConnection, editions: tuple[str, ...]) -> LimitBook:
    """The shipped editions with those published after them."""
    if editions not in _books:
        rows = await connection.execute(select(limit_editions.c.data).order_by(limit_editions.c.valid_from))
        published = [Edition.model_validate(row.data) for row in rows]
        if tuple(sorted(each.edition for each in published)) != tuple(sorted(editions)):
            return shipped_limits().followed_by(published)
        _books[editions] = shipped_limits().followed_by(published)
    return _books[editions]


def must_begin_later(edition: Edition, book: LimitBook, now: datetime) -> LimitBook:
    """The book with that edition; refused when it would judge a day that has begun, or that is judged already."""
    if edition.edition in book.by_code:
        raise EditionKnown
    today: date = now.astimezone(SHENZHEN).date()
    if edition.valid_from <= max(today, book.editions[-1].valid_from):
        raise EditionTooEarly
    return book.followed_by([edition])


async def publish_edition(
    connection: AsyncConnection, edition: Edition, book: LimitBook, *, reason: str, by: str, now: datetime
) -> None:
    """Cases filed from its first day on are judged by it; those filed before keep theirs."""
    must_begin_later(edition, book, now)
    row = {
        "edition": edition.edition,
        "valid_from": edition.valid_from,
        "data": edition.model_dump(mode="json", exclude={"overlays"}),
        "reason": reason,
        "published_by": by,
        "published_at": now,
    }
    await connection.execute(insert(limit_editions).values(row))


async def published_editions(connection: AsyncConnection) -> Sequence[Any]:
    """Who published which edition when and why, newest first."""
    return (await connection.execute(select(limit_editions).order_by(limit_editions.c.valid_from.desc()))).all()
