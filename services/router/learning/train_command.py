"""Owns `classifier train`: from labelled files, or from the catalogue's own texts and what dispatchers have decided."""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from services.router.catalogue import reading
from services.router.catalogue.whole import Catalogue
from services.router.learning import folder
from services.router.learning.building import build
from services.router.learning.catalogue_texts import catalogue_samples
from services.router.learning.samples import Sample, from_arguments
from shared.clock import RealClock


def run(arguments: argparse.Namespace) -> int:
    samples = from_arguments(arguments) if arguments.messages else from_catalogue(reading.load())
    print(json.dumps(train(samples, arguments.model, now=RealClock().now()), ensure_ascii=False))
    return 0


def from_catalogue(catalogue: Catalogue, decided: Iterable[Sample] = ()) -> list[Sample]:
    """`decided`: cases with the category a person left them in; those of categories that are no more do not count."""
    known = catalogue.categories
    return [*catalogue_samples(known.values()), *(one for one in decided if one.label in known)]


def train(samples: Sequence[Sample], into: Path, *, now: datetime) -> dict[str, Any]:
    """Learn, store, and say what came of it; until then the folder keeps the model it holds."""
    begun = perf_counter()
    built = build(samples)
    labels = Counter(one.label for one in samples)
    folder.save(into, built.model, trained_at=now.isoformat(), labels=labels, metrics=built.metrics)
    return {
        "version": built.model.version,
        "samples": len(samples),
        "labels": len(labels),
        "cross_validated": built.metrics,
        "seconds": round(perf_counter() - begun, 1),
        "arrays_mb": round(built.model.size_bytes / 1e6, 1),
    }
