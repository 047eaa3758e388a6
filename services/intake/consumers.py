"""The NATS door: the desk's orders tell the register which units may see a citizen's contact."""

from collections.abc import Sequence
from datetime import datetime

from contracts.events.router import CaseClosed, CaseReopened, CaseReworked, OrderDispatched, OrderRedispatched
from services.intake.domain import Holding
from services.intake.store import Tx
from shared.cloudevents import AnyEnvelope, Envelope


async def prefetch(tx: Tx, events: Sequence[AnyEnvelope]) -> None:
    await tx.load_holdings(event.case_id for event in events)


async def on_order_dispatched(tx: Tx, envelope: Envelope[OrderDispatched], _: datetime) -> None:
    order = envelope.data
    tx.save_holding(Holding(order.order_id, envelope.case_id, order.unit_code, envelope.time))


async def on_order_redispatched(tx: Tx, envelope: Envelope[OrderRedispatched], _: datetime) -> None:
    holding = tx.holdings.get(envelope.data.order_id)
    if holding is not None:
        holding.release(envelope.time)
        tx.save_holding(holding)


async def on_case_closed(tx: Tx, envelope: Envelope[CaseClosed], _: datetime) -> None:
    tx.save_end(envelope.case_id, envelope.data.outcome, envelope.time)
    for holding in tx.holdings_of(envelope.case_id):
        holding.release(envelope.time)
        tx.save_holding(holding)


async def on_case_taken_up_again(tx: Tx, envelope: Envelope[CaseReopened | CaseReworked], _: datetime) -> None:
    tx.drop_end(envelope.case_id)
