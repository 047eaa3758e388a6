"""A desk with very many open orders, laid into its tables by PostgreSQL itself: for plans and for the bench."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_CASES = """
INSERT INTO cases (case_id, case_no, state, received_at, channel_code, citizen_id, anonymous, confidential, reply_wanted,
  title, text, place, edition, type_code, category_code, area_code, grade, process_code, photo_required, confidence,
  candidates, reasons, round, sequence, log_seq, log_hash, filed_at)
SELECT gen_random_uuid(), 'PS26091499' || lpad(n::text, 7, '0'),
  CASE WHEN n % 50 = 0 THEN 'queued' WHEN n % 10 = 1 THEN 'closed' ELSE 'handling' END, CAST(:now AS timestamptz) - n * interval '20 s',
  'wechat_pingshan', gen_random_uuid(), false, n % 50 = 0, true, '人行道井盖塌陷', repeat('路口的井盖塌了一块。', 12),
  '{"address": "六联社区某路口"}', :edition, 'complaint', (CAST(:categories AS text[]))[1 + floor(
  power(random(), 2) * cardinality(CAST(:categories AS text[])))], (CAST(:areas AS text[]))[1 + n % cardinality(
  CAST(:areas AS text[]))], (ARRAY['A', 'B', 'C'])[1 + n % 3], 'simple', true, 0.9, '[]', '[]', 1, 5, 3, '\\x00', CAST(:now AS timestamptz)
FROM generate_series(1, CAST(:count AS int)) n
"""
# The busiest unit of a hundred holds a tenth of all.
_ORDERS = """
INSERT INTO orders (case_id, order_id, role, unit_code, state, round, dispatched_at, signed_automatically,
  contact_method, contact_note, public_reply, handling_note, photo_ids, photos, notes, open, category_code, area_code,
  grade, due_at)
SELECT case_id, gen_random_uuid(), 'lead', (CAST(:units AS text[]))[1 + floor(
  power(random(), 2) * cardinality(CAST(:units AS text[])))],
  CASE WHEN state = 'closed' THEN 'closed' ELSE (ARRAY['dispatched', 'signed', 'contacted', 'handling', 'handling',
    'handling', 'resolved', 'reviewed'])[1 + floor(random() * 8)] END,
  1, received_at, false, '', '', '', '', '{}', '[]', '[]', state <> 'closed', category_code, area_code, grade,
  CASE WHEN random() < 0.02 THEN '9999-12-31 00:00:00+00' ELSE received_at + random() * interval '12 days' END
FROM cases WHERE state <> 'queued'
"""
_RETURNED = """
UPDATE orders SET state = 'returned', returned = '{"reason_code": "wrong_duty", "legal_basis": "职责清单第三条",
  "at": "2026-09-13T02:00:00+00:00", "from_state": "signed", "rejected_at": null, "rejection": ""}'
WHERE open AND random() < 0.01
"""
_TAGS = """
INSERT INTO case_tags (case_id, tag, set_by, actor, at, reasons, removed)
SELECT case_id, tag, 'system', 'system', CAST(:now AS timestamptz), '[]', random() < 0.1
FROM cases, (VALUES ('overdue', 0.2), ('near_due', 0.5), ('repeat', 0.4), ('weather', 0.4), ('supervised', 0.01)) AS t(tag, share)
WHERE random() < share
"""
_WEBHOOKS = """
INSERT INTO webhooks (webhook_id, unit_code, url, event_types, secret, created_by, created_at)
SELECT gen_random_uuid(), unit, 'http://127.0.0.1:9/', '{}', '\\x00', 'bench', CAST(:now AS timestamptz)
FROM unnest(CAST(:units AS text[])) unit
"""
_FEED = """
INSERT INTO feed (unit_code, position, event_id, event_type, case_id, order_id, at, body)
SELECT unit_code, row_number() OVER (PARTITION BY unit_code ORDER BY order_id), gen_random_uuid(),
  'order.dispatched.v1', case_id, order_id, dispatched_at, '{}' FROM orders
"""
_HEADS = "INSERT INTO feed_heads (unit_code, position) SELECT unit_code, max(position) FROM feed GROUP BY unit_code"
_DELIVERIES = """
INSERT INTO deliveries (webhook_id, message_id, event_type, case_id, unit_code, position, state, attempts, due_at,
  created_at)
SELECT webhook_id, event_id, event_type, case_id, unit_code, position,
  CASE WHEN random() < 0.05 THEN 'pending' ELSE 'delivered' END, 0, at, at
FROM feed JOIN webhooks USING (unit_code)
"""
_LOG = """
INSERT INTO case_log (case_id, seq, at, actor, action, facts, prev_hash, hash)
SELECT case_id, n, received_at, 'system', 'note', '{}', '\\x00', '\\x00' FROM cases, generate_series(1, 3) n
"""
TABLES = ("cases", "orders", "case_tags", "case_log", "feed", "deliveries")


async def fill(
    connection: AsyncConnection,
    count: int,
    *,
    edition: str,
    units: list[str],
    categories: list[str],
    areas: list[str],
    now: datetime,
    told: bool = True,
) -> None:
    """So many cases, nine of ten with an open order; `told`: with what units' systems were and are to be told."""
    given = {"count": count, "edition": edition, "units": units, "categories": categories, "areas": areas, "now": now}
    for statement in (
        _CASES,
        _ORDERS,
        _RETURNED,
        _TAGS,
        _LOG,
        *((_WEBHOOKS, _FEED, _HEADS, _DELIVERIES) if told else ()),
    ):
        query = text(statement)
        names = query.compile().params
        await connection.execute(query, {name: given[name] for name in names})


def analysis() -> list[str]:
    """To be run outside a transaction."""
    return [f"VACUUM ANALYZE {table}" for table in TABLES]
