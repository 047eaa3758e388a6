"""Owns labelled messages: what one is, and reading them from CSV or JSON-lines files."""

import argparse
import csv
import gzip
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from shared.errors import DomainError

MAX_FIELD = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """A message somebody has decided on."""

    title: str
    text: str
    label: str
    is_message: bool = True
    """False for a definition or a keyword: it is learned from, but says nothing about how sure a model is of messages."""


class UnreadableMessages(DomainError):
    """A file of labelled messages cannot be read."""

    zh = "标注文件无法读取"


class MissingColumn(UnreadableMessages):
    """A file of labelled messages lacks a column."""

    zh = "标注文件缺少列"


class NothingToLearn(DomainError):
    """There are too few messages, or all have one label."""

    zh = "标注数据不足，或者只有一个类别"


def read_files(files: Iterable[tuple[Path, str]], label: str) -> list[Sample]:
    """Each file with the name of its text column; lines without a label or without any words are passed over."""
    return [sample for file, text in files for sample in read_file(file, text=text, label=label)]


def from_arguments(arguments: argparse.Namespace) -> list[Sample]:
    """Of `--messages`, `--text` (none, one, or one for each file) and `--label`."""
    columns = arguments.text or ["text"]
    if len(columns) == 1:
        columns *= len(arguments.messages)
    return read_files(zip(arguments.messages, columns, strict=True), arguments.label)


def read_file(file: Path, *, text: str, label: str) -> Iterator[Sample]:
    """CSV or JSON-lines by the first character, packed with gzip or not; `title` is read where there is one."""
    try:
        with _opened(file) as source:
            begins = source.read(1)
            source.seek(0)
            rows = _json_lines(source, file) if begins == "{" else csv.DictReader(source, strict=True)
            for number, row in enumerate(rows, 1):
                for column in (text, label):
                    if column not in row:
                        raise MissingColumn(f"{file.name}, entry {number}: no column {column!r}")
                sample = Sample(_words(row.get("title")), _words(row[text]), _words(row[label]))
                if sample.label and (sample.text or sample.title):
                    yield sample
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableMessages(f"{file.name}: {error.__class__.__name__}") from error


@contextmanager
def _opened(file: Path) -> Iterator[IO[str]]:
    with file.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
    csv.field_size_limit(min(sys.maxsize, MAX_FIELD))
    opener = gzip.open if packed else open
    with opener(file, "rt", encoding="utf-8-sig", newline="") as source:
        yield source


def _json_lines(source: IO[str], file: Path) -> Iterator[dict[str, object]]:
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UnreadableMessages(f"{file.name}, line {number}: not JSON") from error
        if not isinstance(row, dict):
            raise UnreadableMessages(f"{file.name}, line {number}: not an object")
        yield row


def _words(value: object) -> str:
    return "" if value is None else str(value).strip()
