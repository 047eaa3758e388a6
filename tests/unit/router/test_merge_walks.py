"""并案 walked at random: merged, freed, answered, closed, reopened, in any order; nobody asked is ever forgotten."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.router.domain import additions, closing, following, handling, merging
from services.router.domain.cases import Case
from services.router.domain.orders import CANCELLED, Photo
from shared.errors import DomainError
from shared.ids import new_id
from tests.unit.router.desk import DISPATCHER, HANDLER, REVIEWER, START, filed, received, rules

CITIZENS = [UUID(int=one) for one in (1, 2, 3)]
MOST = 6


@dataclass
class Desk:
    """Some cases, and what the store does for them: followers are brought along and follow before anything is saved."""

    cases: list[Case] = field(default_factory=list)
    minutes: int = 0

    def followers(self, case: Case) -> list[Case]:
        return [one for one in self.cases if one.master_id == case.case_id]

    def act(self, deed: Any, *touched: Case) -> None:
        """A deed that is refused changes nothing; one that is done is followed."""
        try:
            deed(START + timedelta(minutes=self.minutes))
        except DomainError:
            return
        self.minutes += 1
        for case in touched:
            if case.followed:
                following.follow(case, self.followers(case), lambda _: rules())
        for case in self.cases:
            case.news.clear()
            case.entries.clear()


class Walks(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()

    @precondition(lambda self: len(self.desk.cases) < MOST)
    @rule(citizen=st.sampled_from(CITIZENS), waits=st.booleans())
    def comes_in(self, citizen: UUID, *, waits: bool) -> None:
        at = START + timedelta(minutes=self.desk.minutes)
        more = {"citizen_id": citizen, "received_at": at}
        self.desk.cases.append(received(**more) if waits else filed(**more))

    @precondition(lambda self: len(self.desk.cases) > 1)
    @rule(data=st.data(), kind=st.sampled_from(["same_person", "same_fact"]))
    def merge(self, data: st.DataObject, kind: Any) -> None:
        case = data.draw(st.sampled_from(self.desk.cases), label="case")
        master = data.draw(st.sampled_from(self.desk.cases), label="master")
        pair = merging.Pair(case, master, self.desk.followers(case), kind, rules(), rules())
        self.desk.act(lambda now: merging.merge(pair, DISPATCHER, now=now), case, master)

    @precondition(lambda self: self.desk.cases)
    @rule(data=st.data())
    def unmerge(self, data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(self.desk.cases))
        self.desk.act(lambda now: merging.unmerge(case, DISPATCHER, rules(), now=now), case)

    @precondition(lambda self: self.desk.cases)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        """The unit signs, resolves, and the review agrees."""
        case = data.draw(st.sampled_from(self.desk.cases))

        def deed(now: Any) -> None:
            lead = case.lead()
            if lead is None:
                return
            if lead.state == rules().table.initial:
                handling.sign(case, lead, HANDLER, rules(), now=now)
            lead.photos = [Photo(new_id(), "after")]
            photos = [photo.photo_id for photo in lead.photos]
            handling.resolve(
                case, lead, HANDLER, rules(), public_reply="已清运", handling_note="", photo_ids=photos, now=now
            )
            handling.review(case, lead, REVIEWER, rules(), outcome="approve", note="", now=now)

        self.desk.act(deed, case)

    @precondition(lambda self: self.desk.cases)
    @rule(data=st.data(), how=st.sampled_from(["satisfied", "unrated", "dissatisfied", "withdrawn", "by_hand"]))
    def ends(self, data: st.DataObject, how: str) -> None:
        case = data.draw(st.sampled_from(self.desk.cases))

        def deed(now: Any) -> None:
            if how == "satisfied":
                closing.close_satisfied(case, case.round, rules(), now=now)
            elif how == "unrated":
                closing.close_unrated(case, rules(), now=now)
            elif how == "dissatisfied":
                following.hear_dissatisfied(case, case.round, rules(), now=now)
            elif how == "withdrawn":
                additions.withdraw(case, "solved", rules(), by="citizen", now=now)
            else:
                closing.close(case, REVIEWER, rules(), now=now)

        self.desk.act(deed, case)

    @precondition(lambda self: self.desk.cases)
    @rule(data=st.data())
    def reopen(self, data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(self.desk.cases))
        self.desk.act(lambda now: following.reopen(case, DISPATCHER, rules(), now=now), case)

    @invariant()
    def a_follower_is_never_a_master(self) -> None:
        """INVARIANT: no chain, and so no circle. Breaks when a case with followers may be merged."""
        for case in self.desk.cases:
            if case.master_id is not None:
                assert self.desk.followers(case) == []
                assert case.master_id in {one.case_id for one in self.desk.cases}
                assert case.master_id != case.case_id

    @invariant()
    def no_follower_waits_for_a_master_that_has_ended(self) -> None:
        """INVARIANT: who follows an answered or closed case is answered or closed. Breaks when an end forgets it."""
        for master in self.desk.cases:
            if master.state in {"replied", "closed"}:
                assert [one.state for one in self.desk.followers(master) if one.state == "handling"] == []

    @invariant()
    def whoever_is_not_answered_is_in_somebodys_hands(self) -> None:
        """INVARIANT: an open case waits on the queue, has a live lead, or follows one that has. Breaks when one is lost."""
        by_id = {one.case_id: one for one in self.desk.cases}
        for case in self.desk.cases:
            if case.state != "handling":
                continue
            holder = by_id[case.master_id] if case.master_id is not None else case
            lead = holder.lead()
            assert lead is not None
            assert lead.state not in {CANCELLED, "closed"}

    @invariant()
    def a_follower_and_a_closed_case_hold_no_open_order(self) -> None:
        """INVARIANT: no unit works for nobody. Breaks when a merge or an end leaves an order open."""
        final = {state.key for state in rules().table.states if state.final} | {"closed"}
        for case in self.desk.cases:
            if case.state == "closed" or case.master_id is not None:
                assert {order.state for order in case.live_orders()} <= final

    @invariant()
    def there_is_one_lead_at_most(self) -> None:
        """INVARIANT: 首办负责, one unit answers. Breaks when an order is given back twice."""
        for case in self.desk.cases:
            assert len([one for one in case.live_orders() if one.role == "lead"]) <= 1


Walks.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_walks = Walks.TestCase
