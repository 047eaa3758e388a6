"""The figures of a demonstration: on the screen, and as JSON under `build/`."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from deploy.demo.story import Outcome

SHENZHEN = ZoneInfo("Asia/Shanghai")
DOOR_NAMES = {"wechat": "@坪山（微信）", "phone": "12345 热线", "mailbox": "领导信箱"}


def percentile(values: list[float], share: float) -> float | None:
    """Nearest rank, in milliseconds."""
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)


def figures(outcomes: list[Outcome], clocks: dict[str, dict[str, Any]], *, seconds: float) -> dict[str, Any]:
    """`clocks`: the total clock per case number, as the stopwatch has it."""
    submitted = [o for o in outcomes if o.receipt is not None]
    first = [o.watcher.seen["first"] - o.submitted_at for o in submitted if o.watcher and "first" in o.watcher.seen]
    told = [
        max(0.0, o.watcher.seen[status] - at)
        for o in submitted
        if o.watcher
        for at, status in o.acted
        if status in o.watcher.seen
    ]
    stopped = [clock for clock in clocks.values() if clock["state"] == "stopped"]
    return {
        "requests": len(outcomes),
        "submitted": len(submitted),
        "problems": [o.problem for o in outcomes if o.problem],
        "seconds": round(seconds, 1),
        "by_channel": dict(Counter(o.message.door for o in submitted)),
        "by_category": dict(Counter(o.category or "未立案" for o in submitted).most_common()),
        "by_hand": sum(o.queued for o in submitted),
        "closed": sum(o.closed for o in submitted),
        "closed_share": round(sum(o.closed for o in submitted) / max(1, len(submitted)), 3),
        "on_time_rate": round(sum(bool(c["on_time"]) for c in stopped) / len(stopped), 3) if stopped else None,
        "overdue": sum(bool(o.view and o.view["overdue"]) or (o.late and not o.problem) for o in submitted),
        "returned": sum(o.returned for o in submitted),
        "reworked": sum(o.reworked for o in submitted),
        "average_stars": round(sum(o.stars for o in submitted) / max(1, sum(o.stars > 0 for o in submitted)), 2),
        "submit_to_first_progress_ms": {"p50": percentile(first, 0.5), "p99": percentile(first, 0.99)},
        "action_to_citizen_ms": {"p50": percentile(told, 0.5), "p99": percentile(told, 0.99), "actions": len(told)},
    }


def write(result: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def show_timeline(outcome: Outcome, console: Console) -> None:
    """One case as its citizen saw it."""
    view = outcome.view
    if view is None:
        return
    table = Table(
        title=f"{view['case_no']}  {view['category_name']}", title_justify="left", show_header=False, box=None
    )
    for node in view["nodes"]:
        mark = {"done": "[green]●[/]", "current": "[yellow]◐[/]", "skipped": "[dim]–[/]"}.get(
            node["state"], "[dim]○[/]"
        )
        at = f"{datetime.fromisoformat(node['at']).astimezone(SHENZHEN):%m-%d %H:%M}" if node["at"] else ""
        table.add_row(mark, node["label"], node["text"], f"[dim]{at}[/]")
    console.print()
    console.print(f"[dim]诉求：[/]{outcome.message.text[:80]}")
    console.print(table)
    for reply in view["replies"]:
        console.print(
            f"[bold]第 {reply['round']} 次答复[/] {reply['unit']}：{reply['text']}  [dim]{len(reply['photos'])} 张照片[/]"
        )


def show(result: dict[str, Any], console: Console) -> None:
    table = Table(title="\n一天的数字", title_justify="left", show_header=False, box=None)
    doors = "  ".join(f"{DOOR_NAMES[door]} {n}" for door, n in result["by_channel"].items())
    top = "  ".join(f"{name} {n}" for name, n in list(result["by_category"].items())[:6])
    first, told = result["submit_to_first_progress_ms"], result["action_to_citizen_ms"]
    on_time = result["on_time_rate"]
    rows = [
        ("受理", f"{result['submitted']} 件，用时 {result['seconds']} 秒"),
        ("渠道", doors),
        ("类别（前六）", top),
        ("人工分类", str(result["by_hand"])),
        ("办结", f"{result['closed']} 件（{result['closed_share']:.0%}）"),
        ("按期率", "–" if on_time is None else f"{on_time:.1%}，超期 {result['overdue']} 件"),
        ("退件 / 重办", f"{result['returned']} / {result['reworked']}"),
        ("平均星级", str(result["average_stars"])),
        ("提交 → 市民看到首个进度", f"p50 {first['p50']} ms, p99 {first['p99']} ms"),
        ("单位动作 → 市民看到", f"p50 {told['p50']} ms, p99 {told['p99']} ms（{told['actions']} 次）"),
    ]
    for name, value in rows:
        table.add_row(f"[bold]{name}[/]", value)
    console.print(table)
    for problem in result["problems"][:5]:
        console.print(f"[red]{problem}[/]")
