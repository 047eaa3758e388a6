"""A case as this service changes it: its facts, the version of its view, and what it says to the others."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.events.feedback import CallbackRecorded, CitizenDissatisfied, PhotoTaken, RatingSubmitted
from services.feedback.domain.callback import Callback, CallbackRules
from services.feedback.domain.facts import Facts, Stars, WorkPhoto
from services.feedback.domain.folding import FOLDS
from services.feedback.domain.rating import ContentRule, Given, rate
from shared.cloudevents import Event


@dataclass(slots=True)
class Case:
    case_id: UUID
    facts: Facts = field(default_factory=Facts)
    version: int = 0
    """Of the view: grows only when its reader would see a difference."""
    sequence: int = 0
    """Of the last event this service has said about the case."""
    view: bytes | None = None
    """As last rendered; None until the case has its number."""
    said: list[tuple[int, Event]] = field(default_factory=list)

    def learn(self, event: Any, at: datetime) -> None:
        """What another service has said. Raises what its fold raises."""
        FOLDS[type(event)](self.facts, event, at)

    def say(self, event: Event) -> None:
        self.sequence += 1
        self.said.append((self.sequence, event))

    def rate(self, given: Given, rule: ContentRule, *, now: datetime) -> Stars:
        """Raises `NotYetReplied`, `AlreadyRated` or `RatingClosed`."""
        stars = rate(self.facts, given, rule, now=now)
        self.say(
            RatingSubmitted(
                round=stars.round, solved=stars.solved, satisfied=stars.satisfied, level=stars.level, **given.stars()
            ),
        )
        if not stars.satisfied:
            self.say(CitizenDissatisfied(round=stars.round))
        return stars

    def called_back(self, callback: Callback, rules: CallbackRules, *, attempt: int) -> None:
        """回访: recorded against who handled it; who is not content sets off what a rating would have."""
        answer = callback.answer
        said = CallbackRecorded(
            callback_id=callback.callback_id,
            round=callback.round,
            unit_code=callback.unit_code,
            method=callback.method,
            attempt=attempt,
            reached=answer is not None,
        )
        if answer is not None:
            told = asdict(answer)
            del told["praise"]
            said = said.model_copy(update=told)
        self.say(said)
        if answer is None or rules.content(answer) or callback.round != self.facts.round:
            return
        rating = self.facts.rating()
        if rating is None or rating.satisfied:
            self.say(CitizenDissatisfied(round=callback.round))

    def add_photo(self, photo: WorkPhoto, sha256: str) -> None:
        self.facts.photos.append(photo)
        self.say(
            PhotoTaken.model_validate(
                {
                    "photo_id": photo.photo_id,
                    "order_id": photo.order_id,
                    "kind": photo.kind,
                    "sha256": sha256,
                    "taken_at": photo.taken_at,
                    "taken_by": photo.taken_by,
                }
            )
        )

    def show_photo(self, photo_id: UUID, *, shown: bool) -> None:
        """What its check has come to; an answer shows the photo from now on, or no longer."""
        for photo in self.facts.photos:
            if photo.photo_id == photo_id:
                photo.shown = shown
