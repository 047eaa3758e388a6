"""The messages of a demonstration: the shipped ones, or any CSV with a column of text."""

import csv
import itertools
from dataclasses import dataclass
from pathlib import Path

SHIPPED = Path(__file__).parent / "messages.csv"
TEXT_COLUMNS = ("text", "content", "message", "正文", "留言详情", "内容", "诉求内容", "留言内容", "反馈内容")
TITLE_COLUMNS = ("title", "subject", "标题", "主题", "留言主题")
DOORS = ("wechat", "phone", "mailbox")
LONGEST_TEXT, LONGEST_TITLE = 5_000, 100


class NoMessages(Exception):
    """The file has no usable message; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Message:
    door: str
    """wechat, phone or mailbox."""
    text: str
    title: str = ""
    type_code: str = ""
    """What it really is, where the file says so; only used to simulate the dispatcher."""
    category_code: str = ""
    area_code: str = ""
    with_photo: bool = False
    hours_ago: int = 0
    """Entered so much later than it was said, as after an outage of the telephone platform."""


def load(path: Path | None, count: int | None) -> list[Message]:
    """At most `count` messages, going round again when the file has fewer. Raises `NoMessages`."""
    path = path or SHIPPED
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise NoMessages(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise NoMessages(f"{path} is not a CSV file in UTF-8: {error}") from None
    if not rows:
        raise NoMessages(f"{path} has no rows")
    columns = [name for name in rows[0] if name]
    text = _column(columns, TEXT_COLUMNS)
    if text is None:
        raise NoMessages(f"{path} has no column of text; it needs one called {', '.join(TEXT_COLUMNS[:4])} or the like")
    title = _column(columns, TITLE_COLUMNS)
    messages = [_message(row, n, text, title) for n, row in enumerate(rows) if len((row[text] or "").strip()) > 1]
    if not messages:
        raise NoMessages(f"the column {text} of {path} is empty")
    return list(itertools.islice(itertools.cycle(messages), count or len(messages)))


def _column(columns: list[str], known: tuple[str, ...]) -> str | None:
    by_name = {name.strip().lower(): name for name in columns}
    return next((by_name[name] for name in known if name in by_name), None)


def _message(row: dict[str, str], number: int, text: str, title: str | None) -> Message:
    door = row.get("channel", "")
    return Message(
        door=door if door in DOORS else DOORS[number % len(DOORS)],
        text=row[text].replace("\x00", "").strip()[:LONGEST_TEXT],
        title=(row.get(title, "") or "").strip()[:LONGEST_TITLE] if title else "",
        type_code=row.get("type", "") or "",
        category_code=row.get("category_code", "") or "",
        area_code=row.get("area", "") or "",
        with_photo=row.get("with_photo", "1" if number % 4 == 0 else "0") == "1",
    )
