"""The citizen's rating: four dimensions of one to five stars, once per answer, and what counts as not content."""

from dataclasses import dataclass
from datetime import datetime

from contracts.events.feedback import Level
from services.feedback.domain.facts import Facts, Stars
from shared.errors import DomainError

DIMENSIONS = ("speed", "result", "attitude", "system")
"""处置速度, 处置效果, 服务态度, 系统体验: the four of the Pingshan reform."""


class NotYetReplied(DomainError):
    """The case has not been answered yet, so there is nothing to rate."""

    kind = "conflict"
    zh = "尚未答复，收到答复后即可评价"


class AlreadyRated(DomainError):
    """This answer has been rated already."""

    kind = "conflict"
    zh = "本次办理结果已评价"


class RatingClosed(DomainError):
    """The time for rating this answer is over."""

    kind = "conflict"
    zh = "评价期已结束"


_REFUSALS: dict[str, type[DomainError]] = {
    "not_replied": NotYetReplied,
    "already_rated": AlreadyRated,
    "closed": RatingClosed,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One way not to be content; what is None is not asked."""

    solved: bool | None = None
    dimension: str | None = None
    at_most: int | None = None
    average_at_most: float | None = None

    def holds(self, given: "Given") -> bool:
        if self.solved is not None:
            return given.solved is self.solved
        stars = given.stars()
        if self.dimension is not None and self.at_most is not None:
            return stars[self.dimension] <= self.at_most
        return self.average_at_most is not None and sum(stars.values()) / len(stars) <= self.average_at_most


@dataclass(frozen=True, slots=True)
class LevelFrom:
    """A level, and the mean of stars from which it is reached."""

    code: Level
    from_average: float


@dataclass(frozen=True, slots=True)
class ContentRule:
    """One version of `catalog/rating.yaml`."""

    version: str
    dissatisfied_when: tuple[Condition, ...]
    levels: tuple[LevelFrom, ...]
    unsolved_at_best: Level
    low_when: tuple[Condition, ...]

    def satisfied(self, given: "Given") -> bool:
        return not any(condition.holds(given) for condition in self.dissatisfied_when)

    def low(self, given: "Given") -> bool:
        """Whether a clerk calls back to learn why."""
        return any(condition.holds(given) for condition in self.low_when)

    def level(self, given: "Given") -> Level:
        """好差评: of the national five."""
        marks = given.stars().values()
        average = sum(marks) / len(marks)
        codes = [each.code for each in self.levels]
        reached = next((each.code for each in self.levels if average >= each.from_average), codes[-1])
        if given.solved:
            return reached
        return max(reached, self.unsolved_at_best, key=codes.index)


@dataclass(frozen=True, slots=True)
class Given:
    """What the citizen has marked."""

    speed: int
    result: int
    attitude: int
    system: int
    solved: bool

    def stars(self) -> dict[str, int]:
        return {name: int(getattr(self, name)) for name in DIMENSIONS}


def refusal(facts: Facts) -> str | None:
    """Why the case cannot be rated now; None when it can."""
    if facts.rating() is not None:
        return "already_rated"
    if facts.closing is not None:
        return "closed"
    return None if facts.reply() is not None else "not_replied"


def rate(facts: Facts, given: Given, rule: ContentRule, *, now: datetime) -> Stars:
    """Put the rating to the present round. Raises the reason it is refused for."""
    if reason := refusal(facts):
        raise _REFUSALS[reason]
    marks = given.stars()
    stars = Stars(
        now, facts.round, solved=given.solved, satisfied=rule.satisfied(given), level=rule.level(given), **marks
    )
    facts.ratings.append(stars)
    return stars
