"""What the catalogue costs: reading it at a start, looking something up, searching, examining it whole.

`python -m tests.bench.catalogue` prints the table and writes `build/bench/catalogue.json`. One core, the shipped data.
"""

import json
import platform
import statistics
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

from services.router.catalogue.examination import examine_fully
from services.router.catalogue.files import pack, read_folder
from services.router.catalogue.reading import SHIPPED, load_all
from services.router.catalogue.search import search
from services.router.classifier import Classifier, Message

RESULT = Path("build/bench/catalogue.json")


def median(what: Callable[[], object], rounds: int = 7) -> float:
    """Seconds of one call."""
    taken = []
    for _ in range(rounds):
        started = perf_counter()
        what()
        taken.append(perf_counter() - started)
    return statistics.median(taken)


def main() -> None:
    newest = load_all()["2019"]
    codes, files, classifier = list(newest.categories), read_folder(SHIPPED), Classifier(newest)
    messages = [Message(text=example) for one in newest.categories.values() for example in one.examples]
    figures = {
        "categories": len(codes),
        "standards": len(newest.standards()),
        "load_both_editions_s": median(load_all),
        "make_classifier_s": median(lambda: Classifier(newest), 3),
        "look_up_us": median(lambda: [newest.path(code) for code in codes]) / len(codes) * 1e6,
        "classify_by_rule_ms": median(lambda: [classifier.classify(one) for one in messages], 3) / len(messages) * 1e3,
        "search_ms": median(lambda: search(newest, "路灯不亮", 10)) * 1e3,
        "examine_s": median(lambda: examine_fully(files, date(2026, 11, 24)), 3),
        "packed_bytes": len(pack(files)),
    }
    shown = Table("figure", "value", title="The catalogue")
    for name, value in figures.items():
        shown.add_row(name, f"{value:,.3f}" if isinstance(value, float) else f"{value:,}")
    Console().print(shown)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    machine = {"machine": platform.machine(), "python": platform.python_version()}
    RESULT.write_text(json.dumps(machine | figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
