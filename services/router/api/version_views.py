"""What staff are shown of the catalogue's versions: wrong cells, changes, counts, who did what and when."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import RowMapping

from services.router.catalogue import workbook
from services.router.catalogue.diff import Change
from services.router.catalogue.sheet import Problem
from services.router.catalogue.whole import Catalogue

MOST_SHOWN = 1000
"""Problems and changes in one answer; how many there are is always said."""


class ProblemView(BaseModel):
    """One wrong cell, by table, row and column as the machine and as people call them."""

    table: str
    sheet: str
    row: int
    column: str
    heading: str
    level: Literal["fault", "warning"]
    detail: str
    zh: str

    @classmethod
    def of(cls, one: Problem) -> "ProblemView":
        return cls(
            table=one.file,
            sheet=workbook.sheet_title(one.file),
            row=one.row,
            column=one.column,
            heading=workbook.heading(one.column),
            level=one.level,
            detail=one.detail,
            zh=one.zh,
        )


class ChangeView(BaseModel):
    kind: Literal["added", "removed", "renamed", "moved", "changed"]
    level: Literal["class", "subclass", "category", "standard", "tag"]
    code: str
    name: str
    field: str
    before: str
    after: str
    text: str
    """The whole line, as a reader takes it in."""

    @classmethod
    def of(cls, one: Change) -> "ChangeView":
        return cls(
            kind=one.kind,
            level=one.level,
            code=one.code,
            name=one.name,
            field=one.field,
            before=one.before,
            after=one.after,
            text=str(one),
        )


class DifferenceView(BaseModel):
    version: str
    against: str
    count: int
    changes: list[ChangeView]

    @classmethod
    def of(cls, version: str, against: str, found: tuple[Change, ...]) -> "DifferenceView":
        shown = [ChangeView.of(one) for one in found[:MOST_SHOWN]]
        return cls(version=version, against=against, count=len(found), changes=shown)


class UploadView(BaseModel):
    """What an upload would make, or has made."""

    accepted: bool
    """No faults: it can be kept, or was."""
    kept: bool
    faults: int
    problems: list[ProblemView]
    difference: DifferenceView


class CountsView(BaseModel):
    classes: int
    subclasses: int
    categories: int
    standards: int


class VersionView(BaseModel):
    id: str
    title: str
    status: Literal["shipped", "draft", "published", "withdrawn"]
    effective_from: date | None
    effective_to: date | None = None
    based_on: str | None = None
    checksum: str | None = None
    uploaded_by: str | None = None
    uploaded_at: datetime | None = None
    published_by: str | None = None
    published_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None

    @classmethod
    def shipped(cls, one: Catalogue) -> "VersionView":
        edition = one.edition
        return cls(
            id=edition.id,
            title=edition.title,
            status="shipped",
            effective_from=edition.effective_from,
            effective_to=edition.effective_to,
        )

    @classmethod
    def of(cls, row: RowMapping) -> "VersionView":
        return cls(**row)


class VersionList(BaseModel):
    items: list[VersionView]
    in_force: str


class VersionDetail(BaseModel):
    version: VersionView
    counts: CountsView
