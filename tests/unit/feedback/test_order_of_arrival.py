"""However the publishers' events are interleaved, the citizen sees the same case in the end."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events.sla import CaseSupervised
from services.feedback import catalogue
from services.feedback.domain.case import Case
from services.feedback.domain.view import view_of
from shared.cloudevents import Event
from shared.ids import new_id
from tests.unit.feedback import said
from tests.unit.feedback.said import GENERAL, OTHER, SIMPLE, START

WORDS = catalogue.wording()
type Story = list[tuple[Event, datetime]]


@st.composite
def desks(draw: st.DrawFn) -> list[Event]:
    """What the router says about one case: every step legal, any number of returns and rounds up to two."""
    story: list[Event] = [said.filed(draw(st.sampled_from([SIMPLE, GENERAL])))]
    for turn in (1, 2):
        if turn == 2:
            story.append(said.reworked())
        order = new_id()
        story.append(said.dispatched(order, turn=turn))
        if draw(st.booleans()):
            story.append(said.dispatched(new_id(), OTHER, turn=turn, role="co"))
        for _ in range(draw(st.integers(0, 2))):
            following = new_id()
            story += [said.returned(order), said.redispatched(order, following), said.dispatched(following, turn=turn)]
            order = following
        if draw(st.booleans()):
            story += [said.signed(order), said.contacted(order)]
        story += [said.progressed(order, f"进展{note}") for note in range(draw(st.integers(0, 7)))]
        story += [said.resolved(order), said.replied(order, turn=turn)]
        if draw(st.booleans()):
            break
    if draw(st.booleans()):
        story.append(said.merged())
        if draw(st.booleans()):
            story.append(said.unmerged())
    if draw(st.booleans()):
        story.append(
            said.closed(
                draw(st.sampled_from(["satisfied", "unrated", "dissatisfied", "withdrawn", "terminated", "merged"])),
                turn=turn,
            )
        )
    return story[: draw(st.integers(1, len(story)))]


@st.composite
def stopwatches(draw: st.DrawFn) -> list[Event]:
    story: list[Event] = [said.promised(kind="accept"), said.promised()]
    if draw(st.booleans()):
        story.append(said.breached(draw(st.sampled_from(["total", "sign"]))))
    if draw(st.booleans()):
        story.append(CaseSupervised(cause="dissatisfied_twice"))
    story += [said.extended(times=times + 1) for times in range(draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        story += [said.paused(), said.resumed()]
    if draw(st.booleans()):
        story.append(said.recomputed())
    return story[: draw(st.integers(1, len(story)))]


@st.composite
def citizens(draw: st.DrawFn) -> list[Event]:
    """What the register says after the case was submitted."""
    adding = st.sampled_from([said.urged(), said.supplemented()])
    return [*draw(st.lists(adding, max_size=4)), *([said.withdrawn()] if draw(st.booleans()) else [])]


def dated(events: Sequence[Event], step: int) -> Story:
    return [(event, START + timedelta(minutes=1 + step * place)) for place, event in enumerate(events)]


def interleaved(stories: Sequence[Story], chance: random.Random) -> Story:
    """Any order of all events that keeps each publisher's own."""
    left = [list(story) for story in stories if story]
    mixed: Story = []
    while left:
        story = chance.choice(left)
        mixed.append(story.pop(0))
        left = [each for each in left if each]
    return mixed


def seen(story: Story) -> dict[str, object]:
    case = Case(new_id())
    for event, at in story:
        case.learn(event, at)
    return view_of(case.facts, WORDS)


@settings(deadline=None)
@given(desks(), stopwatches(), citizens(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_across_publishers_is_no_matter(
    desk: list[Event], stopwatch: list[Event], citizen: list[Event], chance: random.Random
) -> None:
    """INVARIANT: the view is a function of what each publisher has said, not of when it was heard.

    Breaks when a fold reads a fact of another publisher, or the bar sorts by arrival.
    """
    stories = [[(said.submitted(), START), *dated(citizen, 11)], dated(desk, 3), dated(stopwatch, 7)]
    assert seen(interleaved(stories, chance)) == seen([step for story in stories for step in story])


@settings(deadline=None)
@given(desks(), stopwatches(), citizens())
def test_every_case_shows_between_five_and_thirteen_nodes_in_order_of_time(
    desk: list[Event], stopwatch: list[Event], citizen: list[Event]
) -> None:
    nodes = seen([(said.submitted(), START), *dated(citizen, 11), *dated(desk, 3), *dated(stopwatch, 7)])["nodes"]
    assert isinstance(nodes, list)
    assert 5 <= len(nodes) <= 13
    times = [node["at"] for node in nodes if node["state"] == "done"]
    assert times == sorted(times)
    states = [node["state"] for node in nodes if node["state"] != "skipped"]
    assert states == sorted(states, key=["done", "current", "pending"].index)
