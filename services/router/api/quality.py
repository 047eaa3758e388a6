"""How well requests are classified: per version of what judged them, against what people decided."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import RowMapping

from services.router import beside_lists, judgements, models
from services.router.api.doors import AtDesk, Here
from shared.errors import FieldError, InvalidInput

routes = APIRouter(prefix="/desk", tags=["desk"])

PERIOD = timedelta(days=90)
LONGEST = timedelta(days=366)


class VersionQuality(BaseModel):
    """One version: `rules`, or a model's, which is asked where the rules are not sure. Shares are null of nothing."""

    version: str
    cases: int
    explicit: int
    """Chosen by the operator or the citizen; not judged."""
    by_rules: int
    by_model: int
    queued: int
    decided: int
    """Those a person decided."""
    confirmed: int
    overridden: int
    abstain_rate: float | None
    """Waited for a person ÷ all that were judged."""
    override_rate: float | None
    """Decided otherwise than the best guess ÷ decided."""
    accuracy: float | None
    """Decided as the best guess said ÷ decided. What was filed without a person is not in it: these are the hard ones."""
    first_at: datetime
    last_at: datetime
    trained_at: datetime | None
    metrics: dict[str, Any] | None
    """Of the model's own cross-validation, when it was trained."""

    @classmethod
    def of(cls, row: RowMapping, model: RowMapping | None) -> "VersionQuality":
        judged = row["cases"] - row["explicit"]
        return cls(
            **row,
            abstain_rate=_share(row["queued"], judged),
            override_rate=_share(row["overridden"], row["decided"]),
            accuracy=_share(row["confirmed"], row["decided"]),
            trained_at=model["trained_at"] if model else None,
            metrics=model["metrics"] if model else None,
        )


class ModelView(BaseModel):
    version: str
    kind: str
    """`classifier`, or `experience`: who handled such cases, and how late."""
    edition: str
    trained_at: datetime
    metrics: dict[str, Any]


class DispatchAccuracy(BaseModel):
    """一次派单准确率: leads first given in the period; the dispatcher's own errors count apart from units' returns."""

    since: datetime
    until: datetime
    dispatched: int
    own_error: int
    """Moved because the dispatcher had chosen wrongly."""
    returned: int
    """Moved because a return was agreed to."""
    ruled: int
    """Moved because it was disputed."""
    otherwise: int
    stayed: int
    rate: float | None
    """Stayed where they were first sent ÷ dispatched; null of nothing."""


class QualityView(BaseModel):
    since: datetime
    until: datetime
    in_use: str
    """The version that judges what comes in now."""
    versions: list[VersionQuality]
    models: list[ModelView]


@routes.get("/classifier")
async def read_quality(
    *,
    here: Here,
    by: AtDesk,  # noqa: ARG001  who may read it
    since: Annotated[datetime | None, Query(description="90 days before `until` by default")] = None,
    until: Annotated[datetime | None, Query(description="now by default")] = None,
) -> QualityView:
    """Accuracy, abstain rate and override rate of every version that judged requests in a period of at most a year."""
    since, until = _period(here.clock.now(), since, until)
    async with here.begin() as tx:
        await tx.rulebook.ready(tx.connection)
        found = await judgements.quality(tx.connection, since=since, until=until)
        known = {row["version"]: row for row in await models.listed(tx.connection)}
    model = tx.rulebook.model
    return QualityView(
        since=since,
        until=until,
        in_use=model.version if model else "rules",
        versions=[VersionQuality.of(row, known.get(row["version"])) for row in found],
        models=[
            ModelView(**{name: row[name] for name in ("version", "kind", "edition", "trained_at", "metrics")})
            for row in known.values()
        ],
    )


@routes.get("/dispatch-accuracy")
async def read_dispatch_accuracy(
    *,
    here: Here,
    by: AtDesk,  # noqa: ARG001  who may read it
    since: Annotated[datetime | None, Query(description="90 days before `until` by default")] = None,
    until: Annotated[datetime | None, Query(description="now by default")] = None,
) -> DispatchAccuracy:
    """How often the first choice of unit stood, over a period of at most a year."""
    since, until = _period(here.clock.now(), since, until)
    async with here.begin() as tx:
        found = await beside_lists.accuracy(tx.connection, since=since, until=until)
    stayed = found["dispatched"] - found["own_error"] - found["returned"] - found["ruled"] - found["otherwise"]
    rate = _share(stayed, found["dispatched"])
    return DispatchAccuracy(since=since, until=until, **found, stayed=stayed, rate=rate)


def _period(now: datetime, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    until = until or now
    since = since or until - PERIOD
    if since.tzinfo is None or until.tzinfo is None or not timedelta(0) < until - since <= LONGEST:
        raise InvalidInput(fields=(FieldError("query/since", "is no period of at most a year", "统计区间不正确"),))
    return since, until


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
