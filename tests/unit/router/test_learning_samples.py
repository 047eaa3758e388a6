"""Labelled messages from files: CSV or JSON-lines, packed or not, and what is said of a file that cannot be read."""

import gzip
import json
from pathlib import Path

import pytest

from services.router.learning.samples import MissingColumn, Sample, UnreadableMessages, read_file, read_files

TWO = [Sample("路灯", "门口路灯不亮", "市政"), Sample("", "老板欠薪", "劳动")]


def read(file: Path, text: str = "text") -> list[Sample]:
    return list(read_file(file, text=text, label="label"))


def json_lines() -> str:
    rows = [{"title": one.title, "text": one.text, "label": one.label, "n": 1} for one in TWO]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.csv", "x.csv.gz", "bom.csv"])
def test_what_a_file_is_is_told_by_what_is_in_it(tmp_path: Path, name: str) -> None:
    text = json_lines() if "jsonl" in name else "label,title,text\n市政,路灯,门口路灯不亮\n劳动,,老板欠薪\n"
    body = text.encode("utf-8-sig" if name.startswith("bom") else "utf-8")
    (tmp_path / name).write_bytes(gzip.compress(body) if name.endswith("gz") else body)
    assert read(tmp_path / name) == TWO


def test_each_file_may_have_its_text_in_another_column(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("text,label\n路灯不亮,市政\n", encoding="utf-8")
    second.write_text("tokens,label\n老板 欠薪,劳动\n", encoding="utf-8")
    found = read_files([(first, "text"), (second, "tokens")], "label")
    assert [one.text for one in found] == ["路灯不亮", "老板 欠薪"]


def test_rows_without_words_or_label_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("text,label\n,市政\n路灯不亮,\n路灯不亮,市政\n", encoding="utf-8")
    assert len(read(file)) == 1


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("body,label\n路灯不亮,市政\n", encoding="utf-8")
    with pytest.raises(MissingColumn, match="'text'"):
        read(file)
    assert len(read(file, "body")) == 1


@pytest.mark.parametrize(
    "body",
    [b'{"text": "a", "label": "b"}\nnonsense\n', b'{"text": "a", "label": "b"}\n[1]\n', b"text,label\n\xff\xfe,a\n"],
)
def test_a_broken_file_is_told_without_quoting_it(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "x"
    file.write_bytes(body)
    with pytest.raises(UnreadableMessages) as told:
        read(file)
    assert "nonsense" not in str(told.value)


def test_a_cut_off_archive_is_told(tmp_path: Path) -> None:
    file = tmp_path / "x.csv.gz"
    file.write_bytes(gzip.compress(b"text,label\n" + b"a,b\n" * 5000)[:40])
    with pytest.raises(UnreadableMessages):
        read(file)
