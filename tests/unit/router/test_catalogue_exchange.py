"""In and out: workbooks, archives and tables, what is refused, and what a reader is shown of a change."""

import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from services.router.catalogue import archive, exchange, workbook
from services.router.catalogue.diff import changes
from services.router.catalogue.editions import Edition
from services.router.catalogue.files import DamagedDocument, checksum, pack, read_folder, unpack
from services.router.catalogue.reading import SHIPPED, load_all, read_all
from services.router.catalogue.whole import Catalogue
from tests.unit.router.sample import build, places

TODAY = date(2026, 9, 14)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    return read_folder(build(tmp_path / "catalog"))


@pytest.fixture
def current(files: dict[str, bytes]) -> Catalogue:
    return read_all(files)["2019"]


def version(current: Catalogue) -> Edition:
    return exchange.as_version(current.edition, "2027", "二〇二七版", date(2027, 1, 1))


def as_workbook(files: dict[str, bytes], current: Catalogue, edit: Callable[[Any], None] = lambda _: None) -> bytes:
    """An export, opened in a spreadsheet, changed and saved again."""
    tables = exchange.cut(files, current)
    book = openpyxl.load_workbook(io.BytesIO(workbook.write({n: tables[n] for n in workbook.as_tables(tables)})))
    edit(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def propose(files: dict[str, bytes], current: Catalogue, name: str, content: bytes) -> exchange.Upload:
    return exchange.proposed(files, current, exchange.received(name, content), version(current), TODAY)


def test_an_edition_goes_out_as_a_workbook_and_comes_back_the_same(files: dict[str, bytes], current: Catalogue) -> None:
    upload = propose(files, current, "目录.xlsx", as_workbook(files, current))
    assert upload.catalogue is not None
    assert changes(current, upload.catalogue) == ()
    assert upload.catalogue.edition.id == "2027"


def test_an_edition_goes_out_as_an_archive_and_comes_back_the_same(files: dict[str, bytes], current: Catalogue) -> None:
    upload = propose(files, current, "x.zip", archive.write(exchange.cut(files, current)))
    assert upload.catalogue is not None
    assert changes(current, upload.catalogue) == ()


def test_an_older_edition_goes_out_without_what_came_later(files: dict[str, bytes]) -> None:
    older = read_all(files)["2017"]
    again = read_all(exchange.cut(files, older))
    assert list(again) == ["2017"]
    assert again["2017"].categories == older.categories


def test_a_workbook_has_chinese_headings_and_codes_that_keep_their_zeros(
    files: dict[str, bytes], current: Catalogue
) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(as_workbook(files, current)))["小类"]
    assert [cell.value for cell in sheet[1]][:4] == ["编码", "名称", "启用年份", "停用年份"]
    assert sheet["A2"].value == "0101001"


def test_what_looks_like_a_formula_goes_out_as_text(files: dict[str, bytes], current: Catalogue) -> None:
    content = workbook.write({"classes.csv": b"code,name,covers\n01,=1+1,@SUM(A1)\n"})
    sheet = openpyxl.load_workbook(io.BytesIO(content))["大类"]
    assert [(cell.value, cell.data_type) for cell in sheet[2]][1] == ("=1+1", "s")


def test_every_wrong_cell_of_a_workbook_is_named_by_sheet_row_and_column(
    files: dict[str, bytes], current: Catalogue
) -> None:
    def spoil(book: Any) -> None:
        book["小类"]["N3"] = "Z"
        book["立结案标准"]["G6"] = 99
        book["立结案标准"]["A2"] = 101001
        book["承办单位"]["D4"] = "PS-X99"

    upload = propose(files, current, "x.xlsx", as_workbook(files, current, spoil))
    assert upload.catalogue is None
    assert {
        ("categories.csv", 3, "grade"),
        ("standards.csv", 6, "limit_amount"),
        ("standards.csv", 2, "category"),
        ("units.csv", 4, "parent"),
    } <= places(upload.problems)
    assert workbook.sheet_title("standards.csv") == "立结案标准"


def test_an_empty_row_is_passed_over_and_counted(files: dict[str, bytes], current: Catalogue) -> None:
    def spoil(book: Any) -> None:
        book["小类"].insert_rows(3)
        book["小类"]["N5"] = "Z"

    upload = propose(files, current, "x.xlsx", as_workbook(files, current, spoil))
    assert ("categories.csv", 5, "grade") in places(upload.problems)


def test_a_row_that_comes_after_its_version_is_not_left_out_in_silence(
    files: dict[str, bytes], current: Catalogue
) -> None:
    def spoil(book: Any) -> None:
        book["小类"]["C3"] = "2031"

    upload = propose(files, current, "x.xlsx", as_workbook(files, current, spoil))
    assert upload.catalogue is None
    assert ("categories.csv", 3, "since") in places(upload.problems)


