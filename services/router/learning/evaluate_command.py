"""Owns `classifier evaluate`: a stored model on labelled messages, one at a time, as the desk would ask it."""

import argparse
import gc
import json
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import psutil

from services.router.learning import folder
from services.router.learning.figures import Judged, figures
from services.router.learning.model import Model
from services.router.learning.samples import NothingToLearn, Sample, from_arguments


def run(arguments: argparse.Namespace) -> int:
    samples = from_arguments(arguments)
    if not samples:
        raise NothingToLearn("no row has both a text and a label")
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    model = folder.load(arguments.model)
    model.predict("", samples[0].text)
    grown = max(process.memory_info().rss - before, model.size_bytes) / 1e6
    print(json.dumps(evaluated(model, samples, grown), ensure_ascii=False))
    return 0


def evaluated(model: Model, samples: Sequence[Sample], model_mb: float) -> dict[str, Any]:
    """`ms_per_message`: from the string to five guesses with their words, on this one thread.

    `model_mb`: what the process grew by while it loaded the model and judged one message; numpy and rjieba with its
    dictionary (34 MB) are there before.
    """
    begun = perf_counter()
    guesses = [model.predict(one.title, one.text)[0] for one in samples]
    spent = perf_counter() - begun
    judged = [Judged(one.label, guess.label, guess.confidence) for one, guess in zip(samples, guesses, strict=True)]
    return {
        **figures(judged),
        "ms_per_message": round(spent / len(samples) * 1000, 3),
        "model_mb": round(model_mb, 1),
        "version": model.version,
    }
