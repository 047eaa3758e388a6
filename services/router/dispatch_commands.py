"""`python -m services.router dispatch evaluate|learn|suggest`: units and overtime learned from an export of past records."""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from services.router.learning import records as past
from services.router.learning.overtime import OvertimeRisk, asked_of, ranked_right
from services.router.learning.records import NothingToLearnFrom, PastRecord, Records
from services.router.learning.suggestion import Suggester
from shared.clock import RealClock
from shared.errors import DomainError

MODEL = "dispatch.json"
ASKED = tuple(name for name in past.CODES if name != "unit")


def run(argv: Sequence[str]) -> int:
    """0 when all is well, 1 when something is wrong, which has been told."""
    parser = argparse.ArgumentParser(prog="python -m services.router dispatch", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    check = verbs.add_parser("evaluate", help="learn and judge; prints one JSON object last")
    check.add_argument("--train", type=Path, required=True, help="CSV of past records, packed with gzip or not")
    how = check.add_mutually_exclusive_group(required=True)
    how.add_argument("--test", type=Path, help="CSV of other records of the same export")
    how.add_argument("--folds", type=int, help="cross-validation on the first file, and its last fifth in time")
    check.add_argument("--seed", type=int, default=0, help="of the division into folds")
    learn = verbs.add_parser("learn", help=f"write {MODEL} into a folder")
    learn.add_argument("--records", type=Path, required=True)
    learn.add_argument("--model", type=Path, required=True)
    ask = verbs.add_parser("suggest", help="units and overtime risk of one request, by the codes of the export")
    ask.add_argument("--model", type=Path, required=True)
    for name in ASKED:
        ask.add_argument(f"--{name}", default="", metavar="CODE")
    ask.add_argument("--at", type=datetime.fromisoformat, help="when it was filed; now when left out")
    for verb in (check, learn):
        verb.add_argument("--mapping", type=Path, default=past.SHIPPED, help="YAML: which column is what")
    arguments = parser.parse_args(argv)
    try:
        VERBS[arguments.verb](arguments)
    except DomainError as refused:
        print(f"{refused} {refused.zh}")
        return 1
    return 0


@dataclass
class Tally:
    """How often the suggestions were right, and how the risk ranked."""

    rows: int = 0
    first: int = 0
    first_three: int = 0
    first_by_name: int = 0
    first_three_by_name: int = 0
    late: list[bool] = field(default_factory=list)
    at_filing: list[float] = field(default_factory=list)
    at_dispatch: list[float] = field(default_factory=list)

    def suggested(self, row: PastRecord, ranked: Sequence[tuple[str, str]]) -> None:
        """A row without a unit is nobody's: it counts as a miss."""
        self.rows += 1
        units = [unit for unit, _ in ranked]
        names = [name for _, name in ranked]
        self.first += row.codes["unit"] == units[0]
        self.first_three += row.codes["unit"] in units
        self.first_by_name += bool(row.unit_name) and row.unit_name == names[0]
        self.first_three_by_name += bool(row.unit_name) and row.unit_name in names

    def figures(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "rows": self.rows,
            "top1": _share(self.first, self.rows),
            "top3": _share(self.first_three, self.rows),
            "overtime_auc": _rounded(ranked_right(self.at_filing, self.late)),
            "overtime_auc_with_unit": _rounded(ranked_right(self.at_dispatch, self.late)),
            "top1_by_name": _share(self.first_by_name, self.rows),
            "top3_by_name": _share(self.first_three_by_name, self.rows),
        }
        return shown


def evaluate(arguments: argparse.Namespace) -> None:
    mapping = past.read_mapping(arguments.mapping)
    known = past.read_records(arguments.train, mapping)
    if arguments.test:
        test = past.read_records(arguments.test, mapping)
        shown = judged(known, test.rows).figures() | {"faults": {"train": known.faults, "test": test.faults}}
    else:
        shown = cross_validated(known, arguments.folds, arguments.seed)
        shown |= {"time_ordered": time_ordered(known), "faults": known.faults}
    print(json.dumps(shown, ensure_ascii=False))


def judged(known: Records, rows: Iterable[PastRecord]) -> Tally:
    """What was learned from the known records, held against others."""
    suggester, risk, tally = Suggester.learn(known), _risk(known), Tally()
    for row in rows:
        tally.suggested(row, suggester.ranked(asked_of(row, known.mapping, unit=False)))
        _weigh_risk(tally, risk, row, known)
    return tally


def cross_validated(known: Records, folds: int, seed: int) -> dict[str, Any]:
    """The mean over the folds, and the standard deviation between them."""
    count = len(known.rows)
    if not 1 < folds <= count:
        raise NothingToLearnFrom(f"{count} records cannot be divided into {folds} folds")
    part = np.random.default_rng(seed).permutation(count) % folds
    found = []
    for number in range(folds):
        inside, outside = np.flatnonzero(part != number), np.flatnonzero(part == number)
        found.append(judged(known.only(inside), known.only(outside).rows).figures())
        print(f"fold {number + 1}: {json.dumps(found[-1])}", flush=True)
    measures = {name: [one[name] for one in found if one[name] is not None] for name in found[0] if name != "rows"}
    shown: dict[str, Any] = {"rows": count}
    shown |= {name: _rounded(float(np.mean(values))) if values else None for name, values in measures.items()}
    spread = {name: _rounded(float(np.std(values))) if values else None for name, values in measures.items()}
    return shown | {"folds": folds, "spread": spread}


def time_ordered(known: Records) -> dict[str, Any]:
    """The last fifth in time, learned from what was before: once for all, and with the records of each day before."""
    order = sorted(range(len(known.rows)), key=lambda at: _moment(known.rows[at]))
    earlier, later = known.only(order[: len(order) * 4 // 5]), known.only(order[len(order) * 4 // 5 :])
    tally = judged(earlier, later.rows)
    weights = Suggester.learn(earlier).weights
    growing, daily = Suggester.learn(known, weights), Tally()
    for row in later.rows:
        usable = growing.decided.ledger.days < _midnight(row, known)
        daily.suggested(row, growing.ranked(asked_of(row, known.mapping, unit=False), usable))
    kept = ("top1", "top3", "top1_by_name", "top3_by_name")
    return tally.figures() | {"learned_daily": {name: daily.figures()[name] for name in kept}}


def learn_model(arguments: argparse.Namespace) -> None:
    known = past.read_records(arguments.records, past.read_mapping(arguments.mapping))
    risk = _risk(known)
    document = {"suggester": Suggester.learn(known).as_document(), "risk": risk.as_document() if risk else None}
    arguments.model.mkdir(parents=True, exist_ok=True)
    file: Path = arguments.model / MODEL
    file.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")), "utf-8")
    size = round(file.stat().st_size / 1e6, 2)
    print(json.dumps({"rows": len(known.rows), "faults": known.faults, "model_mb": size}, ensure_ascii=False))


def suggest(arguments: argparse.Namespace) -> None:
    file: Path = arguments.model / MODEL
    try:
        document = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise past.UnreadableRecords(f"{file.name}: {error.__class__.__name__}") from error
    suggester = Suggester.from_document(document["suggester"])
    codes = {name: getattr(arguments, name) for name in ASKED}
    at = arguments.at or RealClock().now()
    at = at if at.tzinfo else at.replace(tzinfo=suggester.mapping.tzinfo)
    units = [asdict(one) for one in suggester.suggest(codes, at)]
    risk = None
    if document["risk"]:
        risk = asdict(OvertimeRisk.from_document(document["risk"]).risk(codes, at))
    print(json.dumps({"units": units, "overtime": risk}, ensure_ascii=False, indent=2))


def _risk(known: Records) -> OvertimeRisk | None:
    """None where all records had the same outcome: then there is nothing to tell."""
    try:
        return OvertimeRisk.learn(known)
    except NothingToLearnFrom:
        return None


def _weigh_risk(tally: Tally, risk: OvertimeRisk | None, row: PastRecord, known: Records) -> None:
    if risk is not None and row.overtime is not None:
        tally.late.append(row.overtime)
        tally.at_filing.append(risk.score(asked_of(row, known.mapping, unit=False)))
        tally.at_dispatch.append(risk.score(asked_of(row, known.mapping, unit=True)))


def _moment(row: PastRecord) -> float:
    return row.at.timestamp() if row.at else 0.0


def _midnight(row: PastRecord, known: Records) -> float:
    """The beginning of the day the record was filed on, in days since 1970."""
    if row.at is None:
        return 0.0
    local = known.mapping.local(row.at)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() / past.SECONDS_OF_DAY


def _share(part: int, whole: int) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


VERBS: dict[str, Callable[[argparse.Namespace], None]] = {
    "evaluate": evaluate,
    "learn": learn_model,
    "suggest": suggest,
}