def test_one_table_alone_changes_that_table(files: dict[str, bytes], current: Catalogue) -> None:
    table = exchange.cut(files, current)["standards.csv"].decode().replace("松动作响,", "晃动发声,")
    upload = propose(files, current, "standards.csv", table.encode())
    assert upload.catalogue is not None
    assert [str(one) for one in changes(current, upload.catalogue)] == [
        "更名 renamed 0201001/1 晃动发声 [name] 松动作响 → 晃动发声"
    ]


def test_the_difference_tells_added_removed_renamed_moved_and_changed(
    files: dict[str, bytes], current: Catalogue
) -> None:
    def edit(book: Any) -> None:
        rows, standards = book["小类"], book["立结案标准"]
        rows["B2"] = "道路垃圾堆积"  # renamed
        rows["A3"], standards["A3"] = "0102009", "0102009"  # moved
        rows["N5"] = "B"  # changed
        rows.delete_rows(7)  # removed
        standards.delete_rows(9)
        new = [cell.value for cell in rows[6]]
        new[0:3] = ["0201009", "护栏歪斜", "2027"]
        new[4:9] = [
            "道路护栏、隔离柱倒伏歪斜",
            "不含路面（归路面坑洼）",
            "护栏被车撞歪了",
            "隔离柱倒在路上",
            "护栏|隔离柱|防撞桶",
        ]
        new[13] = "C"
        rows.append(new)
        standards.append(["0201009", 1, "一般情形", "", "护栏倾斜或倒伏在路面", "扶正固定或者更换", 3, "work_day", 1])

    upload = propose(files, current, "x.xlsx", as_workbook(files, current, edit))
    assert [str(one) for one in upload.problems if one.level == "fault"] == []
    assert upload.catalogue is not None
    found = {(one.kind, one.level, one.code, one.field) for one in changes(current, upload.catalogue)}
    assert found == {
        ("renamed", "category", "0101001", "name"),
        ("moved", "category", "0102009", "code"),
        ("changed", "category", "0102002", "grade"),
        ("removed", "category", "0201002", ""),
        ("added", "category", "0201009", ""),
    }


@pytest.mark.parametrize(
    ("name", "content", "refused"),
    [
        ("catalogue.pdf", b"%PDF", exchange.FormatUnknown),
        ("notes.csv", b"a,b\n", exchange.FormatUnknown),
        ("x.xlsx", b"not a workbook", workbook.NotAWorkbook),
        ("x.zip", b"not an archive", archive.NotAnArchive),
    ],
)
def test_what_is_no_catalogue_is_refused(name: str, content: bytes, refused: type[Exception]) -> None:
    with pytest.raises(refused):
        exchange.received(name, content)


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def test_an_archive_with_anything_else_in_it_is_refused_by_name() -> None:
    members = zipped(**{"classes.csv": b"code,name,covers\n", "..__..__etc__passwd": b"x"})
    with pytest.raises(archive.NotAnArchive) as refused:
        archive.read(members)
    assert "passwd" in refused.value.fields[0].detail


def test_the_folder_an_archive_was_packed_in_does_not_matter() -> None:
    found = archive.read(zipped(**{"catalog__classes.csv": b"x", "catalog__01__categories.csv": b"y"}))
    assert set(found) == {"classes.csv", "01/categories.csv"}


def test_an_archive_that_unpacks_to_far_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    with pytest.raises(archive.TooMuchInside):
        archive.read(zipped(**{"classes.csv": b"0" * 1001}))


def test_a_workbook_that_defines_entities_is_refused() -> None:
    with pytest.raises(workbook.NotAWorkbook):
        workbook.read(zipped(**{"xl__workbook.xml": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x/>'}))


def test_an_archive_that_is_damaged_inside_is_refused() -> None:
    whole = bytearray(zipped(**{"classes.csv": b"code,name,covers\n" * 50}))
    whole[45:60] = bytes(15)
    with pytest.raises(archive.NotAnArchive):
        archive.read(bytes(whole))


def test_a_workbook_without_a_sheet_of_ours_says_which_it_wants() -> None:
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    with pytest.raises(workbook.NotAWorkbook) as refused:
        workbook.read(out.getvalue())
    assert "小类" in refused.value.fields[0].zh


def test_a_document_unpacks_to_what_was_packed_and_a_damaged_one_is_refused(files: dict[str, bytes]) -> None:
    document, digest = pack(files), checksum(files)
    assert unpack(document, digest) == files
    for damaged in (document[:-9], b"", pack({**files, "classes.csv": b"x"})):
        with pytest.raises(DamagedDocument):
            unpack(damaged, digest)


def test_the_shipped_catalogue_comes_back_from_a_workbook_as_it_went_out() -> None:
    shipped = load_all()["2019"]
    whole = read_folder(SHIPPED)
    tables = exchange.cut(whole, shipped)
    again = workbook.read(workbook.write({name: tables[name] for name in workbook.as_tables(tables)}))
    assert {name: content.decode() for name, content in again.items()} == {
        name: tables[name].decode() for name in again
    }
