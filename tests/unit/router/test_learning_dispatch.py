"""Suggestions of units and the risk of overtime, learned from invented records."""

import csv
import gzip
import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from services.router import dispatch_commands
from services.router.learning import records as past
from services.router.learning.overtime import OvertimeRisk, ranked_right
from services.router.learning.pooling import pooled_weights, softmax
from services.router.learning.records import Records
from services.router.learning.suggestion import Suggester

MAPPING = past.read_mapping()
STREETS = {"s1": "东河街道", "s2": "西岭街道"}
COMMUNITIES = {"c1": ("s1", "柳荫社区"), "c2": ("s1", "石桥社区"), "c3": ("s2", "梅林社区"), "c4": ("s2", "枫树社区")}
CATEGORIES = {"k1": ("m1", "占道经营"), "k2": ("m1", "乱堆放"), "k3": ("m2", "路灯不亮"), "k4": ("m2", "楼道杂物")}
ENFORCEMENT = {"s1": ("u1", "东河街道执法队"), "s2": ("u2", "西岭街道执法队")}
OFFICES = {"c1": ("u11", "柳荫社区"), "c2": ("u12", "石桥社区"), "c3": ("u13", "梅林社区"), "c4": ("u14", "枫树社区")}
START = datetime(2030, 3, 1, 9, tzinfo=UTC)


def decided(category: str, community: str) -> tuple[str, str]:
    street = COMMUNITIES[community][0]
    if category == "k4":
        return OFFICES[community]
    return ("u3", "路灯管理所") if category == "k3" else ENFORCEMENT[street]


def line(number: int, category: str, community: str, unit: tuple[str, str], *, late: bool) -> dict[str, str]:
    street = COMMUNITIES[community][0]
    middle, name = CATEGORIES[category]
    values = {
        "at": f"{START + timedelta(hours=5 * number):%Y-%m-%d %H:%M:%S}",
        "class": "1",
        "subclass": middle,
        "category": category,
        "street": street,
        "community": community,
        "channel": "热线" if number % 3 else "网页",
        "nature": "投诉",
        "unit": unit[0],
        "overtime": "1" if late else "0",
    }
    names = {**values, "class": "城管", "category": name, "street": STREETS[street], "unit": unit[1]}
    names |= {"community": COMMUNITIES[community][1]}
    row = {column: values[what] for what, column in MAPPING.columns.items()}
    return row | {column: names[what] for what, column in MAPPING.names.items()}


def lines(count: int, seed: int = 1) -> list[dict[str, str]]:
    chance, found = random.Random(seed), []
    for number in range(count):
        category, community = chance.choice(list(CATEGORIES)), chance.choice(list(COMMUNITIES))
        late = chance.random() < (0.6 if category == "k3" else 0.05)
        found.append(line(number, category, community, decided(category, community), late=late))
    return found


def write(file: Path, rows: list[dict[str, str]]) -> Path:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "wt", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def read(folder: Path, rows: list[dict[str, str]]) -> Records:
    return past.read_records(write(folder / "records.csv", rows), MAPPING)


def types(category: str) -> dict[str, str]:
    return {"class": "1", "subclass": CATEGORIES[category][0], "category": category}


def codes(category: str, street: str, community: str, channel: str, unit: str = "") -> dict[str, str]:
    where = {"street": street, "community": community, "channel": channel, "unit": unit}
    return types(category) | where


NOW = datetime(2030, 5, 1, 2, tzinfo=UTC)


def test_the_unit_that_always_had_such_requests_comes_first_with_its_counts(tmp_path: Path) -> None:
    suggester = Suggester.learn(read(tmp_path, lines(240)))
    best, second, _ = suggester.suggest(codes("k1", "s2", "c3", "热线"), NOW)
    assert (best.unit, best.name) == ("u2", "西岭街道执法队")
    assert best.count == best.of > 3
    assert str(best.count) in best.context
    assert "西岭街道执法队" in best.context
    assert best.reasons
    assert best.share > 0.8 > second.share


def test_shares_of_all_units_make_one(tmp_path: Path) -> None:
    suggester = Suggester.learn(read(tmp_path, lines(120)))
    found = suggester.suggest(codes("k4", "s1", "c1", "热线"), NOW, count=99)
    assert sum(one.share for one in found) == pytest.approx(1, abs=0.001)


def test_a_community_that_never_had_the_category_gets_its_own_office_by_the_kind_of_unit(tmp_path: Path) -> None:
    rows = [row for row in lines(300) if (row["SUB_TYPE_ID"], row["COMMUNITY_ID"]) != ("k4", "c4")]
    rows += [line(number, "k2", "c4", OFFICES["c4"], late=False) for number in range(300, 304)]
    suggester = Suggester.learn(read(tmp_path, rows))
    assert suggester.suggest(codes("k4", "s2", "c4", "热线"), NOW)[0].unit == "u14"


