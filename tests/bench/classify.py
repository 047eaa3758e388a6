"""The learned classifier: how right, how fast, how large, on labelled messages and on the catalogue's own examples.

`python -m tests.bench.classify` prints the figures and writes `build/bench/classify.json`. `--messages FILE` (a column
`text` and one named by `--label`) are cross-validated; without any only what needs no data of others is measured: the
catalogue with one example of every category held out, and made messages of two sizes for time and memory. To fail
is to be slower than `MOST_MS` or larger than `MOST_MB`; what accuracy there is is reported, not judged.
"""

import argparse
import json
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from services.router.catalogue import reading
from services.router.catalogue.whole import Catalogue
from services.router.learning import folder
from services.router.learning.building import build
from services.router.learning.catalogue_texts import catalogue_samples
from services.router.learning.crossvalidate_command import crossvalidated
from services.router.learning.figures import Judged, surest
from services.router.learning.model import Model
from services.router.learning.samples import Sample, read_files

MOST_MS, MOST_MB, MOST_TRAIN_SECONDS = 2.0, 200.0, 60.0
LETTER, USUAL, MADE, CLASSES = 3000, 430, 10_000, 7
RESULT = Path("build/bench/classify.json")
MEASURE = """
import gc, sys, psutil
from pathlib import Path
from services.router.learning import folder
gc.collect()
before = psutil.Process().memory_info().rss
model = folder.load(Path(sys.argv[1]))
model.predict("路灯不亮", "门口的路灯坏了三天")
assert "sklearn" not in sys.modules and "scipy" not in sys.modules
print((psutil.Process().memory_info().rss - before) / 1e6)
"""


def memory_mb(stored: Path) -> float:
    """What a fresh process grows by while it loads the model and judges one message; the libraries are there before."""
    command = [sys.executable, "-c", MEASURE, str(stored)]
    return round(float(subprocess.run(command, capture_output=True, check=True, text=True).stdout), 1)


def milliseconds(run: Callable[[], object], batches: int = 20, each: int = 10) -> dict[str, float]:
    """Processor time of one call, over batches; the best is what it needs on a core nobody else uses, and is judged."""
    run()
    spent = []
    for _ in range(batches):
        begun = process_time()
        for _ in range(each):
            run()
        spent.append((process_time() - begun) * 1000 / each)
    return {"median": round(statistics.median(spent), 3), "best": round(min(spent), 3)}


def held_out(catalogue: Catalogue) -> tuple[list[Sample], list[Sample]]:
    """All texts but the second example of every category, and those."""
    asked = [Sample("", one.examples[-1], one.code) for one in catalogue.categories.values()]
    texts = {(one.text, one.label) for one in asked}
    return [
        one for one in catalogue_samples(catalogue.categories.values()) if (one.text, one.label) not in texts
    ], asked


def made(catalogue: Catalogue, chance: random.Random) -> list[Sample]:
    """Messages as long as citizens' are, put together from the catalogue's sentences; labels by first-level class."""
    classes = sorted(catalogue.classes)[:CLASSES]
    sentences = {
        code: [one.text for one in catalogue_samples(_of(catalogue, code)) if len(one.text) > 8] for code in classes
    }
    found = []
    for number in range(MADE):
        code, text = classes[number % CLASSES], ""
        while len(text) < USUAL:
            text += chance.choice(sentences[code if chance.random() < 0.6 else chance.choice(classes)]) + "。"
        found.append(Sample("", f"{text}{number}", code))
    return found


def _of(catalogue: Catalogue, code: str) -> list[Any]:
    return [one for one in catalogue.categories.values() if one.class_code == code]


def by_catalogue(catalogue: Catalogue, stored: Path) -> dict[str, Any]:
    inside, asked = held_out(catalogue)
    begun = process_time()
    built = build(inside)
    trained = round(process_time() - begun, 1)
    folder.save(stored, built.model, trained_at="", labels={}, metrics=built.metrics)
    guesses = [built.model.predict("", one.text) for one in asked]
    judged = [
        Judged(one.label, all_of[0].label, all_of[0].confidence) for one, all_of in zip(asked, guesses, strict=True)
    ]
    sure = [one for one in judged if one.confidence >= catalogue.classification.learned.category]
    return {
        "labels": len(asked),
        "samples": len(inside),
        "train_seconds": trained,
        "first": share(one.label == one.guess for one in judged),
        "among_five": share(
            one.label in {guess.label for guess in all_of} for one, all_of in zip(asked, guesses, strict=True)
        ),
        "first_level": share(one.label[:2] == one.guess[:2] for one in judged),
        "coverage_50": surest(judged, 0.5)[0],
        "above_threshold": round(len(sure) / len(judged), 4),
        "above_threshold_right": share(one.label == one.guess for one in sure),
        "ms_per_message": milliseconds(each_in_turn(built.model, asked)),
        "model_mb": memory_mb(stored),
    }


def share(hits: Any) -> float:
    found = list(hits)
    return round(sum(found) / max(1, len(found)), 4)


def each_in_turn(model: Model, samples: Sequence[Sample]) -> Callable[[], object]:
    turn = iter(range(10**9))
    return lambda: model.predict("", samples[next(turn) % len(samples)].text)


def by_size(catalogue: Catalogue, stored: Path) -> dict[str, Any]:
    samples = made(catalogue, random.Random(2019))
    begun = process_time()
    built = build(samples)
    trained = round(process_time() - begun, 1)
    folder.save(stored, built.model, trained_at="", labels={}, metrics=built.metrics)
    letter = "".join(one.text for one in samples[:10])[:LETTER]
    return {
        "labels": CLASSES,
        "samples": len(samples),
        "train_seconds": trained,
        "ms_per_message": milliseconds(each_in_turn(built.model, samples)),
        "ms_per_letter": milliseconds(lambda: built.model.predict("路灯不亮", letter)),
        "model_mb": memory_mb(stored),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=Path, action="append", default=[])
    parser.add_argument("--label", default="label")
    parser.add_argument("--folds", type=int, default=5)
    given = parser.parse_args()
    begun = perf_counter()
    catalogue = reading.load()
    with tempfile.TemporaryDirectory() as place:
        result: dict[str, Any] = {
            "python": platform.python_version(),
            "required": {"ms_per_message": MOST_MS, "model_mb": MOST_MB, "train_seconds": MOST_TRAIN_SECONDS},
            "catalogue": by_catalogue(catalogue, Path(place) / "catalogue"),
            "made_messages": by_size(catalogue, Path(place) / "made"),
        }
    if given.messages:
        samples = read_files([(file, "text") for file in given.messages], given.label)
        result["messages"] = crossvalidated(samples, given.folds)
    result["met"] = (
        all(
            one["ms_per_message"]["best"] <= MOST_MS
            and one["model_mb"] <= MOST_MB
            and one["train_seconds"] <= MOST_TRAIN_SECONDS
            for one in (result["catalogue"], result["made_messages"])
        )
        and result["made_messages"]["ms_per_letter"]["best"] <= MOST_MS
    )
    result["seconds"] = round(perf_counter() - begun, 1)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2, ensure_ascii=False))
    return 0 if result["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
