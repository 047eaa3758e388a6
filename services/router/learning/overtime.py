"""Owns the risk that a request is closed late, from what is known when it is filed, and when its unit is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np

from services.router.learning.pooling import pooled_weights
from services.router.learning.records import (
    ColumnMapping,
    Floats,
    Ints,
    Ledger,
    Mask,
    NothingToLearnFrom,
    PastRecord,
    Question,
    Records,
    question,
)
from services.router.learning.suggestion import HIDDEN_PARTS


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of late records in a context; `window` as in `View`."""

    context: str
    window: float | None = None


AT_FILING = (
    Rate("", 1),
    Rate("", 5),
    Rate("category", 7),
    Rate("subclass", 7),
    Rate("channel", 5),
    Rate("street", 5),
    Rate("nature"),
    Rate("category street"),
    Rate("category community"),
    Rate("category channel"),
    Rate("class channel"),
    Rate("community"),
    Rate("hour"),
)
AT_DISPATCH = (
    *AT_FILING,
    Rate("unit"),
    Rate("unit", 7),
    Rate("unit", 30),
    Rate("unit subclass"),
    Rate("unit channel"),
)
"""A unit that lets a deadline pass today did so yesterday; that is known only once the request has its unit."""
WIDER = {
    "category": "subclass",
    "subclass": "class",
    "category street": "category",
    "category community": "category",
    "category channel": "category",
    "class channel": "class",
    "unit subclass": "unit",
    "unit channel": "unit",
}
STEADY = 8
"""So many records as the wider context has are added to every context's own."""
FEW = 5
"""Records of a context below which its counts are not told."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A context whose records were late more often, or less often, than all."""

    count: int
    of: int
    effect: float
    """Added to the log odds of being late; negative when it makes lateness unlikelier."""
    words: str


@dataclass(frozen=True, slots=True)
class Risk:
    """Advisory: no deadline, no order and no judgement of a unit may hang on it."""

    score: float
    """How likely the request is to be closed late, 0 to 1."""
    usual: float
    """The share of late ones among all past records."""
    factors: tuple[Factor, ...]
    """What moves the score most, the strongest first."""


