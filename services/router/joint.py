"""Owns the order in which a message is judged: what was chosen by hand, the rules, what was learned, a person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from contracts.events.router import Reason
from services.router.catalogue.rules import LearnedRules
from services.router.classifier import Candidate, Classification, Classifier, Message


class Guess(Protocol):
    """One of the categories a model thinks of."""

    @property
    def label(self) -> str: ...
    @property
    def confidence(self) -> float:
        """The share of such guesses that have proved right, 0 to 1."""

    @property
    def words(self) -> Sequence[str]:
        """What of the message spoke most for it."""


class Learned(Protocol):
    """A model that was trained from the catalogue's own texts and from decided cases."""

    @property
    def version(self) -> str: ...
    def predict(self, title: str, text: str) -> Sequence[Guess]:
        """The likeliest categories, most likely first."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Explains itself at every step; where nothing is sure enough a dispatcher gets the best five to choose from."""

    rules: Classifier
    thresholds: LearnedRules
    learned: Learned | None = None

    @property
    def version(self) -> str:
        """Of what judges: `rules`, or the model that is asked where the rules are not sure."""
        return "rules" if self.learned is None else self.learned.version

    def classify(self, message: Message) -> Classification:
        found = self.rules.classify(message)
        if not found.queued or found.type_code == "invalid" or self.learned is None:
            return found
        guesses = [guess for guess in self.learned.predict(message.title, message.text) if guess.label in self.rules]
        return self._joined(found, guesses) if guesses else found

    def _joined(self, found: Classification, guesses: Sequence[Guess]) -> Classification:
        """The model decides where it is sure, or less sure but of the rules' own opinion."""
        best = guesses[0]
        agrees = bool(found.candidates) and found.candidates[0].category_code == best.label
        needed = self.thresholds.agreeing if agrees else self.thresholds.category
        reasons = (Reason(kind="learned", text="、".join(best.words), weight=round(best.confidence, 3)), *found.reasons)
        if best.confidence >= needed:
            return replace(
                found,
                category_code=best.label,
                confidence=round(best.confidence, 3),
                reasons=reasons,
                candidates=_candidates(guesses, (), self.rules.most),
                method="learned",
                queued=False,
            )
        sure_of_class = self._sure_of_class(guesses)
        if sure_of_class is not None:
            reasons = (Reason(kind="learned_class", text=sure_of_class), *reasons)
        return replace(found, reasons=reasons, candidates=_candidates(guesses, found.candidates, self.rules.most))

    def _sure_of_class(self, guesses: Sequence[Guess]) -> str | None:
        """The first-level class, where the guesses leave little doubt of it: the dispatcher looks there first."""
        by_class: dict[str, float] = {}
        for guess in guesses:
            by_class[guess.label[:2]] = by_class.get(guess.label[:2], 0.0) + guess.confidence
        code, share = max(by_class.items(), key=lambda pair: pair[1])
        return self.rules.class_name(code) if share >= self.thresholds.main_class else None


def _candidates(guesses: Sequence[Guess], by_rule: Sequence[Candidate], most: int) -> tuple[Candidate, ...]:
    """What the model thinks of, then what the rules thought of besides."""
    learned = [Candidate(guess.label, round(guess.confidence, 3), tuple(guess.words)) for guess in guesses]
    known = {one.category_code for one in learned}
    return (*learned, *(one for one in by_rule if one.category_code not in known))[:most]
