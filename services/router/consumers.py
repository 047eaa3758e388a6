"""The NATS door: what the register, the stopwatch and the reply say, and what the desk does about it."""

from collections.abc import Sequence
from datetime import datetime

from contracts.events.feedback import CitizenDissatisfied, PhotoTaken, RatingSubmitted
from contracts.events.intake import CaseSubmitted, CaseSupplemented, CaseUrged, CaseWithdrawn, CitizenErased
from contracts.events.sla import (
    CaseSupervised,
    ClockBreached,
    ClockExtended,
    ClockPaused,
    ClockRecomputed,
    ClockResumed,
    ClockStarted,
    ClockWarned,
)
from services.router import alike, duetimes, judgements, supplements
from services.router.classifier import Classification, Message
from services.router.domain import additions, closing, ending, filing, following, handling, refusing, tagging, tasks
from services.router.domain.cases import Candidate, Case
from services.router.domain.rules import Rules
from services.router.store import Tx
from shared.cloudevents import AnyEnvelope, Envelope
from shared.consumer import Handlers

NEW = frozenset({CaseSubmitted.TYPE, CitizenErased.TYPE}) | duetimes.TYPES
"""Events whose case is not to be loaded."""


async def prefetch(tx: Tx, events: Sequence[AnyEnvelope]) -> None:
    """All a batch needs of its cases and citizens, one query a table; the first also asks which catalogue is in force."""
    await tx.rulebook.ready(tx.connection)
    await tx.repeats.load(
        tx.connection, (event.data.citizen_id for event in events if event.type == CaseSubmitted.TYPE)
    )
    known = {event.case_id for event in events if event.type not in NEW}
    if due := duetimes.cases_of(events):
        await tx.lock(due | known)  # all at once, and in order, so that no two batches wait for each other
    await tx.load(known)


async def on_submitted(tx: Tx, envelope: Envelope[CaseSubmitted], now: datetime) -> None:
    """Classify; file and dispatch when sure, else leave it to a dispatcher."""
    edition, said = tx.rulebook.in_force(now), envelope.data
    case = filing.receive(envelope.case_id, said, edition.rules)
    tx.signed.append((case.case_id, keys_for(case, edition.rules)))
    tx.add(case)
    if refusing.hand_over(case, edition.rules, now=now):
        return
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
    filing.decide(case, decision_of(found), edition.rules, precedents=tx.rulebook.precedents, now=now)
    tagging.retag(case, edition.rules, tx.repeats.of(case), now=now)
    tx.repeats.add(case)
    tx.judged.append(judgements.row(case.case_id, found, version=judge.version, edition=case.edition, now=now))


def keys_for(case: Case, rules: Rules) -> list[int]:
    return alike.keys_of(case.title, case.text, case.received_at, rules.catalogue.merging.candidates.text)


async def on_supplemented(tx: Tx, envelope: Envelope[CaseSupplemented], now: datetime) -> None:
    """Kept beside the case, and told to whoever has it in hand."""
    case, said = tx.known(envelope.case_id), envelope.data
    units = additions.supplement(case, by=said.by, photos=len(said.attachments), now=now)
    tx.supplements.append(supplements.record(case.case_id, said))
    await _tell(tx, case, units, envelope)


async def on_urged(tx: Tx, envelope: Envelope[CaseUrged], now: datetime) -> None:
    case, said = tx.known(envelope.case_id), envelope.data
    units = additions.urge(case, said.times, by=said.by, now=now)
    await _tell(tx, case, units, envelope)


async def _tell(tx: Tx, case: Case, units: Sequence[str], envelope: AnyEnvelope) -> None:
    """Of a follower those have to know who act for its master."""
    if case.master_id is not None and case.state == "handling":
        case = await tx.case(case.master_id)
        units = case.units()
    tx.tell(units, case, envelope)


async def on_withdrawn(tx: Tx, envelope: Envelope[CaseWithdrawn], now: datetime) -> None:
    case, said = tx.known(envelope.case_id), envelope.data
    additions.withdraw(case, said.reason_code, tx.rules_of(case), by=said.by, now=now)


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
    task = next((one for one in case.tasks if one.task_id == photo.order_id), None)
    if task is not None:
        tasks.remember_photo(case, task, photo.photo_id, now=now)
        return
    handling.remember_photo(case, case.order(photo.order_id), photo.photo_id, photo.kind, now=now)


async def on_rating(tx: Tx, envelope: Envelope[RatingSubmitted], now: datetime) -> None:
    """Content closes the case; what follows from discontent comes as `citizen.dissatisfied`."""
    case = tx.known(envelope.case_id)
    if envelope.data.satisfied:
        closing.close_satisfied(case, envelope.data.round, tx.rules_of(case), now=now)


async def on_dissatisfied(tx: Tx, envelope: Envelope[CitizenDissatisfied], now: datetime) -> None:
    case = tx.known(envelope.case_id)
    following.hear_dissatisfied(case, envelope.data.round, tx.rules_of(case), now=now)


async def on_breach(tx: Tx, envelope: Envelope[ClockBreached], now: datetime) -> None:
    """An order nobody signed counts as signed; a reply nobody rated closes the case. Tags follow the others."""
    case, clock = tx.known(envelope.case_id), envelope.data
    if clock.kind == "sign" and clock.order_id is not None:
        order, rules = case.order(clock.order_id), tx.rules_of(case)
        if not handling.sign_automatically(case, order, rules, now=now):
            ending.acknowledge_automatically(case, order, rules, now=now)
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


async def on_due(
    tx: Tx, envelope: Envelope[ClockStarted] | Envelope[ClockExtended] | Envelope[ClockRecomputed], _: datetime
) -> None:
    tx.due.set(envelope)


async def on_paused(tx: Tx, envelope: Envelope[ClockPaused], _: datetime) -> None:
    tx.due.paused(envelope)


async def on_resumed(tx: Tx, envelope: Envelope[ClockResumed], _: datetime) -> None:
    tx.due.resumed(envelope)


async def on_erased(tx: Tx, envelope: Envelope[CitizenErased], now: datetime) -> None:
    tx.erase(envelope.data.citizen_id, now=now)


HANDLERS: Handlers[Tx] = {
    CaseSubmitted: on_submitted,
    CaseSupplemented: on_supplemented,
    CaseUrged: on_urged,
    CaseWithdrawn: on_withdrawn,
    CitizenErased: on_erased,
    PhotoTaken: on_photo,
    RatingSubmitted: on_rating,
    CitizenDissatisfied: on_dissatisfied,
    ClockStarted: on_due,
    ClockExtended: on_due,
    ClockRecomputed: on_due,
    ClockPaused: on_paused,
    ClockResumed: on_resumed,
    ClockWarned: on_warned,
    ClockBreached: on_breach,
    CaseSupervised: on_supervised,
}
