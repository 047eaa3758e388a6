"""How citizens want to be told: their channels and quiet hours, and WeChat's consents, one message or standing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.feedback.domain.channel import Wishes
from services.feedback.domain.notice import Channel, QuietHours
from services.feedback.store import Tx
from services.feedback.tables import notice_preferences, notice_templates, wechat_quota
from shared.errors import DomainError, FieldError

Answer = Literal["accept", "reject", "ban", "filter"]
"""What `wx.requestSubscribeMessage` says for each template."""
NOTHING_SAID = Wishes()


class UnknownTemplate(DomainError):
    """There is no approved message template with this id."""

    zh = "没有这个已审核通过的订阅消息模板"


@dataclass(frozen=True, slots=True)
class Preferences:
    channels: tuple[Channel, ...]
    quiet: tuple[str, str] | None
    consent_version: str


def wishes_of(row: Any) -> Wishes:
    """From a row of `notice_preferences`."""
    quiet = None
    if row.quiet_begins is not None and row.quiet_ends is not None:
        quiet = QuietHours(time.fromisoformat(row.quiet_begins), time.fromisoformat(row.quiet_ends))
    return Wishes(tuple(row.channels), quiet)


async def stated(tx: Tx, citizen_id: UUID) -> Any | None:
    """The row of what somebody asked for; None when they never did."""
    found = select(notice_preferences).where(notice_preferences.c.citizen_id == citizen_id)
    return (await tx.connection.execute(found)).one_or_none()


async def state(tx: Tx, citizen_id: UUID, wanted: Preferences, *, now: datetime) -> None:
    begins, ends = wanted.quiet or (None, None)
    row = {
        "citizen_id": citizen_id,
        "channels": list(wanted.channels),
        "quiet_begins": begins,
        "quiet_ends": ends,
        "consent_version": wanted.consent_version,
        "updated_at": now,
    }
    statement = upsert(notice_preferences).values(row)
    await tx.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["citizen_id"], set_={k: row[k] for k in row if k != "citizen_id"}
        )
    )


async def answered(tx: Tx, citizen_id: UUID, answers: Mapping[str, Answer], *, now: datetime) -> None:
    """What the prompt came to, by the provider's template ids. Raises `UnknownTemplate`.

    An accepted one-time template is one message more; an accepted long-term one holds until the citizen takes it back.
    A ban (the operator's own template was suspended) and a refusal leave what was agreed to earlier, except that
    a refused long-term one ends.
    """
    found = select(notice_templates).where(notice_templates.c.provider_template.in_(answers))
    known = {
        row.provider_template: row for row in await tx.connection.execute(found.where(notice_templates.c.approved))
    }
    if missing := sorted(set(answers) - set(known)):
        raise UnknownTemplate(fields=tuple(FieldError(f"/results/{_escaped(name)}", "unknown") for name in missing))
    for provider_template, answer in sorted(answers.items()):
        row, accepted = known[provider_template], answer == "accept"
        once, standing = accepted and row.kind == "one_time", accepted and row.kind == "long_term"
        statement = upsert(wechat_quota).values(
            citizen_id=citizen_id,
            template=row.template,
            answer=answer,
            remaining=int(once),
            standing=standing,
            updated_at=now,
        )
        await tx.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["citizen_id", "template"],
                set_={
                    "answer": answer,
                    "remaining": func.greatest(wechat_quota.c.remaining, 0) + int(once),
                    "standing": standing,
                    "updated_at": now,
                },
            )
        )


async def consents(tx: Tx, citizen_id: UUID) -> Sequence[Any]:
    found = select(wechat_quota).where(wechat_quota.c.citizen_id == citizen_id).order_by(wechat_quota.c.template)
    return (await tx.connection.execute(found)).all()


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
