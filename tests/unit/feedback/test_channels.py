"""Which channel a notice takes, when it waits, and what becomes of who cannot be reached."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback import catalogue
from services.feedback.domain.channel import Reader, Step, Stop, Take, Wait, Way, Wishes, next_step
from services.feedback.domain.notice import Channel, NoticeRule, QuietHours

RULES = catalogue.notice_rules()
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
"""23:00 in Shenzhen."""
MORNING = datetime(2026, 11, 25, 0, 0, tzinfo=UTC)
"""08:00 the next day."""
CHAIN: tuple[Channel, ...] = ("wechat", "sms", "mail", "phone")
WAYS = {
    "wechat": Way(real=True, needs_template=True, needs_consent=True),
    "sms": Way(real=True, needs_template=True),
    "mail": Way(real=True),
    "phone": Way(real=True),
}
BOTH: set[tuple[Channel, str]] = {("wechat", "replied"), ("sms", "replied")}
EVERYWHERE = Reader(points=frozenset(CHAIN), consents={"replied": True})


def step(
    reader: Reader = EVERYWHERE,
    *,
    chain: Sequence[Channel] = CHAIN,
    now: datetime = NOON,
    approved: set[tuple[Channel, str]] = BOTH,
    urgent: bool = False,
) -> Step:
    rule = NoticeRule("replied", "citizen", CHAIN, "replied", urgent=urgent)
    return next_step(rule, chain, reader, ways=WAYS, approved=approved, rules=RULES, now=now)


def test_the_first_channel_of_the_chain_is_taken_by_day() -> None:
    assert step() == Take("wechat")


def test_without_a_consent_a_text_message_goes_out_instead() -> None:
    assert step(Reader(points=frozenset(CHAIN))) == Take("sms")


def test_a_citizens_own_order_goes_before_the_rules() -> None:
    wishes = Wishes(("mail", "sms"))
    assert step(Reader(points=frozenset(CHAIN), wishes=wishes)) == Take("mail")


def test_who_wants_no_channel_is_left_alone_and_that_is_seen() -> None:
    assert step(Reader(points=frozenset(CHAIN), wishes=Wishes(()))) == Stop("declined", "preference")


def test_at_night_a_notice_waits_for_the_morning_rather_than_for_another_channel() -> None:
    assert step(now=NIGHT) == Wait(MORNING, "quiet hours")


def test_what_is_urgent_goes_out_at_night() -> None:
    assert step(now=NIGHT, urgent=True) == Take("wechat")


def test_a_mail_disturbs_nobody_at_night() -> None:
    assert step(Reader(points={"mail"}), now=NIGHT) == Take("mail")


def test_a_citizens_own_quiet_hours_hold_beside_the_districts() -> None:
    siesta = Wishes(None, QuietHours(time(12), time(14)))
    reader = Reader(points={"mail"}, wishes=siesta)
    assert step(reader) == Wait(datetime(2026, 11, 24, 6, 0, tzinfo=UTC), "quiet hours")


def test_no_more_text_messages_than_the_limit_in_an_hour() -> None:
    had = [NOON - timedelta(minutes=10 * number) for number in range(1, 6)]
    reader = Reader(points={"sms"}, had={"sms": had})
    assert step(reader) == Wait(NOON + timedelta(minutes=10), "too many messages")
    assert step(Reader(points={"sms"}, had={"sms": had[:4]})) == Take("sms")


def test_a_template_nobody_approved_is_a_state_of_its_own() -> None:
    found = step(Reader(points={"sms"}), approved=set())
    assert isinstance(found, Stop)
    assert found.state == "no_template"


def test_a_missing_template_does_not_keep_another_channel_from_being_used() -> None:
    assert step(approved=set()) == Take("mail")


def test_nobody_is_a_state_too_unless_the_contact_is_on_its_way() -> None:
    assert step(Reader()) == Stop("no_contact", "no contact point")
    assert isinstance(step(Reader(expected=True)), Wait)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (datetime(2026, 11, 24, 13, 29, tzinfo=UTC), None),
        (datetime(2026, 11, 24, 13, 30, tzinfo=UTC), MORNING),
        (datetime(2026, 11, 24, 23, 59, tzinfo=UTC), MORNING),
        (MORNING, None),
    ],
)
def test_quiet_hours_run_over_midnight_in_shenzhen(now: datetime, until: datetime | None) -> None:
    assert RULES.quiet_hours.until(now) == until


channels = st.lists(st.sampled_from(CHAIN), unique=True)


@given(
    chain=channels,
    points=st.frozensets(st.sampled_from(CHAIN)),
    wanted=st.none() | channels,
    consent=st.booleans(),
    approved=st.sets(st.sampled_from(sorted(BOTH))),
    hour=st.integers(0, 23),
    sent=st.integers(0, 12),
)
def test_whatever_is_known_a_channel_is_taken_only_where_it_may_be(
    *,
    chain: list[Channel],
    points: frozenset[Channel],
    wanted: list[Channel] | None,
    consent: bool,
    approved: set[tuple[Channel, str]],
    hour: int,
    sent: int,
) -> None:
    """INVARIANT: never a channel without contact point, template, consent or the citizen's wish; waiting always ends."""
    now = NOON.replace(hour=hour)
    reader = Reader(
        points=points,
        wishes=Wishes(None if wanted is None else tuple(wanted)),
        consents={"replied": consent},
        had={"sms": [now - timedelta(minutes=5 * n) for n in range(sent)]},
    )
    found = step(reader, chain=chain, approved=approved, now=now)
    if isinstance(found, Take):
        assert found.channel in points & set(chain) & set(chain if wanted is None else wanted)
        assert not WAYS[found.channel].needs_template or (found.channel, "replied") in approved
        assert consent or found.channel != "wechat"
        assert found.channel not in RULES.quiet_hours.channels or RULES.quiet_hours.until(now) is None
    elif isinstance(found, Wait):
        assert now < found.until <= now + timedelta(days=1)
    else:
        assert found.state in ("no_contact", "no_template", "declined")
