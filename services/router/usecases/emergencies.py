"""Declaring and lifting an emergency: who, why, from when to when; said to everybody and kept in the record."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from contracts.events.router import EmergencyDeclared, EmergencyLifted
from services.router import emergencies
from services.router.domain.errors import RoleMissing
from services.router.domain.rules import SYSTEM, Rules
from services.router.emergencies import EmergencyRules
from services.router.people import audit
from services.router.store import Tx
from shared.cloudevents import Envelope
from shared.errors import Conflict, FieldError, InvalidInput, NotFound
from shared.ids import new_id
from shared.tokens import Actor

AT_ITS_END = "到期自动解除"


class EmergencyUnknown(NotFound):
    """There is no such emergency."""

    zh = "没有这次应急状态"


class LiftedAlready(Conflict):
    """The emergency is over."""

    zh = "该应急状态已经解除"


async def declare(
    tx: Tx,
    rules: Rules,
    kinds: EmergencyRules,
    *,
    theme_code: str,
    area_codes: Sequence[str],
    reason: str,
    until: datetime,
    by: Actor,
    now: datetime,
) -> UUID:
    """From now on, in these areas (none named: everywhere), until then at the latest."""
    _must_declare(kinds, by)
    theme = kinds.theme(theme_code)
    wrong: list[FieldError] = []
    if theme is None:
        wrong.append(FieldError("/theme_code", "is not a listed kind of emergency", "没有这类应急主题"))
    elif not now < until <= now + timedelta(hours=theme.most_hours):
        en = f"must lie within {theme.most_hours} hours from now"
        wrong.append(FieldError("/until", en, f"结束时间应在{theme.most_hours}小时以内"))
    if unknown := [code for code in area_codes if code not in rules.catalogue.places]:
        wrong.append(FieldError("/area_codes", f"{', '.join(unknown)} are no areas", "目录中没有这个区域"))
    if wrong or theme is None:
        raise InvalidInput(fields=tuple(wrong))
    emergency_id, categories = new_id(), theme.categories(rules.catalogue.categories)
    areas = tuple(dict.fromkeys(area_codes))
    row = {
        "emergency_id": emergency_id,
        "theme_code": theme.code,
        "area_codes": list(areas),
        "category_codes": list(categories),
        "reason": reason,
        "declared_by": by.id,
        "declared_at": now,
        "until": until,
    }
    await emergencies.add(tx.connection, row)
    said = EmergencyDeclared(
        emergency_id=emergency_id, theme_code=theme.code, area_codes=areas, category_codes=categories
    )
    tx.emit(Envelope.of(said, case_id=emergency_id, sequence=0, now=now))
    facts = {"theme": theme.code, "areas": list(areas), "until": until.isoformat()}
    await audit.note(tx.connection, "emergency.declared", by=by.id, subject=emergency_id, now=now, facts=facts)
    await tx.rulebook.hear_alarm(tx.connection)
    return emergency_id


async def lift(tx: Tx, kinds: EmergencyRules, emergency_id: UUID, *, reason: str, by: Actor, now: datetime) -> None:
    _must_declare(kinds, by)
    await _lift(tx, emergency_id, reason=reason, by=by, now=now)


async def lift_over(tx: Tx, *, now: datetime) -> int:
    """Those whose end has come."""
    over = await emergencies.over(tx.connection, now)
    for emergency_id in over:
        await _lift(tx, emergency_id, reason=AT_ITS_END, by=SYSTEM, now=now)
    return len(over)


async def _lift(tx: Tx, emergency_id: UUID, *, reason: str, by: Actor, now: datetime) -> None:
    row = await emergencies.load(tx.connection, emergency_id, lock=True)
    if row is None:
        raise EmergencyUnknown
    if row["lifted_at"] is not None:
        raise LiftedAlready
    await emergencies.lift(tx.connection, emergency_id, by=by.id, reason=reason, now=now)
    said = EmergencyLifted(emergency_id=emergency_id, theme_code=row["theme_code"])
    tx.emit(Envelope.of(said, case_id=emergency_id, sequence=0, now=now))
    facts = {"theme": row["theme_code"]}
    await audit.note(tx.connection, "emergency.lifted", by=by.id, subject=emergency_id, now=now, facts=facts)
    await tx.rulebook.hear_alarm(tx.connection)


def _must_declare(kinds: EmergencyRules, by: Actor) -> None:
    if not by.has(*kinds.declared_by):
        raise RoleMissing(f"this needs one of the roles {', '.join(kinds.declared_by)}")