def test_an_unknown_category_and_place_still_get_an_answer(tmp_path: Path) -> None:
    suggester = Suggester.learn(read(tmp_path, lines(60)))
    found = suggester.suggest({"subclass": "x", "category": "y", "community": "?", "channel": "?"}, NOW)
    assert len(found) == 3
    assert all(one.of == 60 for one in found)


def test_a_renamed_unit_is_suggested_by_its_name_of_that_time(tmp_path: Path) -> None:
    rows = lines(200)
    for row in rows[100:]:
        row["DISPOSE_UNIT_NAME"] = row["DISPOSE_UNIT_NAME"].replace("路灯管理所", "照明中心")
    suggester = Suggester.learn(read(tmp_path, rows))
    names = [suggester.suggest(codes("k3", "s1", "c1", "热线"), at)[0].name for at in (START, NOW)]
    assert names == ["路灯管理所", "照明中心"]


def test_recent_records_count_more_than_old_ones_when_a_category_changes_hands(tmp_path: Path) -> None:
    rows = [line(n, "k3", "c1", ("u3", "路灯管理所") if n < 120 else ("u4", "市政所"), late=False) for n in range(170)]
    rows += lines(80)
    suggester = Suggester.learn(read(tmp_path, rows))
    change = START + timedelta(hours=5 * 168)
    assert suggester.suggest(codes("k3", "s1", "c1", "热线"), change)[0].unit == "u4"


def test_only_usable_records_are_looked_at(tmp_path: Path) -> None:
    records = read(tmp_path, lines(120))
    suggester = Suggester.learn(records)
    asked = past.question({**types("k3"), "street": "s1"}, NOW, MAPPING)
    first = suggester.answer(asked, np.arange(120) < 30)[0]
    assert first.of <= 30


def test_a_model_read_back_answers_the_same(tmp_path: Path) -> None:
    records = read(tmp_path, lines(150))
    suggester, risk = Suggester.learn(records), OvertimeRisk.learn(records)
    back = Suggester.from_document(json.loads(json.dumps(suggester.as_document())))
    risk_back = OvertimeRisk.from_document(json.loads(json.dumps(risk.as_document())))
    asked = (codes("k4", "s1", "c2", "网页"), NOW)
    assert [(one.unit, one.context) for one in back.suggest(*asked)] == [
        (one.unit, one.context) for one in suggester.suggest(*asked)
    ]
    assert risk_back.risk(*asked).score == pytest.approx(risk.risk(*asked).score, abs=0.001)


def test_a_model_of_other_views_is_refused(tmp_path: Path) -> None:
    document = Suggester.learn(read(tmp_path, lines(30))).as_document()
    with pytest.raises(past.NothingToLearnFrom, match="learn again"):
        Suggester.from_document({**document, "views": []})


def test_faulty_rows_are_kept_and_counted_by_what_is_wrong(tmp_path: Path) -> None:
    rows = lines(100)
    rows[0] |= {"DISPOSE_UNIT_ID": "-", "DISPOSE_UNIT_NAME": "-"}
    rows[1]["CREATE_TIME"] = "昨天"
    rows[2]["SUB_TYPE_ID"] = "k1" if rows[2]["SUB_TYPE_ID"] != "k1" else "k2"
    rows[3] |= {"STREET_ID": "", "COMMUNITY_ID": "-", "OVERTIME_ARCHIVE_NUM": "-"}
    records = read(tmp_path, rows)
    assert len(records.rows) == 100
    assert records.faults == {
        "no_at": 1,
        "no_community": 1,
        "no_overtime": 1,
        "no_street": 1,
        "no_unit": 1,
        "rows": 4,
        "shifted": 1,
    }
    assert Suggester.learn(records).suggest(codes("k3", "s1", "c1", "热线"), NOW)[0].unit == "u3"


def test_short_and_long_lines_do_not_stop_the_reading(tmp_path: Path) -> None:
    file = write(tmp_path / "records.csv", lines(20))
    with file.open("a", encoding="utf-8") as target:
        target.write("2030-03-01 09:00:00,1\n" + ",".join("x" * 40) + "\n")
    assert len(past.read_records(file, MAPPING).rows) == 22


def test_a_file_without_the_mapped_columns_is_refused_by_their_names(tmp_path: Path) -> None:
    file = tmp_path / "records.csv"
    file.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(past.UnreadableRecords, match="DISPOSE_UNIT_ID"):
        past.read_records(file, MAPPING)


def test_a_mapping_without_the_unit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(past.SHIPPED.read_text("utf-8").replace("  unit: DISPOSE_UNIT_ID\n", ""), "utf-8")
    with pytest.raises(past.UnreadableRecords, match="unit"):
        past.read_mapping(file)


