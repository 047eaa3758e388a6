"""What the router's doors have in common: the process's context, versions in headers, and whom they admit."""

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import Depends, Header, Query, Response
from pydantic import Field
from sqlalchemy import RowMapping

from services.router.domain.cases import Case
from services.router.domain.rules import Rules
from services.router.rulebook import Rulebook
from services.router.settings import Settings
from services.router.signing import Keyring
from services.router.store import Tx
from services.router.usecases.people import People
from services.router.usecases.versions import etag
from shared.actors import context_of, requires
from shared.context import Context
from shared.tokens import Actor

type Here = Annotated[Context[Settings, Tx], Depends(context_of)]
type IfMatch = Annotated[str | None, Header(max_length=32, description="The ETag of the view this was decided on")]
type IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]
type Limit = Annotated[int, Query(ge=1, le=200)]

AllOfTags = Annotated[list[Annotated[str, Field(pattern=r"^[a-z_]{2,40}$")]], Query(alias="tag", max_length=5)]
"""Only what has all of these."""

AtDesk = Annotated[
    Actor, Depends(requires("dispatcher", "filing_clerk", "reviewer", "supervisor", "leader", kind="staff"))
]
Dispatcher = Annotated[Actor, Depends(requires("dispatcher", kind="staff"))]
Filing = Annotated[Actor, Depends(requires("dispatcher", "filing_clerk", kind="staff"))]
AtWork = Annotated[
    Actor,
    Depends(
        requires(
            *("handler", "unit_manager", "grid_officer", "department"),
            *("dispatcher", "filing_clerk", "reviewer", "callback_clerk", "supervisor", "leader", "ruling_panel"),
            *("discipline", "analyst"),
        )
    ),
]
"""Everybody who has to do with work orders; what each may do is the order table's business."""
Panel = Annotated[Actor, Depends(requires("ruling_panel", kind="staff"))]
WithRulings = Annotated[
    Actor, Depends(requires("dispatcher", "reviewer", "supervisor", "leader", "ruling_panel", kind="staff"))
]
OnTheSpot = Annotated[
    Actor,
    Depends(
        requires(
            *("grid_officer", "handler", "unit_manager", "dispatcher", "reviewer", "supervisor", "leader"),
            *("ruling_panel", "department"),
        )
    ),
]
"""Who sees tasks; a unit its own."""
Hooks = Annotated[Actor, Depends(requires("admin", "department"))]
Department = Annotated[Actor, Depends(requires("department", kind="machine"))]


def here_rules(here: Context[Settings, Tx]) -> Rules:
    """The rules now in force, for lists and forms; a single case is judged by its own edition."""
    return rulebook_of(here).in_force(here.clock.now()).rules


def rulebook_of(here: Context[Settings, Tx]) -> Rulebook:
    rulebook: Rulebook = here.parts["rulebook"]
    return rulebook


async def names_of(here: Context[Settings, Tx], tx: Tx, found: Sequence[RowMapping]) -> Callable[[RowMapping], Rules]:
    """For a list: the rules each row's names come from, which are those of the edition its case keeps."""
    rulebook = rulebook_of(here)
    await rulebook.need(tx.connection, {row["edition"] for row in found})
    return lambda row: rulebook.edition(row["edition"]).rules


def people_of(here: Context[Settings, Tx]) -> People:
    people: People = here.parts["people"]
    return people


def keyring_of(here: Context[Settings, Tx]) -> Keyring:
    keyring: Keyring = here.parts["keyring"]
    return keyring


def tag(response: Response, case: Case) -> None:
    response.headers["ETag"] = etag(case)
