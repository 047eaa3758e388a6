"""Owns past records: reading an export by its mapping, faulty rows kept and counted, and the records as numbers."""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import DomainError

type Ints = NDArray[np.int64]
type Floats = NDArray[np.float64]
type Mask = NDArray[np.bool_]

SHIPPED = Path(__file__).parents[1] / "catalog" / "records.yaml"
CODES = ("class", "subclass", "category", "street", "community", "channel", "nature", "unit")
"""The columns that hold a code; with `at` and `overtime` they are what a record consists of."""
SECONDS_OF_DAY = 86_400.0
MAX_FIELD = 1_000_000
FAR = 12
"""Windows after which a record counts nothing."""


class UnreadableRecords(DomainError):
    """A file of past records, or the mapping of its columns, cannot be read."""

    zh = "历史工单文件或其列映射无法读取"


class NothingToLearnFrom(DomainError):
    """There are no past records that name a unit or an outcome."""

    zh = "历史工单中没有可学习的记录"


class Phrases(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    contexts: dict[str, str]
    recent: str
    share: str
    kind: str
    near: str
    own: str
    peers: str
    overtime: str


class ColumnMapping(BaseModel):
    """Which column of an export is what, and how its values and its units' names are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, str]
    names: dict[str, str]
    time_format: str
    zone: str
    missing: tuple[str, ...]
    overtime_yes: tuple[str, ...]
    overtime_no: tuple[str, ...]
    place_endings: tuple[str, ...]
    place_words: tuple[str, ...]
    day_parts: dict[str, int]
    phrases: Phrases

    def part_of_day(self, hour: int) -> str:
        return max((start, name) for name, start in self.day_parts.items() if start <= hour)[1]

    @property
    def tzinfo(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.tzinfo)


def read_mapping(file: Path = SHIPPED) -> ColumnMapping:
    try:
        mapping = ColumnMapping.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise UnreadableRecords(f"{file.name}: {error}") from error
    if mapping.zone not in available_timezones():
        raise UnreadableRecords(f"{file.name}: there is no time zone {mapping.zone}")
    if 0 not in mapping.day_parts.values():
        raise UnreadableRecords(f"{file.name}: no part of the day begins at 0")
    if lacking := {*CODES, "at", "overtime"} - mapping.columns.keys():
        raise UnreadableRecords(f"{file.name}: `columns` lacks {', '.join(sorted(lacking))}")
    return mapping


@dataclass(frozen=True, slots=True)
class PastRecord:
    """One decided request; what an export does not say is empty or None."""

    at: datetime | None
    codes: Mapping[str, str]
    """By the names of `CODES`."""
    unit_name: str = ""
    overtime: bool | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """An export as read: every row, and how many of them lack something or do not fit together."""

    rows: tuple[PastRecord, ...]
    names: Mapping[str, Mapping[str, str]]
    """For each kind of code the usual name of every code."""
    mapping: ColumnMapping
    faults: Mapping[str, int] = field(default_factory=dict)

    def only(self, chosen: Iterable[int]) -> "Records":
        return Records(tuple(self.rows[at] for at in chosen), self.names, self.mapping)


def read_records(file: Path, mapping: ColumnMapping) -> Records:
    """A CSV, packed with gzip or not. No row is left out: a wrong one is counted by what is wrong with it."""
    with _opened(file) as source:
        try:
            lines = list(csv.DictReader(source, restkey="", restval=""))
        except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
            raise UnreadableRecords(f"{file.name}: {error.__class__.__name__}") from error
    present = set(lines[0]) if lines else set()
    if lacking := (set(mapping.columns.values()) | set(mapping.names.values())) - present:
        raise UnreadableRecords(f"{file.name}: no column {', '.join(sorted(lacking))}")
    names = {kind: _usual_names(lines, mapping, kind) for kind in mapping.names}
    faults: Counter[str] = Counter()
    rows = []
    for line in lines:
        record = _record(line, mapping)
        wrong = {name for name, value in record.codes.items() if not value}
        wrong |= {name for name, value in (("at", record.at), ("overtime", record.overtime)) if value is None}
        if line.get("") or any(_shifted(line, mapping, names, kind) for kind in names if kind != "unit"):
            wrong.add("shifted")
        faults.update(f"no_{name}" if name != "shifted" else name for name in wrong)
        faults["rows"] += bool(wrong)
        rows.append(record)
    return Records(tuple(rows), names, mapping, dict(sorted(faults.items())))


def _record(line: Mapping[str, str], mapping: ColumnMapping) -> PastRecord:
    codes = {name: _value(line[mapping.columns[name]], mapping) for name in CODES}
    at: datetime | None = None
    try:
        at = datetime.strptime(line[mapping.columns["at"]].strip(), mapping.time_format)  # noqa: DTZ007  next line
        at = at if at.tzinfo else at.replace(tzinfo=mapping.tzinfo)
    except ValueError:
        at = None
    said = line[mapping.columns["overtime"]].strip()
    overtime = True if said in mapping.overtime_yes else False if said in mapping.overtime_no else None
    return PastRecord(at, codes, _value(line[mapping.names.get("unit", mapping.columns["unit"])], mapping), overtime)


def _value(said: str, mapping: ColumnMapping) -> str:
    said = said.strip()
    return "" if said in mapping.missing else said


def _usual_names(lines: Sequence[Mapping[str, str]], mapping: ColumnMapping, kind: str) -> dict[str, str]:
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        seen[_value(line[mapping.columns[kind]], mapping)][line[mapping.names[kind]].strip()] += 1
    return {code: names.most_common(1)[0][0] for code, names in seen.items() if code}


def _shifted(
    line: Mapping[str, str], mapping: ColumnMapping, names: Mapping[str, Mapping[str, str]], kind: str
) -> bool:
    code = _value(line[mapping.columns[kind]], mapping)
    return bool(code) and names[kind][code] != line[mapping.names[kind]].strip()


@contextmanager
def _opened(file: Path) -> Iterator[IO[str]]:
    csv.field_size_limit(MAX_FIELD)
    try:
        with file.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
        with (gzip.open if packed else open)(file, "rt", encoding="utf-8-sig", newline="") as source:
            yield source
    except OSError as error:
        raise UnreadableRecords(f"{file.name}: {error.__class__.__name__}") from error


@dataclass(frozen=True, slots=True)
class Question:
    """What is known of a request: codes by field, and when; a field that is not known is left out."""

    codes: Mapping[str, str]
    day: float
    """Days since 1970 in UTC; not a number when the time is not known."""


def question(codes: Mapping[str, str], at: datetime | None, mapping: ColumnMapping) -> Question:
    known = {name: code for name, code in codes.items() if code}
    if at is None:
        return Question(known, float("nan"))
    local = mapping.local(at)
    known |= {"hour": str(local.hour), "part": mapping.part_of_day(local.hour), "month": local.strftime("%Y-%m")}
    return Question(known, at.timestamp() / SECONDS_OF_DAY)


class Ledger:
    """Past records as columns of numbers, with an index from any few fields to the records that share their values."""

    def __init__(self, columns: Mapping[str, Sequence[int]], values: Mapping[str, Sequence[str]], days: Floats) -> None:
        self.columns: dict[str, Ints] = {name: np.array(column, np.int64) for name, column in columns.items()}
        """-1 where a record does not say."""
        self.values = {name: tuple(found) for name, found in values.items()}
        self.days = days
        self._numbers = {name: {value: at for at, value in enumerate(found)} for name, found in self.values.items()}
        self._index: dict[str, dict[int, Ints]] = {}
        self._none = np.empty(0, np.int64)

    @classmethod
    def of(cls, questions: Sequence[Question]) -> Self:
        fields = sorted({name for one in questions for name in one.codes})
        values = {name: sorted({one.codes[name] for one in questions if name in one.codes}) for name in fields}
        columns: dict[str, list[int]] = {}
        for name in fields:
            numbers = {value: at for at, value in enumerate(values[name])}
            columns[name] = [numbers[one.codes[name]] if name in one.codes else -1 for one in questions]
        return cls(columns, values, np.array([one.day for one in questions]))

    def __len__(self) -> int:
        return len(self.days)

    def number(self, name: str, asked: Question) -> int:
        """-1 for a value that is not known or was never seen."""
        return self._numbers.get(name, {}).get(asked.codes.get(name, ""), -1)

    def alike(self, context: str, asked: Question) -> Ints:
        """The records with the same values as asked in all fields of the context (names with blanks between)."""
        if context not in self._index:
            self._index[context] = self._indexed(context)
        key = 0
        for name in context.split():
            number = self.number(name, asked)
            if number < 0:
                return self._none
            key = key * len(self.values[name]) + number
        return self._index[context].get(key, self._none)

    def lately(self, chosen: Ints, day: float, window: float) -> tuple[Ints, Floats]:
        """Those near in time, with what each counts: 1 at the same moment, e times less with every window of days."""
        distance = np.abs(self.days[chosen] - day)
        near = distance < FAR * window
        return chosen[near], np.exp(-distance[near] / window)

    def as_document(self) -> dict[str, Any]:
        minutes = [None if np.isnan(day) else round(day * 1440) for day in self.days]
        columns = {name: column.tolist() for name, column in self.columns.items()}
        return {"columns": columns, "values": {name: list(v) for name, v in self.values.items()}, "minutes": minutes}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        days = [float("nan") if minute is None else minute / 1440 for minute in document["minutes"]]
        return cls(document["columns"], document["values"], np.array(days))

    def _indexed(self, context: str) -> dict[int, Ints]:
        keys = np.zeros(len(self), np.int64)
        known = np.ones(len(self), np.bool_)
        for name in context.split():
            column = self.columns.get(name, np.full(len(self), -1))
            known &= column >= 0
            keys = keys * max(1, len(self.values.get(name, ()))) + column
        rows = np.flatnonzero(known)
        rows = rows[np.argsort(keys[rows], kind="stable")]
        different, starts = np.unique(keys[rows], return_index=True)
        return dict(zip(different.tolist(), np.split(rows, starts[1:]), strict=True)) if len(rows) else {}
