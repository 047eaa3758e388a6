"""The NATS door: what the other services say becomes facts of a case, contact points and forgetting."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contracts.events.intake import CitizenErased, ContactChanged
from contracts.events.router import OrderDispatched, TaskAssigned
from services.feedback import usecases
from services.feedback.domain.folding import FOLDS, concerns_citizens
from services.feedback.store import Tx
from shared.cloudevents import AnyEnvelope, Event
from shared.consumer import Handler


async def prefetch(tx: Tx, events: Sequence[AnyEnvelope]) -> None:
    """One query for all cases of a batch."""
    await tx.load({event.case_id for event in events if event.sequence and concerns_citizens(event.data)})


async def on_case(tx: Tx, envelope: AnyEnvelope, now: datetime) -> None:
    if not concerns_citizens(envelope.data):
        return
    case = await tx.case(envelope.case_id)
    case.learn(envelope.data, envelope.time)
    tx.touch(case, now)


async def on_dispatched(tx: Tx, envelope: AnyEnvelope, now: datetime) -> None:
    """Orders are also kept by their id, for whoever brings a photo."""
    await on_case(tx, envelope, now)
    order = envelope.data
    tx.new_orders.append(
        {"order_id": order.order_id, "case_id": envelope.case_id, "unit_code": order.unit_code},
    )


async def on_task(tx: Tx, envelope: AnyEnvelope, now: datetime) -> None:  # noqa: ARG001  a task changes no view
    """Photos of a task come under its id, as those of an order under the order's."""
    task = envelope.data
    tx.new_orders.append({"order_id": task.task_id, "case_id": envelope.case_id, "unit_code": task.unit_code})


async def on_contact(tx: Tx, envelope: AnyEnvelope, now: datetime) -> None:
    await usecases.keep_contact(tx, envelope.data.citizen_id, envelope.data.sealed, now=now)


async def on_erased(tx: Tx, envelope: AnyEnvelope, now: datetime) -> None:
    await usecases.forget(tx, envelope.data.citizen_id, now=now)


CONSUMES: dict[type[Event], Handler[Any]] = {
    **dict.fromkeys(FOLDS, on_case),
    OrderDispatched: on_dispatched,
    TaskAssigned: on_task,
    ContactChanged: on_contact,
    CitizenErased: on_erased,
}
