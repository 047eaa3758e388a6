"""Owns the views of past records from which a unit is suggested, and what each has counted, as numbers and in words."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.router.learning.records import Floats, Ints, Ledger, Mask, PastRecord, Phrases, Question, Records


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at past records; each gives every unit a probability.

    share: how many of the context's records a unit had; kind: how many its kind of unit had; near: how many units of
    its kind had that lie as near to the place; own: how many of the unit's records are of the context; peers: how many
    of the context's records of its kind a unit had.
    """

    how: str
    context: str
    window: float | None = None
    """Days after which a record counts e times less; None when all count alike."""


VIEWS = (
    View("share", ""),
    View("share", "", 0.01),
    View("share", "street"),
    View("share", "community"),
    View("share", "community", 0.5),
    View("share", "channel", 0.02),
    View("share", "community channel", 1),
    View("share", "nature street"),
    View("share", "class community", 1),
    View("share", "subclass street"),
    View("share", "subclass street", 7),
    View("share", "category"),
    View("share", "category", 0.2),
    View("share", "category street"),
    View("share", "category street channel"),
    View("kind", "category", 3),
    View("kind", "subclass channel", 1),
    View("kind", "community"),
    View("near", "category community"),
    View("own", "category"),
    View("own", "street"),
    View("own", "community"),
    View("own", "channel"),
    View("own", "nature"),
    View("own", "part"),
    View("peers", "community"),
    View("peers", "street", 10),
)
WIDER = {
    "subclass": "class",
    "category": "subclass",
    "community": "street",
    "class community": "class street",
    "class street": "class",
    "subclass street": "subclass",
    "subclass channel": "subclass",
    "category street": "category",
    "category community": "category street",
    "category street channel": "category street",
    "nature street": "street",
    "community channel": "community",
}
"""Where a context has few records, what the wider one says counts (back-off as of Witten and Bell); all records at last."""

FEW = 3
"""Records of a context below which its counts are not told, but those of the wider one."""


@dataclass(frozen=True, slots=True)
class Units:
    """What the names of the units say: the kind of each, and the places each is named after."""

    kinds: Ints
    kind_names: tuple[str, ...]
    places: Mapping[str, Sequence[Sequence[int]]]
    """For `street` and `community`: for each unit the numbers of those its name contains."""

    def near(self, street: int, community: int) -> Ints:
        """For each unit 3 when named after this community, 2 after this street, 1 after another place, 0 after none."""
        found = np.zeros(len(self.kinds), np.int64)
        for unit, (streets, communities) in enumerate(
            zip(self.places["street"], self.places["community"], strict=True)
        ):
            found[unit] = 3 if community in communities else 2 if street in streets else bool(streets or communities)
        return found


class Decided:
    """Records that name a unit, with what the units' names say."""

    def __init__(self, ledger: Ledger, units: Units, phrases: Phrases) -> None:
        self.ledger, self.units, self.phrases = ledger, units, phrases
        self.codes = ledger.values["unit"]
        self.unit = ledger.columns["unit"]
        self._near: dict[tuple[int, int], Ints] = {}
        nowhere = np.full(len(ledger), -1)
        where = zip(ledger.columns.get("street", nowhere), ledger.columns.get("community", nowhere), strict=True)
        classes = [self.classes(int(street), int(community)) for street, community in where]
        self.own_class = np.array([found[unit] for found, unit in zip(classes, self.unit, strict=True)], np.int64)
        """For each record its unit's kind and nearness to the place, as one number."""

    def classes(self, street: int, community: int) -> Ints:
        """For each unit its kind and nearness to a place, as one number."""
        if (street, community) not in self._near:
            near = self.units.near(street, community)
            self._near[street, community] = near * len(self.units.kind_names) + self.units.kinds
        return self._near[street, community]

    def look(self, asked: Question, usable: Mask | None = None) -> "Look":
        return Look(self, asked, usable)


