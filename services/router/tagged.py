"""Owns asking for cases by their tags: the filter of a list, the tags of a page, and how many cases have each."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.domain.rules import Rules
from services.router.tables import case_tags, cases
from shared.errors import FieldError, InvalidInput


def must_be_tags(wanted: Collection[str], rules: Rules, *, desk: bool) -> None:
    """Who asks for a tag must be one of those who see it; else the list would tell who has it."""
    for code in wanted:
        tag = rules.catalogue.tags.get(code)
        if tag is None or not tag.seen(desk=desk, confidential=False):
            wrong = FieldError("query/tag", f"{code} is no tag you can ask for", "没有这个标签，或您无权查看")
            raise InvalidInput(fields=(wrong,))


def personal(wanted: Collection[str], rules: Rules) -> bool:
    """True when one of them says something of the citizen: units ask for it among cases that are not confidential."""
    return any(tag.personal for tag in rules.catalogue.tags.in_order(wanted))


def with_tags[S: Select[Any]](query: S, wanted: Collection[str]) -> S:
    """Only cases that have all of these; a join, so that ix_case_tags_tag can give them in their order."""
    for at, code in enumerate(sorted(set(wanted))):
        one = case_tags.alias(f"tag_{at}")
        query = query.join(one, and_(one.c.case_id == cases.c.case_id, one.c.tag == code, ~one.c.removed))
    return query


async def tags_of(connection: AsyncConnection, case_ids: Collection[UUID]) -> Mapping[UUID, list[str]]:
    """The tags of the cases of one page, in one query."""
    found: dict[UUID, list[str]] = {}
    if case_ids:
        query = select(case_tags.c.case_id, case_tags.c.tag)
        query = query.where(case_tags.c.case_id.in_(case_ids), ~case_tags.c.removed)
        for row in (await connection.execute(query)).all():
            found.setdefault(row.case_id, []).append(row.tag)
    return found
