"""How a due time is explained to people, in Chinese and in Shenzhen's time."""

from datetime import datetime, time

from services.sla.daytables import DueTime
from services.sla.hours import SHENZHEN
from services.sla.workdays import Calendar, Limit

_COUNTED = {
    ("urgent_hour", "now"): "自{start}起连续计{amount}小时，不分昼夜和节假日",
    ("work_hour", "now"): "自{start}起计{amount}个工作小时，只计工作时段",
    ("work_day", "now"): "自{start}起计{amount}个工作日，每日按{hours}小时工作时间折算",
    ("work_day", "next_day"): "自{day}的次日起计{amount}个工作日，至末日下班时为止",
    ("work_hour", "next_day"): "自{day}的次日起计{amount}个工作小时，只计工作时段",
    ("calendar_day", "now"): "自{start}起计{amount}个自然日，每日按24小时计",
    ("calendar_day", "next_day"): "自{day}的次日起计{amount}个自然日，至末日二十四时为止",
}


def explain(calendar: Calendar, start: datetime, limit: Limit, due: DueTime) -> str:
    """Why a limit that begins at `start` is due when it is."""
    local = start.astimezone(SHENZHEN)
    assert limit.count_from is not None
    text = _COUNTED[limit.unit, limit.count_from].format(
        start=_minute(local), day=_day(local), amount=limit.amount, hours=f"{calendar.day_seconds / 3600:g}"
    )
    text += f"，{due_text(calendar, due.at)}前办结。"
    if due.unknown_year is not None:
        text += f"{due.unknown_year}年的放假安排尚未载入，暂按周一至周五为工作日推算，公布后可能变动。"
    return text


def due_text(calendar: Calendar, due_at: datetime) -> str:
    """`2026年10月8日18:00`; midnight is the 24:00 of the day that ends, as people say it."""
    local = due_at.astimezone(SHENZHEN)
    if local.time() == time():
        day = calendar.due_day(due_at)
        return f"{day.year}年{day.month}月{day.day}日24:00"
    return _minute(local)


def _day(local: datetime) -> str:
    return f"{local.year}年{local.month}月{local.day}日"


def _minute(local: datetime) -> str:
    return f"{_day(local)}{local:%H:%M}"


def timers(waiting: tuple[int, datetime | None], now: datetime) -> dict[str, str]:
    """For `/readyz`: how many are due and not said yet, and how long the oldest has been."""
    number, oldest = waiting
    if oldest is None:
        return {"timers": "on time"}
    return {"timers": f"{number} due, the oldest for {(now - oldest).total_seconds():.1f} s"}