class Look:
    """One request held against the records; each count is made once."""

    def __init__(self, decided: Decided, asked: Question, usable: Mask | None) -> None:
        self._decided, self._asked, self._usable = decided, asked, usable
        self._ledger, self._units = decided.ledger, len(decided.codes)
        self._kinds, self._kind_count = decided.units.kinds, len(decided.units.kind_names)
        self._counted: dict[tuple[str, float | None], Floats] = {}
        self._shares: dict[str, Floats] = {}
        self._classes = decided.classes(self._ledger.number("street", asked), self._ledger.number("community", asked))

    def opinions(self) -> Floats:
        """Units × views: the logarithm of what each view gives each unit."""
        hows = {"share": self._share, "kind": self._kind, "near": self._near, "own": self._own, "peers": self._peers}
        return np.log(np.stack([hows[view.how](view.context, view.window) for view in VIEWS], axis=1))

    def counts(self, context: str, window: float | None = None) -> Floats:
        """How many records of the context each unit had."""
        if (context, window) not in self._counted:
            rows, weights = self._rows(context, window)
            self._counted[context, window] = np.bincount(self._decided.unit[rows], weights, self._units)
        return self._counted[context, window]

    def words(self, view: View, unit: int, name: str) -> str:
        """What the view has counted for the unit, to a dispatcher; empty when that is hardly anything."""
        phrases = self._decided.phrases
        rows, _ = self._rows(view.context, None)
        recent = ""
        if view.window is not None:
            days = max(1, round(3 * view.window))
            rows = rows[np.abs(self._ledger.days[rows] - self._asked.day) <= days]
            recent = phrases.recent.format(days=days)
        units = self._decided.unit[rows]
        kind = self._decided.units.kind_names[self._kinds[unit]]
        same_kind = self._kinds[units] == self._kinds[unit]
        of, count = len(rows), int((units == unit).sum())
        if view.how == "kind":
            count = int(same_kind.sum())
        elif view.how == "near":
            count = int((self._decided.own_class[rows] == self._classes[unit]).sum())
        elif view.how == "own":
            of = int(self.counts("")[unit])
        elif view.how == "peers":
            of = int(same_kind.sum())
        context = phrases.contexts.get(view.context, view.context)
        told: str = getattr(phrases, view.how)
        enough = count and of >= FEW
        return told.format(recent=recent, context=context, of=of, count=count, unit=name, kind=kind) if enough else ""

    def _rows(self, context: str, window: float | None) -> tuple[Ints, Floats]:
        rows = self._ledger.alike(context, self._asked)
        if self._usable is not None:
            rows = rows[self._usable[rows]]
        if window is None:
            return rows, np.ones(len(rows))
        return self._ledger.lately(rows, self._asked.day, window)

    def _share(self, context: str, window: float | None = None) -> Floats:
        if window is not None:
            return _backed_off(self.counts(context, window), self._share(context), 0.3)
        if context not in self._shares:
            wider = self._share(WIDER.get(context, "")) if context else np.full(self._units, 1 / self._units)
            self._shares[context] = _backed_off(self.counts(context), wider, 1.0 if context else 0.5 * self._units)
        return self._shares[context]

    def _kind(self, context: str, window: float | None) -> Floats:
        counts = np.bincount(self._kinds, self.counts(context), self._kind_count) + 0.1
        shares = counts / counts.sum()
        if window is not None:
            recent = np.bincount(self._kinds, self.counts(context, window), self._kind_count)
            shares = _backed_off(recent, shares, 0.3)
        return shares[self._kinds]

    def _near(self, context: str, window: float | None) -> Floats:
        return self._nearness(context, window)[self._classes]

    def _nearness(self, context: str, window: float | None) -> Floats:
        rows, weights = self._rows(context, window)
        counts = np.bincount(self._decided.own_class[rows], weights, 4 * self._kind_count)
        if context:
            return _backed_off(counts, self._nearness(WIDER.get(context, ""), window), 1.0)
        raised: Floats = (counts + 0.1) / (counts + 0.1).sum()
        return raised

    def _own(self, context: str, window: float | None) -> Floats:
        if self._ledger.number(context, self._asked) < 0:
            return np.ones(self._units)
        shares: Floats = (self.counts(context, window) + 0.05) / (self.counts("", window) + 0.5)
        return shares

    def _peers(self, context: str, window: float | None) -> Floats:
        counts = self.counts(context, window)
        of_kind = np.bincount(self._kinds, counts, self._kind_count)[self._kinds]
        if window is None:
            shares: Floats = (counts + 0.02) / (of_kind + 0.2)
        else:
            shares = (counts + 0.3 * self._peers(context, None)) / (of_kind + 0.3)
        return shares


def _backed_off(counts: Floats, wider: Floats, least: float) -> Floats:
    """Counts as shares; the more different units a context has for its records, the more the wider context counts."""
    trust = 2 * np.minimum(counts, 1).sum() + least
    shares: Floats = (counts + trust * wider) / (counts.sum() + trust)
    return shares


def units_of(ledger: Ledger, rows: Sequence[PastRecord], records: Records) -> Units:
    """Streets' and communities' names taken out of the units' names leave the kind of the unit."""
    mapping = records.mapping
    names: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        names[row.codes["unit"]].append(row.unit_name)
    endings = "|".join(map(re.escape, mapping.place_endings)) or "$"
    stems = {
        field: [re.sub(f"(?<=..)(?:{endings})$", "", records.names.get(field, {}).get(code, "")) for code in values]
        for field in ("street", "community")
        for values in [ledger.values.get(field, ())]
    }
    words = {stem for found in stems.values() for stem in found if stem} | set(mapping.place_words)
    anywhere = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "$^")
    kinds, places = [], {"street": list[list[int]](), "community": list[list[int]]()}
    for code in ledger.values["unit"]:
        called = sorted(set(names[code]), key=names[code].count)
        bare = [re.sub(r"[（(].*?[）)]", "", name) for name in called]
        kinds.append(anywhere.sub("", bare[-1]) or bare[-1] or code)
        for field, texts in (("street", called), ("community", bare)):
            held = [at for at, stem in enumerate(stems[field]) if stem and any(stem in text for text in texts)]
            places[field].append(held)
    kind_names = sorted(set(kinds))
    numbers = {kind: at for at, kind in enumerate(kind_names)}
    return Units(np.array([numbers[kind] for kind in kinds], np.int64), tuple(kind_names), places)
