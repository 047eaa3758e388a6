"""The yearly notice of holidays (国务院办公厅放假通知) as a file: read, checked row by row, and laid over a calendar."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, ClassVar, Final, Literal

from services.sla.calendar import SATURDAY, CalendarData, SpecialDay
from shared.errors import DomainError, FieldError

COLUMNS: Final = ("kind", "from", "to", "name")
MOST_ROWS, LONGEST_NAME, LONGEST_HOLIDAY = 100, 40, 20
KINDS: Final[dict[str, bool]] = {"holiday": False, "workday": True, "放假": False, "上班": True}
FESTIVALS: Final = ("元旦", "春节", "清明", "劳动", "端午", "国庆", "中秋")
"""全国年节及纪念日放假办法 names these; a notice without one of them is probably cut short."""
FIRST_YEAR, LAST_YEAR = 2004, 2100


class NoticeNotUsable(DomainError):
    """The notice of holidays has rows that cannot be used."""

    zh: ClassVar[str] = "放假安排文件有误，请按行修改后重新导入"


@dataclass(frozen=True, slots=True)
class Notice:
    """All special days one year's notice names; it may also turn a weekend of the December before into working days."""

    year: int
    source: str
    days: tuple[SpecialDay, ...]

    def missing(self) -> tuple[str, ...]:
        """Festivals the notice does not speak of."""
        holidays = "".join(day.name for day in self.days if not day.working)
        return tuple(name for name in FESTIVALS if name not in holidays)

    def over(self, base: CalendarData) -> CalendarData:
        """The calendar with this year as the notice says; all other years, and the hours, stay as they are."""
        named = {row.day for row in self.days}
        kept = (row for row in base.special_days if row.day.year != self.year and row.day not in named)
        years = tuple(sorted({*base.known_years, self.year}))
        days = tuple(sorted([*kept, *self.days]))
        return renamed(replace(base, known_years=years, special_days=days, source=self.source))


def renamed(data: CalendarData) -> CalendarData:
    """Under the version name its content asks for."""
    hours = data.later_hours[-1].hours if data.later_hours else data.hours
    last = data.known_years[-1]
    version = f"cn-{last}.{hours.code}-{hours.version}.{data.digest()}"
    return replace(data, version=version, name=f"全国法定工作日历（截至{last}年）")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a notice as it was given: a holiday or make-up days, from one day to another."""

    kind: Any
    first: Any
    last: Any
    name: Any


def read_notice(raw: bytes, *, form: Literal["json", "csv"], year: int | None = None, source: str = "") -> Notice:
    """A notice from its file; NoticeNotUsable names every wrong row by its pointer.

    JSON says year and source itself: `{"year", "source", "rows": [{"kind", "from", "to", "name"}]}`. CSV has those
    four columns under a heading, and is told year and source. `kind` is holiday/放假 or workday/上班, `to` may be
    left out for a single day.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _broken("", "the file is not UTF-8", "文件须为 UTF-8 编码") from None
    if form == "csv":
        return checked(year, source, _csv_rows(text))
    try:
        body = json.loads(text)
        rows = [Row(row.get("kind"), row.get("from"), row.get("to"), row.get("name")) for row in body["rows"]]
        return checked(body.get("year", year), str(body.get("source", source)), rows)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _broken("", "not a notice: an object with year, source and rows", "不是放假安排文件") from None


def checked(year: Any, source: str, rows: Sequence[Row]) -> Notice:
    """The notice these rows make, if every one of them can be used."""
    errors: list[FieldError] = []
    if not isinstance(year, int) or not FIRST_YEAR <= year <= LAST_YEAR:
        raise _broken("/year", f"a year from {FIRST_YEAR} to {LAST_YEAR}", "年份有误")
    if not source.strip():
        errors.append(FieldError("/source", "which document says so", "请填写文号或来源"))
    if not 0 < len(rows) <= MOST_ROWS:
        raise _broken("/rows", f"1 to {MOST_ROWS} rows", f"须有1至{MOST_ROWS}行")
    days: dict[date, SpecialDay] = {}
    for at, row in enumerate(rows):
        errors += _take(row, f"/rows/{at}", year, days)
    if errors:
        raise NoticeNotUsable(f"{len(errors)} faults", fields=tuple(errors))
    return Notice(year, source.strip(), tuple(sorted(days.values())))


def _take(row: Row, at: str, year: int, days: dict[date, SpecialDay]) -> Iterator[FieldError]:
    working = KINDS.get(row.kind) if isinstance(row.kind, str) else None
    name = row.name.strip() if isinstance(row.name, str) else ""
    first, last = _day(row.first), _day(row.last or row.first)
    if working is None:
        yield FieldError(f"{at}/kind", "holiday or workday", "类别须为 holiday（放假）或 workday（上班）")
    if not 0 < len(name) <= LONGEST_NAME:
        yield FieldError(f"{at}/name", f"1 to {LONGEST_NAME} characters", f"节日名称须为1至{LONGEST_NAME}字")
    if first is None:
        yield FieldError(f"{at}/from", "a day as YYYY-MM-DD", "日期须写作 YYYY-MM-DD")
    if last is None:
        yield FieldError(f"{at}/to", "a day as YYYY-MM-DD", "日期须写作 YYYY-MM-DD")
    if working is None or first is None or last is None:
        return
    if not 0 <= (last - first).days < LONGEST_HOLIDAY:
        yield FieldError(
            f"{at}/to", f"not before `from`, at most {LONGEST_HOLIDAY} days", "结束日期早于开始日期或跨度过长"
        )
        return
    for ahead in range((last - first).days + 1):
        day = first + timedelta(ahead)
        if (wrong := _wrong(day, year, days, working=working)) is not None:
            yield FieldError(f"{at}/from", *wrong)
        days[day] = SpecialDay(day, working, name)


def _wrong(day: date, year: int, days: Mapping[date, SpecialDay], *, working: bool) -> tuple[str, str] | None:
    december = day.year == year - 1 and day.month == 12  # noqa: PLR2004  the month
    if day.year != year and not (working and december):
        return f"{day} is not in {year}", f"{day}不属于{year}年（仅允许上年12月的调休上班日）"
    if day in days:
        return f"{day} is named twice", f"{day}重复出现"
    if working and day.weekday() < SATURDAY:
        return f"{day} is worked anyway", f"{day}本是工作日，不能作为调休上班日"
    return None


def _day(given: Any) -> date | None:
    try:
        return date.fromisoformat(given.strip())
    except (ValueError, AttributeError, TypeError):
        return None


def _csv_rows(text: str) -> list[Row]:
    reader = csv.DictReader(io.StringIO(text))
    if reader.fieldnames is None or set(reader.fieldnames) != set(COLUMNS):
        raise _broken("", f"the columns must be {','.join(COLUMNS)}", f"表头须为 {','.join(COLUMNS)}")

    def row(given: Mapping[str, Any]) -> Row:
        return Row(given["kind"], given["from"], given["to"], given["name"])

    return [row(given) for given in reader]


def _broken(pointer: str, detail: str, zh: str) -> NoticeNotUsable:
    return NoticeNotUsable(detail, fields=(FieldError(pointer, detail, zh),))
