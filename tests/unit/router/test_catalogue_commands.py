"""The command line of the catalogue: counts, faults, export, import as a dry run, codes of outside tables."""

import json
from pathlib import Path

import pytest

from services.router.catalogue_commands import run
from tests.unit.router.sample import build, put


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build(tmp_path / "catalog")


def test_stats_are_one_json_object(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--catalogue", str(folder), "stats"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {key: found[key] for key in ("l1", "l2", "l3", "standards", "l3_with_several_standards")} == {
        "l1": 2,
        "l2": 3,
        "l3": 6,
        "standards": 8,
        "l3_with_several_standards": 1,
    }
    assert (found["tags"], found["duplicates"], found["orphans"]) == (4, 0, 0)
    assert [(one["id"], one["l3"]) for one in found["versions"]] == [("2017", 4), ("2019", 6)]


def test_check_ends_with_one_only_for_faults(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--catalogue", str(folder), "check"]) == 0
    assert "0 faults, 1 warnings" in capsys.readouterr().out
    put(folder / "02/categories.csv", 3, "grade", "D")
    assert run(["--catalogue", str(folder), "check", "--quiet"]) == 1
    told = capsys.readouterr().out
    assert "02/categories.csv 小类 · row 3 · grade 紧急等级 · must be one of A, B, C · 应为下列之一：A、B、C" in told
    assert "1 faults, 0 warnings" in told


@pytest.mark.parametrize("out", ["x.xlsx", "x.zip", "folder"])
def test_an_export_can_be_looked_at_again(
    folder: Path, tmp_path: Path, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = str(tmp_path / out)
    assert run(["--catalogue", str(folder), "export", "--edition", "2017", "--out", where]) == 0
    assert run(["--catalogue", str(folder), "import", where, "--edition", "2017", "--dry-run"]) == 0
    assert "0 changes against edition 2017" in capsys.readouterr().out


def test_an_import_shows_what_would_change_and_writes_only_where_it_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "classes.csv"
    table.write_text((folder / "classes.csv").read_text("utf-8").replace("市政设施", "公共设施"), "utf-8")
    base = ["--catalogue", str(folder), "import", str(table)]
    assert run([*base, "--dry-run"]) == 0
    assert "更名 renamed 02 公共设施 [name] 市政设施 → 公共设施" in capsys.readouterr().out
    out = tmp_path / "new"
    assert run([*base, "--as", "2019-b", "--out", str(out)]) == 0
    assert run(["--catalogue", str(out), "stats"]) == 0
    assert run([*base, "--out", str(out)]) == 1


def test_a_faulty_import_names_the_cell_and_writes_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "standards.csv"
    table.write_text((folder / "02/standards.csv").read_text("utf-8").replace("work_day", "fortnight"), "utf-8")
    out = tmp_path / "new"
    assert run(["--catalogue", str(folder), "import", str(table), "--out", str(out)]) == 1
    assert "standards.csv 立结案标准 · row 2 · limit_unit 时限单位" in capsys.readouterr().out
    assert not out.exists()


def test_an_unknown_edition_or_file_is_told_without_a_trace(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--catalogue", str(folder), "export", "--edition", "1999", "--out", str(tmp_path / "x.zip")]) == 1
    assert "there is no edition 1999, only 2017, 2019" in capsys.readouterr().out
    assert run(["--catalogue", str(folder), "import", str(tmp_path / "none.xlsx"), "--dry-run"]) == 1
    assert "No such file" in capsys.readouterr().out


def test_codes_of_an_outside_table_are_added_once(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = tmp_path / "codes.csv"
    codes.write_text("category,code,name\n0201001,0101,井盖类\n0201002,0205,路面类\n", "utf-8")
    add = ["--catalogue", str(folder), "import-codes", str(codes), "--table", "GB/T 39666-2020"]
    assert run([*add, "--dry-run"]) == 0
    assert not (folder / "codemaps.csv").exists()
    assert run(add) == run(add) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 codes added"
    assert len((folder / "codemaps.csv").read_text("utf-8").splitlines()) == 3


def test_a_code_for_a_category_that_does_not_exist_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = tmp_path / "codes.csv"
    codes.write_text("category,table,code,name\n0299999,Open311,0299999,没有\n", "utf-8")
    assert run(["--catalogue", str(folder), "import-codes", str(codes)]) == 1
    assert "没有小类0299999" in capsys.readouterr().out
    codes.write_text("a,b\n1,2\n", "utf-8")
    assert run(["--catalogue", str(folder), "import-codes", str(codes)]) == 1
    assert not (folder / "codemaps.csv").exists()
