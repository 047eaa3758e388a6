"""The evidence pack: everything this service knows of a case's time as a chain of facts that cannot be changed unseen."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from services.sla import tables
from services.sla.domain import CaseClocks
from services.sla.limits import shipped_limits
from services.sla.oversight import records
from services.sla.oversight.appeals import Appeal
from services.sla.oversight.extensions import Extension
from services.sla.oversight.supervisions import Supervision
from services.sla.oversight.suspensions import Suspension
from services.sla.oversight.usecases import timed
from services.sla.stopwatch import Clock
from services.sla.store import SlaTx
from shared.ids import new_id
from shared.tokens import Actor

BEGINNING = "0" * 64
FACTS, MANIFEST = "facts.jsonl", "manifest.json"
_STAMP = (1980, 1, 1, 0, 0, 0)
"""Nothing of a ZIP's own dates: the same facts give the same file."""
_ELSEWHERE = (
    ("case_log", "router", "the case's own log, hash-chained, by case id"),
    ("photos", "feedback", "photos of the work, by order id and SHA-256"),
    ("replies", "router", "public replies, by order id"),
    ("request", "intake", "the request as it came in, by case id"),
)


@dataclass(frozen=True, slots=True)
class Pack:
    pack_id: UUID
    head: str
    """The last hash of the chain."""
    content: bytes


async def take(tx: SlaTx, supervision_id: UUID, *, by: Actor, now: datetime) -> Pack:
    """Make the pack, and keep that it was taken, by whom and with which hash."""
    asked = await records.find(tx.connection, Supervision, supervision_id)
    await timed(tx, asked.case_id)
    case = await tx.find(asked.case_id)
    assert case is not None
    facts = chained(await _facts(tx, case))
    head = facts[-1]["hash"] if facts else BEGINNING
    pack_id = new_id()
    row = {
        "pack_id": pack_id,
        "case_id": case.case_id,
        "made_by": by.id,
        "made_at": now,
        "head": head,
        "facts": len(facts),
    }
    await tx.connection.execute(insert(tables.evidence_packs).values(row))
    about = {
        "pack_id": pack_id,
        "case_id": case.case_id,
        "case_no": case.case_no,
        "supervision_id": supervision_id,
        "made_at": now,
        "made_by": by.id,
        "orders": sorted({str(clock.order_id) for clock in case.clocks if clock.order_id}),
    }
    return Pack(pack_id, head, packed(about, facts))


async def _facts(tx: SlaTx, case: CaseClocks) -> list[tuple[datetime, str, dict[str, Any]]]:
    """(when, what, details), in the order they happened."""
    found: list[tuple[datetime, str, dict[str, Any]]] = [
        (clock.started_at, "clock", _clock(clock)) for clock in case.clocks
    ]
    for kind, name, at in (
        (Extension, "extension", "asked_at"),
        (Suspension, "suspension", "asked_at"),
        (Supervision, "supervision", "ordered_at"),
        (Appeal, "appeal", "asked_at"),
    ):
        asked = await records.of_case(tx.connection, kind, case.case_id)
        found += [(getattr(record, at), name, _plain(asdict(record))) for record in asked]
    urges = await tx.connection.execute(select(tables.urges).where(tables.urges.c.case_id == case.case_id))
    found += [(row.urged_at, "urge", _plain(dict(row._mapping))) for row in urges]  # noqa: SLF001  SQLAlchemy's public name
    return sorted(found, key=lambda fact: (fact[0], fact[1], json.dumps(fact[2], sort_keys=True, default=str)))


def _clock(clock: Clock) -> dict[str, Any]:
    details = {name: value for name, value in asdict(clock).items() if name != "timers"}
    details |= {
        "original_due_at": clock.original_due_at,
        "on_time": clock.on_time,
        "rule": shipped_limits().explain(clock.rule_code),
    }
    return _plain(details)


def _plain(details: dict[str, Any]) -> dict[str, Any]:
    return {name: [_model(each) for each in value] if isinstance(value, list | tuple) else value
            for name, value in details.items()}  # fmt: skip


def _model(value: Any) -> Any:
    return value.model_dump() if hasattr(value, "model_dump") else value


def chained(facts: Iterable[tuple[datetime, str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Each fact with its number, the hash of the one before it, and the SHA-256 over both."""
    chain: list[dict[str, Any]] = []
    previous = BEGINNING
    for number, (at, kind, details) in enumerate(facts, start=1):
        fact = json.loads(_json({"no": number, "at": at, "kind": kind, "details": details, "previous": previous}))
        previous = fact["hash"] = hash_of(fact)
        chain.append(fact)
    return chain


def hash_of(fact: dict[str, Any]) -> str:
    """Over everything of the fact but its own hash, as canonical JSON: keys in order, no blanks, UTF-8."""
    return hashlib.sha256(_json({name: value for name, value in fact.items() if name != "hash"}).encode()).hexdigest()


def packed(about: dict[str, Any], facts: Sequence[dict[str, Any]]) -> bytes:
    body = "".join(_json(fact) + "\n" for fact in facts).encode()
    manifest = {
        **about,
        "files": {FACTS: {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}},
        "chain": {
            "algorithm": "SHA-256 over canonical JSON without `hash`; `previous` is the hash of the fact before",
            "facts": len(facts),
            "first_previous": BEGINNING,
            "head": facts[-1]["hash"] if facts else BEGINNING,
        },
        "elsewhere": [{"what": what, "service": service, "how": how} for what, service, how in _ELSEWHERE],
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ((MANIFEST, json.dumps(json.loads(_json(manifest)), indent=2, ensure_ascii=False).encode()),
                              (FACTS, body)):  # fmt: skip
            archive.writestr(zipfile.ZipInfo(name, _STAMP), content)
    return out.getvalue()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_text)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
