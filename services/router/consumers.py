"""The NATS door: what the register, the stopwatch and the reply say, and what the desk does about it."""

from collections.abc import Sequence
from datetime import datetime

from contracts.events.feedback import CitizenDissatisfied, PhotoTaken, RatingSubmitted
from contracts.events.intake import CaseSubmitted, CitizenErased
from contracts.events.sla import CaseSupervised, ClockBreached, ClockWarned
from services.router import judgements
from services.router.classifier import Classification, Message
from services.router.domain import closing, filing, handling, tagging
from services.router.domain.cases import Candidate
from services.router.store import Tx
from shared.cloudevents import AnyEnvelope, Envelope
from shared.consumer import Handlers

NEW = frozenset({CaseSubmitted.TYPE, CitizenErased.TYPE})
"""Events whose case is not to be loaded."""


async def prefetch(tx: Tx, events: Sequence[AnyEnvelope]) -> None:
    """All a batch needs of its cases and citizens, one query a table; the first also asks which catalogue is in force."""
    await tx.rulebook.ready(tx.connection)
    await tx.repeats.load(
        tx.connection, (event.data.citizen_id for event in events if event.type == CaseSubmitted.TYPE)
    )
    await tx.load({event.case_id for event in events if event.type not in NEW})


async def on_submitted(tx: Tx, envelope: Envelope[CaseSubmitted], now: datetime) -> None:
    """Classify; file and dispatch when sure, else leave it to a dispatcher."""
    edition, said = tx.rulebook.in_force(now), envelope.data
    case = filing.receive(envelope.case_id, said, edition.rules)
    judge = tx.rulebook.judge(edition)
    found = judge.classify(
        Message(
            text=said.text,
            title=said.title,
            category_code=said.category_code,
            type_code=said.type_code,
            area_code=said.place.area_code,
            address=said.place.address,
            channel_code=said.origin_channel_code,
        )
    )
    tx.add(case)
    filing.decide(case, decision_of(found), edition.rules, now=now)
    tagging.retag(case, edition.rules, tx.repeats.of(case), now=now)
    tx.repeats.add(case)
    tx.judged.append(judgements.row(case.case_id, found, version=judge.version, edition=case.edition, now=now))


def decision_of(found: Classification) -> filing.Decision:
    return filing.Decision(
        category_code=found.category_code,
        type_code=found.type_code,
        area_code=found.area_code,
        confidence=found.confidence,
        method=found.method,
        reasons=found.reasons,
        candidates=tuple(Candidate(one.category_code, one.score, one.words) for one in found.candidates),
        sure=not found.queued,
    )


async def on_photo(tx: Tx, envelope: Envelope[PhotoTaken], now: datetime) -> None:
    case, photo = tx.known(envelope.case_id), envelope.data
    handling.remember_photo(case, case.order(photo.order_id), photo.photo_id, photo.kind, now=now)


async def on_rating(tx: Tx, envelope: Envelope[RatingSubmitted], now: datetime) -> None:
    """Content closes the case; what follows from discontent comes as `citizen.dissatisfied`."""
    case = tx.known(envelope.case_id)
    if envelope.data.satisfied:
        closing.close_satisfied(case, envelope.data.round, tx.rules_of(case), now=now)


async def on_dissatisfied(tx: Tx, envelope: Envelope[CitizenDissatisfied], now: datetime) -> None:
    case = tx.known(envelope.case_id)
    closing.hear_dissatisfied(case, envelope.data.round, tx.rules_of(case), now=now)


async def on_breach(tx: Tx, envelope: Envelope[ClockBreached], now: datetime) -> None:
    """An order nobody signed counts as signed; a reply nobody rated closes the case. Tags follow the others."""
    case, clock = tx.known(envelope.case_id), envelope.data
    if clock.kind == "sign" and clock.order_id is not None:
        handling.sign_automatically(case, case.order(clock.order_id), tx.rules_of(case), now=now)
    elif clock.kind == "rate":
        closing.close_unrated(case, tx.rules_of(case), now=now)
    else:
        tagging.hear(case, f"clock.breached.{clock.kind}", tx.rules_of(case), now=now)


async def on_warned(tx: Tx, envelope: Envelope[ClockWarned], now: datetime) -> None:
    """News of a clock comes in any order: after the reply there is nothing left to warn of, nor with a red card."""
    case = tx.known(envelope.case_id)
    if envelope.data.card != "red" and case.state in {"queued", "handling"}:
        tagging.hear(case, f"clock.warned.{envelope.data.kind}", tx.rules_of(case), now=now)


async def on_supervised(tx: Tx, envelope: Envelope[CaseSupervised], now: datetime) -> None:
    case = tx.known(envelope.case_id)
    tagging.hear(case, "case.supervised", tx.rules_of(case), now=now)


async def on_erased(tx: Tx, envelope: Envelope[CitizenErased], now: datetime) -> None:
    tx.erase(envelope.data.citizen_id, now=now)


HANDLERS: Handlers[Tx] = {
    CaseSubmitted: on_submitted,
    CitizenErased: on_erased,
    PhotoTaken: on_photo,
    RatingSubmitted: on_rating,
    CitizenDissatisfied: on_dissatisfied,
    ClockWarned: on_warned,
    ClockBreached: on_breach,
    CaseSupervised: on_supervised,
}
