"""Owns how the tour of the catalogue looks on the screen: Chinese for the people it is about."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

MOST_LINES = 12
UNITS = {"urgent_hour": "紧急工作时", "work_hour": "工作时", "work_day": "工作日", "calendar_day": "自然日"}
CHANGES = {"split": "一分为二", "moved": "换承办单位", "sooner": "缩短时限", "renamed": "更名", "none": "未改动"}


def limit_zh(limit: Mapping[str, Any]) -> str:
    return f"{limit['amount']}个{UNITS[limit['unit']]}"


class Screen:
    def __init__(self, console: Console) -> None:
        self._console = console

    def chapter(self, letter: str, zh: str, english: str) -> None:
        self._console.print()
        self._console.print(Rule(f"[bold]{letter}  {zh}[/]  [dim]{english}[/]", align="left"))

    def say(self, line: str) -> None:
        self._console.print(line)

    def mistakes(self, found: Sequence[Mapping[str, Any]]) -> None:
        table = Table("工作表", "行", "列", "填成了", "系统指出", title="改坏的五处，逐格指出", title_justify="left")
        for one in found:
            mark = "" if one["found"] else "[red]未指出[/]"
            table.add_row(one["sheet"], str(one["row"]), one["column"], one["value"] or "（空）", one["zh"] or mark)
        self._console.print(table)

    def difference(self, lines: Sequence[str]) -> None:
        for line in lines[:MOST_LINES]:
            self._console.print(f"  {line}", highlight=False, markup=False)

    def simulation(self, report: Mapping[str, Any]) -> None:
        table = Table("结果", "件数", "占比", "因改动", title="拿已有的事件试一遍", title_justify="left")
        for one in report["kinds"]:
            if one["count"]:
                table.add_row(one["zh"], str(one["count"]), f"{one['share']:.0%}", str(one["by_change"]))
        self._console.print(table)
        for title, flows in (("改派", report["unit_flows"]), ("改归", report["category_flows"])):
            for flow in flows[:MOST_LINES]:
                count = f"{flow['count']} 件"
                self._console.print(f"  {title}  {flow['from_name']} → {flow['to_name']}：{count}", highlight=False)

    def before_and_after(self, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> None:
        """One pair for each change: the same words, filed on the eve and on the day."""
        shown: set[str] = set()
        table = Table(box=None, show_header=False, pad_edge=False)
        for column in ("change", "case", "version"):
            table.add_column(column, no_wrap=True)
        for old, new in zip(before, after, strict=True):
            if old["change"] in shown:
                continue
            shown.add(old["change"])
            for one, change in ((old, CHANGES[old["change"]]), (new, "")):
                words = " · ".join(one[name] for name in ("category_name", "standard", "limit_zh", "unit_name"))
                table.add_row(f"[bold]{change}[/]", one["case_no"], one["edition"], words)
        self._console.print(table)

    def verdict(self, checks: Mapping[str, bool], seconds: float) -> None:
        self._console.print()
        for sentence, held in checks.items():
            self._console.print(f"{'[green]✓[/]' if held else '[red]✗[/]'} {sentence}", highlight=False)
        self._console.print(f"[dim]{seconds:.1f} s[/]")
