"""Doors for whose case it is, by token or by number and code; staff may look, but do not speak for a citizen."""

from datetime import datetime
from typing import Annotated

from fastapi import Header, Path, Request

from services.feedback.lookups import CaseNotFound, LookUps
from shared.actors import context_of

CaseNo = Annotated[str, Path(max_length=64, description="As on the receipt; spaces, hyphens and lower case are fine")]
LookUpCode = Annotated[
    str | None, Header(alias="X-Lookup-Code", max_length=64, description="From the receipt; or send a token")
]
Authorization = Annotated[str | None, Header(description="Bearer token of the case's citizen")]


async def citizens_own(request: Request, case_no: str, *, now: datetime) -> str:
    """The canonical number. Raises `Unauthenticated`, `CaseNotFound` (counted as a guess) or `TooManyLookUps`."""
    look_ups: LookUps = context_of(request).parts["look_ups"]
    asking = await look_ups.asking(request.scope, case_no)
    if asking.staff and asking.hashed is None:
        raise CaseNotFound
    await look_ups.get(asking.as_citizen(), now=now)
    return asking.case_no
