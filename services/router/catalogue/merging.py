"""Owns the rules of merging (并案) and of what citizens add later, as `merging.yaml` has them."""

from typing import Annotated, Literal

from pydantic import Field

from services.router.catalogue.rules import Rules

Share = Annotated[float, Field(ge=0, le=1)]
DeskRole = Literal["dispatcher", "reviewer", "supervisor"]
TagCode = Annotated[str, Field(pattern=r"^[a-z_]{2,40}$")]


class TextLikeness(Rules):
    """How two texts are compared: by the runs of characters they share."""

    max_chars: Annotated[int, Field(ge=50, le=4000)]
    """Of title and text together; what stands further on is not looked at."""
    shared_words_min_chars: Annotated[int, Field(ge=2, le=10)]
    shared_words_most: Annotated[int, Field(ge=1, le=20)]
    silent: tuple[str, ...] = ()
    """Phrases every request has, which say nothing about its matter."""


class PlaceLikeness(Rules):
    """How near two places are: by metres where both have coordinates, else by area."""

    same_spot_metres: Annotated[float, Field(gt=0)]
    """Up to here it is one spot (数字城管: 50 m)."""
    far_metres: Annotated[float, Field(gt=0)]
    """From here on being near no longer counts."""
    same_community: Share
    same_subdistrict: Share
    unknown: Share
    """Where one of them has no place."""


class TimeLikeness(Rules):
    same_time_hours: Annotated[float, Field(gt=0)]
    """Up to here it is one moment (数字城管: 24 h)."""
    window_days: Annotated[int, Field(ge=1, le=90)]
    """Cases further apart are no candidates."""


class Weights(Rules):
    text: Annotated[float, Field(gt=0)]
    place: Annotated[float, Field(ge=0)]
    time: Annotated[float, Field(ge=0)]


class Candidates(Rules):
    """Which cases are proposed, and in which order."""

    weights: Weights
    text: TextLikeness
    place: PlaceLikeness
    time: TimeLikeness
    min_text: Share
    """Less alike than this is no candidate, however near; where citizen or category and area are the same, half of it."""
    min_score: Share
    most: Annotated[int, Field(ge=1, le=50)]


class MergeTags(Rules):
    """Tags a merge gives: the master of many, and a case whose citizen asked twice."""

    same_fact: tuple[TagCode, ...] = ()
    same_person: tuple[TagCode, ...] = ()
    same_person_other_channel: tuple[TagCode, ...] = ()


class Withdrawing(Rules):
    """撤诉: when it ends a case."""

    states: tuple[Literal["queued", "handling", "replied"], ...]
    """Elsewhere there is nothing left to withdraw."""
    not_with_tags: tuple[TagCode, ...] = ()
    """What has to be done whether or not somebody still asks for it: a danger stays one."""


class MergeRules(Rules):
    """Who merges, what is proposed, which tags follow, and what a withdrawal ends."""

    roles: Annotated[tuple[DeskRole, ...], Field(min_length=1)]
    candidates: Candidates
    tags: MergeTags = MergeTags()
    withdrawing: Withdrawing
