"""Owns how a simulation is summed up: counts by kind and class, flows between units, examples by case number only."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import get_args

from pydantic import BaseModel

from services.router.catalogue.whole import Catalogue
from services.router.simulation import Decided, Kind, Verdict

MOST_EXAMPLES, MOST_FLOWS = 10, 100
KINDS: tuple[Kind, ...] = get_args(Kind)
ZH: dict[Kind, str] = {
    "same": "不变",
    "category": "归入其他事项",
    "standard": "适用其他标准或时限",
    "unit": "改派其他单位",
    "waits": "转人工分拨",
    "unfiled": "不再立案",
    "newly_filed": "新增自动立案",
}


class KindCount(BaseModel):
    """How many cases differ in this way; the share is of all that were replayed."""

    kind: Kind
    zh: str
    count: int
    share: float
    by_change: int
    """Of these, what comes from the change; with the others today's rules, too, would do otherwise than was done."""


class ClassCount(BaseModel):
    """A class of the catalogue, as the cases stand in it today."""

    code: str
    name: str
    cases: int
    changed: int
    by_change: int


class Flow(BaseModel):
    """So many cases would go from one to another: units, or categories."""

    from_code: str
    from_name: str
    to_code: str
    to_name: str
    count: int
    by_change: int
    unusual: int
    """Of these, to a unit that seldom had such requests before; 0 for categories, and where nothing has been learned."""


class Side(BaseModel):
    """What was, or would be, decided on one case."""

    state: str
    category_code: str | None
    category_name: str
    standard: str
    limit: str
    unit_code: str | None
    unit_name: str


class Example(BaseModel):
    case_no: str
    kind: Kind
    by_change: bool
    unusual: bool
    before: Side
    after: Side


class SimulationReport(BaseModel):
    """What a version of the catalogue would have made of past cases; nothing was changed, and nobody is named."""

    version: str
    against: str
    """The edition in force, which tells what comes from the change."""
    replayed: int
    skipped: int
    """Cases whose words are erased."""
    elsewhere: int
    """Filed then and now, but dispatched to another unit."""
    unusual: int
    """Of these, to a unit that is none of the three likeliest by who handled such cases before; 0 where nothing of that
    has been learned. Look at them first: the table may be right and the habit wrong, or the other way round."""
    kinds: list[KindCount]
    classes: list[ClassCount]
    unit_flows: list[Flow]
    category_flows: list[Flow]
    examples: list[Example]


class Tally:
    """Counts verdicts as they come, so that a year of cases needs no more memory than a day."""

    def __init__(self, proposed: Catalogue, today: Catalogue) -> None:
        self._proposed, self._today = proposed, today
        self.skipped = 0
        self._kinds: Counter[tuple[Kind, bool]] = Counter()
        self._classes: Counter[tuple[str, bool, bool]] = Counter()
        self._units: Counter[tuple[str, str, bool]] = Counter()
        self._unusual: Counter[tuple[str, str]] = Counter()
        self._categories: Counter[tuple[str, str, bool]] = Counter()
        self._examples: dict[tuple[Kind, bool], list[Verdict]] = defaultdict(list)

    def take(self, verdicts: Iterable[Verdict]) -> None:
        for one in verdicts:
            before, after, changed = one.before, one.after, one.kind != "same"
            self._kinds[one.kind, one.by_change] += 1
            self._classes[(before.category_code or "")[:2], changed, one.by_change] += 1
            if before.state == after.state == "filed":
                if before.unit_code != after.unit_code:
                    self._units[before.unit_code or "", after.unit_code or "", one.by_change] += 1
                    self._unusual[before.unit_code or "", after.unit_code or ""] += one.unusual
                if before.category_code != after.category_code:
                    self._categories[before.category_code or "", after.category_code or "", one.by_change] += 1
            kept = self._examples[one.kind, one.by_change]
            if changed and len(kept) < MOST_EXAMPLES:
                kept.append(one)

    @property
    def replayed(self) -> int:
        return self._kinds.total()

    def report(self) -> SimulationReport:
        return SimulationReport(
            version=self._proposed.edition.id,
            against=self._today.edition.id,
            replayed=self.replayed,
            skipped=self.skipped,
            elsewhere=self._units.total(),
            unusual=self._unusual.total(),
            kinds=[self._kind(kind) for kind in KINDS],
            classes=self._class_counts(),
            unit_flows=_flows(self._units, _unit, self._today, self._proposed, self._unusual),
            category_flows=_flows(self._categories, _category, self._today, self._proposed, Counter()),
            examples=[self._example(one) for kind in KINDS for one in self._best(kind)],
        )

    def _kind(self, kind: Kind) -> KindCount:
        count = self._kinds[kind, True] + self._kinds[kind, False]
        # A case that stays as it was although the rules changed is no effect of the change that anybody would see.
        by_change = 0 if kind == "same" else self._kinds[kind, True]
        share = round(count / self.replayed, 4) if self.replayed else 0.0
        return KindCount(kind=kind, zh=ZH[kind], count=count, share=share, by_change=by_change)

    def _class_counts(self) -> list[ClassCount]:
        found: dict[str, ClassCount] = {}
        for (code, changed, by_change), count in sorted(self._classes.items()):
            main = self._today.classes.get(code) or self._proposed.classes.get(code)
            name = main.name if main else ""
            line = found.setdefault(code, ClassCount(code=code, name=name, cases=0, changed=0, by_change=0))
            line.cases += count
            line.changed += count if changed else 0
            line.by_change += count if changed and by_change else 0
        return list(found.values())

    def _best(self, kind: Kind) -> list[Verdict]:
        """What comes from the change first."""
        return [*self._examples[kind, True], *self._examples[kind, False]][:MOST_EXAMPLES]

    def _example(self, one: Verdict) -> Example:
        before = self._side(one.before, self._today, self._proposed)
        after = self._side(one.after, self._proposed, self._today)
        return Example(
            case_no=one.case_no, kind=one.kind, by_change=one.by_change, unusual=one.unusual, before=before, after=after
        )

    def _side(self, one: Decided, *names: Catalogue) -> Side:
        return Side(
            state=one.state,
            category_code=one.category_code,
            category_name=_category(one.category_code, *names),
            standard=one.standard_name,
            limit=str(one.limit or ""),
            unit_code=one.unit_code,
            unit_name=_unit(one.unit_code, *names),
        )


def _category(code: str | None, *names: Catalogue) -> str:
    return next((one.categories[code].name for one in names if code in one.categories), "") if code else ""


def _unit(code: str | None, *names: Catalogue) -> str:
    return next((one.units[code].name for one in names if code in one.units), code) if code else ""


type _Name = Callable[..., str]


def _flows(
    counted: Counter[tuple[str, str, bool]],
    name: _Name,
    old: Catalogue,
    new: Catalogue,
    unusual: Counter[tuple[str, str]],
) -> list[Flow]:
    """The largest first."""
    totals: Counter[tuple[str, str]] = Counter()
    for (source, target, _), count in counted.items():
        totals[source, target] += count
    largest = sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:MOST_FLOWS]
    return [
        Flow(
            from_code=source,
            from_name=name(source, old, new),
            to_code=target,
            to_name=name(target, new, old),
            count=count,
            by_change=counted[source, target, True],
            unusual=unusual[source, target],
        )
        for (source, target), count in largest
    ]