def test_the_risk_is_higher_where_records_were_late_and_says_so(tmp_path: Path) -> None:
    risk = OvertimeRisk.learn(read(tmp_path, lines(400)))
    high = risk.risk(codes("k3", "s1", "c1", "热线"), NOW)
    low = risk.risk(codes("k1", "s1", "c1", "热线"), NOW)
    assert high.score > high.usual > low.score
    assert high.factors[0].effect > 0
    assert high.factors[0].count / high.factors[0].of > high.usual
    assert "超期" in high.factors[0].words


def test_the_risk_at_dispatch_knows_the_unit(tmp_path: Path) -> None:
    rows = lines(400)
    for row in rows:
        row["OVERTIME_ARCHIVE_NUM"] = "1" if row["DISPOSE_UNIT_ID"] == "u2" else "0"
    risk = OvertimeRisk.learn(read(tmp_path, rows))
    scores = {unit: risk.risk(codes("k1", "s2", "c3", "热线", unit), NOW).score for unit in ("u1", "u2")}
    assert scores["u2"] > scores["u1"]


def test_records_that_are_all_in_time_teach_nothing_of_lateness(tmp_path: Path) -> None:
    rows = [row | {"OVERTIME_ARCHIVE_NUM": "0"} for row in lines(20)]
    with pytest.raises(past.NothingToLearnFrom):
        OvertimeRisk.learn(read(tmp_path, rows))


def test_ranked_right_is_the_area_under_the_curve() -> None:
    assert ranked_right([0.9, 0.8, 0.1], [True, True, False]) == 1
    assert ranked_right([0.5, 0.5], [True, False]) == 0.5
    assert ranked_right([0.1, 0.2], [True, True]) is None


def test_pooling_trusts_the_view_that_was_right_and_holds_weights_at_the_least() -> None:
    chance = np.random.default_rng(3)
    chosen = chance.integers(0, 3, 400)
    good = np.log(np.where(np.arange(3) == chosen[:, None], 0.8, 0.1))
    opinions = np.stack([good, chance.normal(size=(400, 3)), -good / 2], axis=2)
    weights = pooled_weights(opinions, chosen, least=0.0)
    assert weights[0] > 0.5
    assert abs(weights[1]) < 0.3
    assert weights[2] == 0
    assert softmax(opinions @ weights).argmax(axis=1).tolist() == chosen.tolist()


def test_evaluate_prints_one_json_object_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train, test = write(tmp_path / "train.csv.gz", lines(200)), write(tmp_path / "test.csv", lines(60, seed=2))
    assert dispatch_commands.run(["evaluate", "--train", str(train), "--test", str(test)]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(found)[:4] == ["rows", "top1", "top3", "overtime_auc"]
    assert found["rows"] == 60
    assert found["top3"] >= found["top1"] > 0.9
    assert found["overtime_auc"] > 0.6


def test_folds_are_told_with_their_spread_and_the_last_fifth_in_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = write(tmp_path / "train.csv", lines(100))
    assert dispatch_commands.run(["evaluate", "--train", str(train), "--folds", "3"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["rows"] == 100
    assert found["spread"]["top1"] >= 0
    assert found["time_ordered"]["rows"] == 20
    assert "top1" in found["time_ordered"]["learned_daily"]


def test_a_row_without_a_unit_counts_as_a_miss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = write(tmp_path / "train.csv", lines(150))
    rows = [line(n, "k3", "c1", ("u3", "路灯管理所"), late=False) for n in range(10)]
    rows[0]["DISPOSE_UNIT_ID"] = "-"
    test = write(tmp_path / "test.csv", rows)
    dispatch_commands.run(["evaluate", "--train", str(train), "--test", str(test)])
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["top1"] == 0.9


def test_a_learned_model_answers_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records, model = write(tmp_path / "records.csv", lines(150)), str(tmp_path / "model")
    assert dispatch_commands.run(["learn", "--records", str(records), "--model", model]) == 0
    capsys.readouterr()
    asked = ["--class", "1", "--subclass", "m2", "--category", "k3", "--street", "s1", "--at", "2030-04-01T10:00:00"]
    assert dispatch_commands.run(["suggest", "--model", model, *asked]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["units"][0]["unit"] == "u3"
    assert 0 < found["overtime"]["score"] < 1


def test_an_unreadable_file_is_told_and_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "none.csv")
    assert dispatch_commands.run(["evaluate", "--train", missing, "--folds", "2"]) == 1
    assert "历史工单文件" in capsys.readouterr().out


def test_answering_needs_no_library_that_learns() -> None:
    script = (
        "import sys, services.router.learning.suggestion, services.router.learning.overtime;"
        "sys.exit(any(name.startswith(('sklearn', 'scipy')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