class OvertimeRisk:
    """Past records with their outcome, and the weights of the rates with and without the unit."""

    def __init__(self, ledger: Ledger, late: Ints, filing: Floats, dispatch: Floats, mapping: ColumnMapping) -> None:
        self.ledger, self.late, self.mapping = ledger, late, mapping
        self.filing, self.dispatch = filing, dispatch
        """The first weight is for the constant; the others for the rates."""

    @classmethod
    def learn(cls, records: Records) -> "OvertimeRisk":
        """Learn from records whose outcome is known, and that are not all alike."""
        rows = [row for row in records.rows if row.overtime is not None]
        if len({row.overtime for row in rows}) < 2:  # noqa: PLR2004  late and in time
            raise NothingToLearnFrom("the records do not tell late ones from others")
        asked = [asked_of(row, records.mapping, unit=True) for row in rows]
        late = np.array([bool(row.overtime) for row in rows], np.int64)
        nothing = np.zeros(1)
        learned = cls(Ledger.of(asked), late, nothing, nothing, records.mapping)
        hidden = np.random.default_rng(0).integers(0, HIDDEN_PARTS, len(rows))
        evidence = np.stack([learned._evidence(one, AT_DISPATCH, hidden != hidden[at]) for at, one in enumerate(asked)])
        learned.filing = _weighed(evidence[:, : len(AT_FILING)], late)
        learned.dispatch = _weighed(evidence, late)
        return learned

    def risk(self, codes: Mapping[str, str], at: datetime) -> Risk:
        """The risk at filing, or, where `codes` name the unit, at dispatch."""
        return self.answer(question(codes, at, self.mapping))

    def answer(self, asked: Question) -> Risk:
        rates, weights = self._chosen(asked)
        evidence = self._evidence(asked, rates, None)
        effects = evidence * weights[1:]
        strongest = [at for at in np.argsort(-np.abs(effects), kind="stable") if effects[at]]
        told = [self._factor(rates[at], asked, float(effects[at])) for at in strongest]
        factors = tuple({one.words: one for one in told if one}.values())[:3]
        log_odds = float(weights[0] + effects.sum())
        return Risk(round(1 / (1 + float(np.exp(-log_odds))), 4), round(float(self.late.mean()), 4), factors)

    def score(self, asked: Question) -> float:
        """The log odds of being late; for comparing requests."""
        rates, weights = self._chosen(asked)
        return float(weights[0] + self._evidence(asked, rates, None) @ weights[1:])

    def as_document(self) -> dict[str, Any]:
        return {
            "ledger": self.ledger.as_document(),
            "late": np.flatnonzero(self.late).tolist(),
            "rates": [[rate.context, rate.window] for rate in AT_DISPATCH],
            "filing": [round(float(weight), 5) for weight in self.filing],
            "dispatch": [round(float(weight), 5) for weight in self.dispatch],
            "mapping": self.mapping.model_dump(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        if document["rates"] != [[rate.context, rate.window] for rate in AT_DISPATCH]:
            raise NothingToLearnFrom("the model was learned with other rates; learn again")
        ledger = Ledger.from_document(document["ledger"])
        late = np.zeros(len(ledger), np.int64)
        late[document["late"]] = 1
        mapping = ColumnMapping.model_validate(document["mapping"])
        return cls(ledger, late, np.array(document["filing"]), np.array(document["dispatch"]), mapping)

    def _chosen(self, asked: Question) -> tuple[tuple[Rate, ...], Floats]:
        return (AT_DISPATCH, self.dispatch) if asked.codes.get("unit") else (AT_FILING, self.filing)

    def _evidence(self, asked: Question, rates: Sequence[Rate], usable: Mask | None) -> Floats:
        """For each rate how far its log odds are from those of all records; 0 for a context without records."""
        rates_of = _Rates(self, asked, usable)
        usual = rates_of.rate("", None)
        found = np.array([rates_of.rate(rate.context, rate.window) for rate in rates])
        evidence: Floats = np.log(found / (1 - found)) - np.log(usual / (1 - usual))
        return evidence

    def _factor(self, rate: Rate, asked: Question, effect: float) -> Factor | None:
        """Counts of the context, or of the first wider one that has enough; None when they do not say the same."""
        phrases, recent, context = self.mapping.phrases, "", rate.context
        rows = self.ledger.alike(context, asked)
        if rate.window is not None:
            days = max(1, round(3 * rate.window))
            lately = rows[np.abs(self.ledger.days[rows] - asked.day) <= days]
            if len(lately) >= FEW:
                rows, recent = lately, phrases.recent.format(days=days)
        while len(rows) < FEW and context:
            context = WIDER.get(context, "")
            rows = self.ledger.alike(context, asked)
        count, of = int(self.late[rows].sum()), len(rows)
        if not of or (count / of > self.late.mean()) != (effect > 0):
            return None
        name = phrases.contexts.get(context, context)
        words = phrases.overtime.format(recent=recent, context=name, of=of, count=count)
        return Factor(count, of, round(effect, 3), words)


class _Rates:
    """One request held against the records; each rate is counted once."""

    def __init__(self, learned: OvertimeRisk, asked: Question, usable: Mask | None) -> None:
        self._ledger, self._late, self._asked, self._usable = learned.ledger, learned.late, asked, usable
        self._steady: dict[str, float] = {}

    def rate(self, context: str, window: float | None) -> float:
        if window is None:
            if context not in self._steady:
                self._steady[context] = self._counted(context, None)
            return self._steady[context]
        return self._counted(context, window)

    def _counted(self, context: str, window: float | None) -> float:
        rows = self._ledger.alike(context, self._asked)
        rows = rows if self._usable is None else rows[self._usable[rows]]
        if window is None:
            late, total = float(self._late[rows].sum()), float(len(rows))
        else:
            rows, weights = self._ledger.lately(rows, self._asked.day, window)
            late, total = float(weights @ self._late[rows]), float(weights.sum())
        if not context and window is None:
            return (late + 1) / (total + 2)
        wider = self.rate(WIDER.get(context, ""), None) if window is None else self.rate(context, None)
        return (late + STEADY * wider) / (total + STEADY)


def asked_of(row: PastRecord, mapping: ColumnMapping, *, unit: bool) -> Question:
    """A past record as it was when filed, or, with the unit, when dispatched."""
    return question({name: code for name, code in row.codes.items() if unit or name != "unit"}, row.at, mapping)


def ranked_right(scores: Sequence[float], late: Sequence[bool]) -> float | None:
    """ROC-AUC: how often a late request is scored above one in time; ties count half; None without both sorts."""
    values, marked = np.array(scores), np.array(late, np.bool_)
    positive, negative = int(marked.sum()), int((~marked).sum())
    if not positive or not negative:
        return None
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[marked].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _weighed(evidence: Floats, late: Ints) -> Floats:
    """Late or in time is a choice of two: the evidence speaks for the first, a constant for either."""
    cases = len(late)
    opinions = np.zeros((cases, 2, evidence.shape[1] + 2))
    opinions[:, 1, 0], opinions[:, 0, 1], opinions[:, 1, 2:] = 1, 1, evidence
    weights = pooled_weights(opinions, late, least=0.0)
    return np.concatenate(([weights[0] - weights[1]], weights[2:]))
