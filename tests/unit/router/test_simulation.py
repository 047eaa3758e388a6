"""Past cases replayed by a proposed catalogue: what differs, what of it comes from the change, and how it is told."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from services.router import past_cases
from services.router.catalogue import workbook
from services.router.catalogue.entries import Limit
from services.router.catalogue.files import read_folder
from services.router.catalogue.reading import load
from services.router.past_cases import NoPastCases, Period, PeriodEmpty
from services.router.rulebook import DESK, Edition, read_desk
from services.router.rules_commands import run
from services.router.simulation import Decided, PastCase, Ruling, Verdict, judged, replay
from services.router.simulation_report import SimulationReport
from services.router.usecases.simulation import Sides
from tests.unit.router.sample import build, change, put

NOW = datetime(2026, 10, 12, 2, 0, tzinfo=UTC)
PINGSHAN = "440310001"
GARBAGE, STALL, COVER = "0101001", "0102001", "0201001"
HEAP = "巷口的垃圾堆了三天没人清，垃圾没人清运，烂菜叶也在里面"


def ruling(folder: Path) -> Ruling:
    return Ruling(Edition(load(folder), read_desk(DESK)))


@pytest.fixture
def today(tmp_path: Path) -> Ruling:
    return ruling(build(tmp_path / "today"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """To be changed before it is proposed."""
    return build(tmp_path / "proposed")


def case(said: str | None = GARBAGE, text: str = HEAP, decided: Decided | None = None, no: str = "PS1") -> PastCase:
    return PastCase(no, text, NOW, area_code=PINGSHAN, said_type="complaint", said_category=said, decided=decided)


def verdict(one: PastCase, folder: Path, today: Ruling) -> Verdict:
    [found] = replay([one], ruling(folder), today)
    return found


def report(cases: list[PastCase], folder: Path, today: Ruling) -> SimulationReport:
    compared = Sides(ruling(folder), today)
    tally = compared.tally()
    compared.take(tally, cases)
    return tally.report()


def garbage(limit: int = 1, unit: str = "PS-S01") -> Decided:
    return Decided("filed", GARBAGE, 1, "一般情形", Limit(amount=limit, unit="work_day"), unit)


def without(folder: Path, code: str) -> None:
    for table in ("categories.csv", "standards.csv"):
        change(folder / "01" / table, lambda rows: rows.__setitem__(slice(None), [r for r in rows if r[0] != code]))
    editions = (folder / "editions.yaml").read_text("utf-8")
    editions = editions.replace("subclasses: 3, categories: 4", "subclasses: 2, categories: 3")
    (folder / "editions.yaml").write_text(editions.replace("categories: 6", "categories: 5"), "utf-8")


def test_the_replay_decides_as_the_desk_does(today: Ruling) -> None:
    assert judged(case(), today) == garbage()
    assert judged(case(None, "事情就是这样"), today).state == "unfiled"
    assert judged(case(None, "物流园的货架太多了，盲道边上有人"), today).state in {"filed", "waits"}


def test_nothing_differs_by_the_same_rules(folder: Path, today: Ruling) -> None:
    found = verdict(case(decided=garbage()), folder, today)
    assert (found.kind, found.by_change) == ("same", False)


def test_another_kind_of_unit_sends_the_case_elsewhere(folder: Path, today: Ruling) -> None:
    put(folder / "01/categories.csv", 2, "unit_kind", "urban_management")
    found = verdict(case(decided=garbage()), folder, today)
    assert (found.kind, found.by_change) == ("unit", True)
    assert (found.before.unit_code, found.after.unit_code) == ("PS-S01", "PS-D01")


def test_a_shorter_limit_is_told_and_a_new_name_is_not(folder: Path, today: Ruling) -> None:
    put(folder / "01/categories.csv", 2, "name", "路面成堆垃圾")
    assert verdict(case(decided=garbage()), folder, today).kind == "same"
    put(folder / "01/standards.csv", 2, "limit_amount", "2")
    found = verdict(case(decided=garbage()), folder, today)
    assert (found.kind, found.by_change, str(found.after.limit)) == ("standard", True, "2 work_day")


def test_another_order_of_the_standards_is_no_other_standard(folder: Path, today: Ruling) -> None:
    cracked = "井盖破裂了一半"
    put(folder / "02/standards.csv", 3, "no", "3")
    put(folder / "02/standards.csv", 4, "no", "2")
    assert verdict(case(COVER, cracked), folder, today).kind == "same"


def test_words_that_move_to_another_category_take_their_cases_along(folder: Path, today: Ruling) -> None:
    said = "公园门口的夜宵摊占了整条人行道"
    assert judged(case(None, said), today).category_code == STALL
    put(folder / "01/categories.csv", 4, "keywords", "小摊|摊贩|摆卖")
    put(folder / "01/categories.csv", 5, "keywords", "越线|货架+盲道|夜宵摊|公园门口+摊")
    found = verdict(case(None, said), folder, today)
    assert (found.kind, found.by_change, found.after.category_code) == ("category", True, "0102002")


def test_a_category_that_is_gone_leaves_its_cases_to_nobody_or_to_a_person(folder: Path, today: Ruling) -> None:
    without(folder, GARBAGE)
    assert verdict(case(None), folder, today).kind == "unfiled"
    by_hand = case(None, "事情就是这样", garbage())
    found = verdict(by_hand, folder, today)
    assert (found.kind, found.by_change) == ("waits", True)


def test_what_nobody_filed_may_be_filed_by_the_new_words(folder: Path, today: Ruling) -> None:
    put(folder / "01/categories.csv", 2, "keywords", "垃圾堆|垃圾没人清|烂菜叶|建筑垃圾袋")
    waited = case(None, "一袋袋建筑垃圾袋扔在路边，建筑垃圾袋没人管", Decided("waits"))
    found = verdict(waited, folder, today)
    assert (found.kind, found.by_change) == ("newly_filed", True)


def test_what_a_person_decided_otherwise_does_not_come_from_the_change(folder: Path, today: Ruling) -> None:
    """The dispatcher chose another unit; a change elsewhere in the catalogue is not to blame."""
    put(folder / "02/categories.csv", 2, "unit_kind", "water_affairs")
    found = verdict(case(decided=garbage(unit="PS-D01")), folder, today)
    assert (found.kind, found.by_change) == ("unit", False)


def test_a_category_chosen_by_hand_is_kept_and_feels_the_change(folder: Path, today: Ruling) -> None:
    put(folder / "01/categories.csv", 2, "unit_kind", "urban_management")
    found = verdict(case(None, "事情就是这样", garbage()), folder, today)
    assert (found.kind, found.by_change, found.after.unit_code) == ("unit", True, "PS-D01")


def test_the_report_counts_kinds_classes_and_flows(folder: Path, today: Ruling) -> None:
    put(folder / "01/categories.csv", 2, "unit_kind", "urban_management")
    cases = [case(decided=garbage(), no=f"PS{n}") for n in range(14)] + [case(COVER, "井盖不见了", no="PS99")]
    found = report(cases, folder, today)
    assert (found.replayed, found.elsewhere) == (15, 14)
    kinds = {one.kind: (one.count, one.share, one.by_change) for one in found.kinds}
    assert (kinds["unit"], kinds["same"]) == ((14, 0.9333, 14), (1, 0.0667, 0))
    assert sum(count for count, _, _ in kinds.values()) == found.replayed
    assert [(one.from_code, one.to_code, one.count, one.by_change) for one in found.unit_flows] == [
        ("PS-S01", "PS-D01", 14, 14)
    ]
    assert {one.code: (one.cases, one.changed) for one in found.classes} == {"01": (14, 14), "02": (1, 0)}


def test_the_report_names_cases_by_their_number_and_repeats_no_words(folder: Path, today: Ruling) -> None:
    """INVARIANT: a simulation may be passed on. Breaks when a text or a title gets into the report."""
    put(folder / "01/categories.csv", 2, "unit_kind", "urban_management")
    cases = [case(decided=garbage(), no=f"PS{n}") for n in range(14)]
    found = report(cases, folder, today)
    assert [one.case_no for one in found.examples] == [f"PS{n}" for n in range(10)]
    assert "烂菜叶" not in found.model_dump_json()


def test_a_period_is_days_in_shenzhen_and_not_empty() -> None:
    since, until = Period(date(2026, 10, 1), date(2026, 10, 2)).instants()
    assert (since.isoformat(), (until - since).days) == ("2026-09-30T16:00:00+00:00", 1)
    with pytest.raises(PeriodEmpty):
        Period(date(2026, 10, 1), date(2026, 10, 1))


def test_a_row_of_a_file_may_say_little(tmp_path: Path, today: Ruling) -> None:
    file = tmp_path / "cases.csv"
    file.write_text(
        "text,area,category_code,type,unit\n"
        f"{HEAP},{PINGSHAN},{GARBAGE},complaint,\n"
        f"{HEAP},{PINGSHAN},{GARBAGE},complaint,PS-D01\n"
        f"{HEAP},,,nonsense,\n"
        ",,,,\n",
        "utf-8-sig",
    )
    cases, skipped = past_cases.from_csv(file, today.rules.catalogue, NOW)
    assert [one.case_no for one in cases] == ["row 2", "row 3", "row 4"]
    assert [one.decided for one in cases] == [garbage(), garbage(unit="PS-D01"), None]
    assert (cases[2].said_type, skipped) == (None, 1)


@pytest.mark.parametrize("content", [b"", b"words\nx\n", b"text\n\n", b"text\n \n", b"text\n\xff\xfe\n"])
def test_a_file_without_cases_is_refused(tmp_path: Path, today: Ruling, content: bytes) -> None:
    file = tmp_path / "cases.csv"
    file.write_bytes(content)
    with pytest.raises(NoPastCases):
        past_cases.from_csv(file, today.rules.catalogue, NOW)


def test_the_command_replays_a_file_without_a_database(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROUTER_CATALOGUE_FOLDER", str(build(tmp_path / "today")))
    put(folder / "01/categories.csv", 2, "unit_kind", "urban_management")
    file = tmp_path / "cases.csv"
    file.write_text(f"text,area,said_category\n{HEAP},{PINGSHAN},{GARBAGE}\n", "utf-8")
    command = ["simulate", "--cases", str(file), "--catalogue", str(folder)]
    assert run(command) == 0
    told = capsys.readouterr().out
    assert "改派其他单位 unit: 1 (100.0%), by the change 1" in told
    assert "PS-S01 坪山街道办事处 → PS-D01 坪山区城市管理和综合执法局: 1" in told
    assert run([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["elsewhere"] == 1


def test_the_command_takes_a_workbook_and_names_its_faults(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROUTER_CATALOGUE_FOLDER", str(build(tmp_path / "today")))
    file, book = tmp_path / "cases.csv", tmp_path / "changed.xlsx"
    file.write_text(f"text,area,said_category\n{HEAP},{PINGSHAN},{GARBAGE}\n", "utf-8")
    command = ["simulate", "--cases", str(file), "--catalogue", str(book)]
    for unit_kind, code, words in (
        ("urban_management", 0, "elsewhere 改派: 1"),
        ("night_watch", 1, "没有这类承办单位"),
    ):
        put(folder / "01/categories.csv", 2, "unit_kind", unit_kind)
        rows = (folder / "01/categories.csv").read_bytes() + b"\n".join(
            (folder / "02/categories.csv").read_bytes().splitlines()[1:]
        )
        book.write_bytes(workbook.write({"categories.csv": rows}))
        assert run(command) == code
        assert words in capsys.readouterr().out


def test_the_command_wants_cases_and_says_what_it_misses(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    with pytest.raises(SystemExit):
        run(["simulate", "--catalogue", str(folder)])
    assert run(["simulate", "--version", "2027", "--from", "2026-10-01", "--to", "2026-11-01"]) == 1
    assert run(["simulate", "--version", "2027", "--from", "2026-10-01", "--to", "2026-10-01"]) == 1
    told = capsys.readouterr().out
    assert "ROUTER_DATABASE_URL" in told
    assert "时段的结束日期应晚于开始日期" in told


def test_the_shipped_catalogue_replayed_against_itself_changes_nothing() -> None:
    shipped = Ruling(Edition(load(), read_desk(DESK)))
    cases = [
        PastCase(f"PS{n}", one.examples[0], NOW, area_code=PINGSHAN)
        for n, one in enumerate(list(shipped.rules.catalogue.categories.values())[:200])
    ]
    assert all(one.kind == "same" for one in replay(cases, shipped, shipped))
    assert read_folder(DESK.parent / "catalog")
