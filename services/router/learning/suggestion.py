"""Owns suggesting a unit from past records: the views of them weighed, and why; it only suggests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np

from services.router.learning.pooling import pooled_weights, softmax
from services.router.learning.records import (
    ColumnMapping,
    Floats,
    Ledger,
    Mask,
    NothingToLearnFrom,
    Question,
    Records,
    question,
)
from services.router.learning.views import FEW, VIEWS, Decided, Units, View, units_of

TOLD = ("category community", "category street", "category", "subclass street", "subclass", "class", "")
"""What a suggestion is told by: the narrowest in which the unit had some records."""
HIDDEN_PARTS = 20
"""Weights are learned on records each of which was hidden, with a twentieth of all, from the counts it is judged by."""
RIVALS = 40
"""Units a record's own is held against when weights are learned; the others have no chance."""
LEARNED_FROM = 6000
"""Records, evenly over the time, from which weights are learned; counts are of all."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A unit that had such requests before, with the counts that speak for it."""

    unit: str
    name: str
    share: float
    """How likely it is to be the right one, 0 to 1; on average as often right as it says."""
    count: int
    of: int
    context: str
    """In words: of the `of` records of a context, `count` were this unit's."""
    reasons: tuple[str, ...] = ()
    """In words: the views that speak most for this unit against the others."""


class Suggester:
    """Past records, the weights of the views, and nothing else: small, pure, the same for everyone who reads it."""

    def __init__(
        self, ledger: Ledger, called: Sequence[str], weights: Floats, units: Units, mapping: ColumnMapping
    ) -> None:
        """`called` is the name of the unit in each record; units are renamed without getting a new code."""
        self.decided = Decided(ledger, units, mapping.phrases)
        self.weights, self.mapping = weights, mapping
        self._called = tuple(called)

    @classmethod
    def learn(cls, records: Records, weights: Floats | None = None) -> "Suggester":
        """Learn from the records that name a unit; about two milliseconds for each, or at once with given weights."""
        rows = [row for row in records.rows if row.codes["unit"]]
        if not rows:
            raise NothingToLearnFrom("no record names a unit")
        asked = [question(row.codes, row.at, records.mapping) for row in rows]
        ledger = Ledger.of(asked)
        called = [row.unit_name or row.codes["unit"] for row in rows]
        given = np.ones(len(VIEWS)) if weights is None else weights
        learned = cls(ledger, called, given, units_of(ledger, rows, records), records.mapping)
        if weights is None:
            learned.weights = learned._weighed(asked)
        return learned

    def suggest(self, codes: Mapping[str, str], at: datetime, *, count: int = 3) -> tuple[Suggestion, ...]:
        """The likeliest units, best first. `codes` by the names of `CODES`, all but the unit; unknown ones are empty."""
        return self.answer(question(codes, at, self.mapping), count=count)

    def answer(self, asked: Question, usable: Mask | None = None, count: int = 3) -> tuple[Suggestion, ...]:
        """As `suggest`; only the records marked as usable are looked at."""
        opinions = self.decided.look(asked, usable).opinions()
        shares = softmax(opinions @ self.weights)
        best = np.argsort(-shares, kind="stable")[:count]
        return tuple(self._told(int(unit), asked, opinions, shares, usable) for unit in best)

    def ranked(self, asked: Question, usable: Mask | None = None, count: int = 3) -> list[tuple[str, str]]:
        """Code and name of the likeliest units, without reasons."""
        scores = self.decided.look(asked, usable).opinions() @ self.weights
        best = np.argsort(-scores, kind="stable")[:count]
        return [(self.decided.codes[unit], self._name(int(unit), asked.day, usable)) for unit in best]

    def as_document(self) -> dict[str, Any]:
        names = sorted(set(self._called))
        numbers = {name: at for at, name in enumerate(names)}
        units = self.decided.units
        return {
            "ledger": self.decided.ledger.as_document(),
            "names": names,
            "called": [numbers[name] for name in self._called],
            "views": _as_lists(VIEWS),
            "weights": [round(float(weight), 5) for weight in self.weights],
            "kinds": units.kinds.tolist(),
            "kind_names": list(units.kind_names),
            "places": dict(units.places),
            "mapping": self.mapping.model_dump(mode="json"),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        if document["views"] != _as_lists(VIEWS):
            raise NothingToLearnFrom("the model was learned with other views; learn again")
        units = Units(np.array(document["kinds"], np.int64), tuple(document["kind_names"]), document["places"])
        called = [document["names"][at] for at in document["called"]]
        mapping = ColumnMapping.model_validate(document["mapping"])
        return cls(Ledger.from_document(document["ledger"]), called, np.array(document["weights"]), units, mapping)

    def _weighed(self, asked: Sequence[Question]) -> Floats:
        """Weights that suit records which were hidden from the counts."""
        parts = np.random.default_rng(0).integers(0, HIDDEN_PARTS, len(asked))
        chosen = np.unique(np.linspace(0, len(asked) - 1, min(len(asked), LEARNED_FROM)).astype(np.int64))
        rivals = min(RIVALS, len(self.decided.codes))
        opinions, truths = [], []
        for row in chosen:
            found = self.decided.look(asked[row], parts != parts[row]).opinions()
            best = np.argsort(-found.sum(axis=1), kind="stable")[:rivals]
            truth = int(self.decided.unit[row])
            if truth not in best:
                best[-1] = truth
            truths.append(int(np.flatnonzero(best == truth)[0]))
            opinions.append(found[best])
        return pooled_weights(np.stack(opinions), np.array(truths))

    def _name(self, unit: int, day: float, usable: Mask | None) -> str:
        """What the unit was called in its record nearest in time."""
        rows = np.flatnonzero(self.decided.unit == unit)
        if usable is not None and usable[rows].any():
            rows = rows[usable[rows]]
        distance = np.nan_to_num(np.abs(self.decided.ledger.days[rows] - day), nan=np.inf)
        return self._called[int(rows[int(distance.argmin())])]

    def _told(self, unit: int, asked: Question, opinions: Floats, shares: Floats, usable: Mask | None) -> Suggestion:
        look, name = self.decided.look(asked, usable), self._name(unit, asked.day, usable)
        context = next((one for one in TOLD if look.counts(one)[unit] >= FEW), "")
        counts = look.counts(context)
        told = self.mapping.phrases.share.format(
            recent="",
            context=self.mapping.phrases.contexts[context],
            of=round(counts.sum()),
            count=round(counts[unit]),
            unit=name,
        )
        others = np.delete(shares, unit)[:, None]
        usual = (np.delete(opinions, unit, axis=0) * others).sum(axis=0) / max(float(others.sum()), 1e-12)
        speaks = (opinions[unit] - usual) * self.weights
        # A view with a weight below nought, or of all records, only corrects the others: it is no reason to a person.
        order = [at for at in np.argsort(-speaks, kind="stable") if speaks[at] > 0 and self.weights[at] > 0]
        views = [VIEWS[at] for at in order if VIEWS[at].context or VIEWS[at].window]
        reasons = [words for view in views if (words := look.words(view, unit, name)) and words != told]
        share = round(float(shares[unit]), 4)
        return Suggestion(
            self.decided.codes[unit], name, share, round(counts[unit]), round(counts.sum()), told, tuple(reasons[:2])
        )


def _as_lists(views: Sequence[View]) -> list[list[object]]:
    return [[view.how, view.context, view.window] for view in views]
